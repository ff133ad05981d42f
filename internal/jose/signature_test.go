package jose_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/narrowcast-io/narrowcast/internal/jose"
)

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

var algorithms = []jose.Alg{jose.ES256, jose.ES384, jose.RS256, jose.PS256, jose.Ed25519}

func signerFor(t testing.TB, alg jose.Alg) (signer crypto.Signer) {
	t.Helper()
	var err error
	switch alg {
	case jose.ES256:
		signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.ES384:
		signer, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case jose.Ed25519:
		_, signer, err = ed25519.GenerateKey(rand.Reader)
	default:
		signer = rsaKey()
	}
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// TestEverySignatureHasOneKeyAndOneAlgorithm signs with each algorithm and
// checks with all of them.
func TestEverySignatureHasOneKeyAndOneAlgorithm(t *testing.T) {
	signers := map[jose.Alg]crypto.Signer{}
	for _, alg := range algorithms {
		signers[alg] = signerFor(t, alg)
	}
	for _, made := range algorithms {
		signature, err := jose.Sign(made, signers[made], "input")
		if err != nil {
			t.Fatalf("%s: %v", made, err)
		}
		for _, checked := range append(algorithms, "none", "HS256", "") {
			for of, signer := range signers {
				err := jose.Verify(checked, signer.Public(), []byte("input"), signature)
				if right := made == checked && jose.Fits(made, signer.Public()); (err == nil) != right {
					t.Errorf("signed by %s, checked as %s with the key for %s: %v", made, checked, of, err)
				}
			}
		}
		for i := range signature {
			spoiled := append([]byte(nil), signature...)
			spoiled[i] ^= 1
			if err := jose.Verify(made, signers[made].Public(), []byte("input"), spoiled); !errors.Is(err, jose.ErrSignature) {
				t.Fatalf("%s with byte %d changed: %v", made, i, err)
			}
		}
		for _, wrong := range [][]byte{nil, {}, signature[1:], signature[:len(signature)-1], append([]byte{0}, signature...), append(signature[:len(signature):len(signature)], 0), make([]byte, len(signature))} {
			if err := jose.Verify(made, signers[made].Public(), []byte("input"), wrong); !errors.Is(err, jose.ErrSignature) {
				t.Errorf("%s with %d bytes: %v", made, len(wrong), err)
			}
		}
	}
}

// TestDERIsNoJWSSignature: RFC 7518 section 3.4 wants r and s at full length.
func TestDERIsNoJWSSignature(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	digest := crypto.SHA256.New()
	_, _ = io.WriteString(digest, "input")
	der, err := ecdsa.SignASN1(rand.Reader, key, digest.Sum(nil))
	if err != nil {
		t.Fatal(err)
	}
	if !ecdsa.VerifyASN1(&key.PublicKey, digest.Sum(nil), der) {
		t.Fatal("the control does not hold")
	}
	if err := jose.Verify(jose.ES256, &key.PublicKey, []byte("input"), der); !errors.Is(err, jose.ErrSignature) {
		t.Errorf("DER was taken: %v", err)
	}
}

// TestECDSASignatureHasOneLength: a zero in front of s changes no number, and
// would give one token a second spelling.
func TestECDSASignatureHasOneLength(t *testing.T) {
	for _, alg := range []jose.Alg{jose.ES256, jose.ES384} {
		signer := signerFor(t, alg)
		signature, err := jose.Sign(alg, signer, "input")
		if err != nil {
			t.Fatal(err)
		}
		half := len(signature) / 2
		longer := append(append(append([]byte{}, signature[:half]...), 0), signature[half:]...)
		if err := jose.Verify(alg, signer.Public(), []byte("input"), longer); !errors.Is(err, jose.ErrSignature) {
			t.Errorf("%s with a zero inside: %v", alg, err)
		}
	}
}

func TestPSSNeedsASaltOfTheLengthOfTheHash(t *testing.T) {
	digest := crypto.SHA256.New()
	_, _ = io.WriteString(digest, "input")
	for salt, right := range map[int]bool{32: true, 0: false, 20: false, 64: false} {
		opts := &rsa.PSSOptions{SaltLength: salt}
		if salt == 0 {
			opts.SaltLength = rsa.PSSSaltLengthAuto // the longest that fits
		}
		signature, err := rsa.SignPSS(rand.Reader, rsaKey(), crypto.SHA256, digest.Sum(nil), opts)
		if err != nil {
			t.Fatal(err)
		}
		if err := jose.Verify(jose.PS256, &rsaKey().PublicKey, []byte("input"), signature); (err == nil) != right {
			t.Errorf("salt of %d: %v", salt, err)
		}
	}
}

// oddSigner returns what a broken module might.
type oddSigner struct {
	crypto.Signer
	answer []byte
	err    error
}

func (s oddSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return s.answer, s.err }

func TestSignDoesNotTrustTheSigner(t *testing.T) {
	real := signerFor(t, jose.ES256)
	broken := errors.New("the module is gone")
	for _, alg := range algorithms {
		signer := signerFor(t, alg)
		if _, err := jose.Sign(alg, oddSigner{signer, nil, broken}, "input"); !errors.Is(err, broken) {
			t.Errorf("%s: error = %v", alg, err)
		}
		if _, err := jose.Sign("HS256", signer, "input"); !errors.Is(err, jose.ErrAlgorithm) {
			t.Errorf("HS256 with the key for %s: %v", alg, err)
		}
	}
	for name, answer := range map[string][]byte{
		"nothing": nil, "raw": make([]byte, 64), "not DER": {1, 2, 3}, "cut": {0x30, 6, 2, 1, 1}, "one number": {0x30, 3, 2, 1, 1},
		"bytes behind": {0x30, 6, 2, 1, 1, 2, 1, 1, 0}, "too long": append([]byte{0x30, 39, 2, 34}, make([]byte, 37)...),
		"number that is too large": append(append([]byte{0x30, 0x26, 2, 33, 1}, make([]byte, 32)...), 2, 1, 1),
	} {
		if signature, err := jose.Sign(jose.ES256, oddSigner{real, answer, nil}, "input"); err == nil {
			t.Errorf("%s became %x", name, signature)
		}
	}
}
