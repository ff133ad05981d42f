package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// Alg is the name of a signature algorithm as a header spells it. EdDSA is the
// older name of Ed25519 (RFC 9864 section 2.2) and is folded into it by Known.
type Alg string

// The algorithms. All are asymmetric: a verifier holds nothing that can sign.
const (
	ES256   Alg = "ES256"
	ES384   Alg = "ES384"
	RS256   Alg = "RS256"
	PS256   Alg = "PS256"
	Ed25519 Alg = "Ed25519"
	EdDSA   Alg = "EdDSA"
)

// Errors of this file.
var (
	ErrSignature = errors.New("the signature does not match")
	ErrAlgorithm = errors.New("the algorithm does not fit the key")
)

// Known folds the two names of Ed25519 and reports whether alg is one of ours.
func Known(alg string) (Alg, bool) {
	switch a := Alg(alg); a {
	case ES256, ES384, RS256, PS256, Ed25519:
		return a, true
	case EdDSA:
		return Ed25519, true
	}
	return "", false
}

// Fits reports whether a public key can be used with alg. One key is used with
// exactly one algorithm (RFC 8725 section 3.1); RSA keys below 2048 bits fit none.
func Fits(alg Alg, key crypto.PublicKey) bool {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		return alg == ES256 && k.Curve == elliptic.P256() || alg == ES384 && k.Curve == elliptic.P384()
	case *rsa.PublicKey:
		return (alg == RS256 || alg == PS256) && k.Size() >= minRSA && k.Size() <= maxRSA
	case ed25519.PublicKey:
		return alg == Ed25519 && len(k) == ed25519.PublicKeySize && !lowOrder(k)
	}
	return false
}

// lowOrder reports whether an Ed25519 key is one of the points of small order,
// under which signatures exist that nobody made (RFC 7748 section 6 has the same
// points for the sister curve). Only y counts, so the sign bit is masked.
func lowOrder(key ed25519.PublicKey) bool {
	if strings.IndexByte("\x00\x01\xec\xed\xee\x26\xc7", key[0]) < 0 {
		return false // nearly always: none of them begins like this
	}
	y := [32]byte(key)
	y[31] &= 0x7f
	for _, weak := range lowOrderY {
		if hex.EncodeToString(y[:]) == weak {
			return true
		}
	}
	return false
}

// lowOrderY are the y coordinates of the points of order 1, 2, 4 and 8, also in
// the two spellings that are not reduced.
var lowOrderY = [...]string{
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
}

// RSA modulus sizes in bytes: RFC 7518 section 3.3 asks for 2048 bits or more,
// and a huge modulus would be a way to burn a server's time.
const (
	minRSA = 2048 / 8
	maxRSA = 8192 / 8
)

// Verify checks signature over input. It returns ErrAlgorithm when the key is
// not for alg and ErrSignature when the signature is wrong.
func Verify(alg Alg, key crypto.PublicKey, input, signature []byte) error {
	if !Fits(alg, key) {
		return ErrAlgorithm
	}
	ok := false
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		// One buffer for both: the callee's arguments live on the heap.
		hashed := appendDigest(make([]byte, 0, sha512.Size384+der384), alg, input)
		der, fits := toDER(hashed[len(hashed):], signature, coordinate(alg))
		ok = fits && ecdsa.VerifyASN1(k, hashed, der)
	case *rsa.PublicKey:
		if alg == PS256 {
			// RFC 7518 section 3.5: the salt is as long as the hash.
			opts := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
			ok = rsa.VerifyPSS(k, crypto.SHA256, digest(alg, input), signature, opts) == nil
		} else {
			ok = rsa.VerifyPKCS1v15(k, crypto.SHA256, digest(alg, input), signature) == nil
		}
	case ed25519.PublicKey:
		ok = ed25519.Verify(k, input, signature)
	}
	if !ok {
		return ErrSignature
	}
	return nil
}

// Sign signs input. The signer may live in another process or a security
// module; only its public key is looked at here.
func Sign(alg Alg, signer crypto.Signer, signed string) ([]byte, error) {
	input := []byte(signed)
	if !Fits(alg, signer.Public()) {
		return nil, ErrAlgorithm
	}
	switch alg {
	case Ed25519:
		return signer.Sign(rand.Reader, input, crypto.Hash(0))
	case PS256:
		opts := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
		return signer.Sign(rand.Reader, digest(alg, input), opts)
	case RS256:
		return signer.Sign(rand.Reader, digest(alg, input), crypto.SHA256)
	case ES256, ES384:
		hash := crypto.SHA256
		if alg == ES384 {
			hash = crypto.SHA384
		}
		der, err := signer.Sign(rand.Reader, digest(alg, input), hash)
		if err != nil {
			return nil, err
		}
		return fromDER(der, coordinate(alg))
	}
	return nil, fmt.Errorf("signing with %q: %w", alg, ErrAlgorithm)
}

func digest(alg Alg, input []byte) []byte { return appendDigest(nil, alg, input) }

func appendDigest(dst []byte, alg Alg, input []byte) []byte {
	if alg == ES384 {
		sum := sha512.Sum384(input)
		return append(dst, sum[:]...)
	}
	sum := sha256.Sum256(input)
	return append(dst, sum[:]...)
}

// coordinate is the length of r and of s (RFC 7518 section 3.4).
func coordinate(alg Alg) int {
	if alg == ES384 {
		return 48
	}
	return 32
}

// der384 is the longest DER form of a P-384 signature: two integers of 49
// bytes, each with a two-byte head, and a head of three for the sequence.
const der384 = 3 + 2*(2+49)

// toDER turns the fixed-length pair r||s of a JWS into ASN.1. Any other length
// is refused, so a DER signature is never taken for a JWS signature.
func toDER(dst, raw []byte, size int) ([]byte, bool) {
	if len(raw) != 2*size {
		return nil, false
	}
	r, s := minimal(raw[:size]), minimal(raw[size:])
	n := 2 + len(r) + lead(r) + 2 + len(s) + lead(s)
	dst = append(dst, 0x30)
	if n >= 0x80 {
		dst = append(dst, 0x81)
	}
	dst = append(dst, byte(n))
	dst = appendInteger(dst, r)
	return appendInteger(dst, s), true
}

func minimal(b []byte) []byte {
	for len(b) > 1 && b[0] == 0 {
		b = b[1:]
	}
	return b
}

// lead is 1 when a DER integer needs a zero in front to stay positive.
func lead(b []byte) int { return int(b[0] >> 7) }

func appendInteger(dst, b []byte) []byte {
	dst = append(dst, 0x02, byte(len(b)+lead(b)))
	if lead(b) == 1 {
		dst = append(dst, 0)
	}
	return append(dst, b...)
}

// fromDER is the way back, for signatures that a crypto.Signer made.
func fromDER(der []byte, size int) ([]byte, error) {
	var r, s big.Int
	if !parseDER(der, &r, &s) || r.BitLen() > 8*size || s.BitLen() > 8*size {
		return nil, errors.New("the signer returned something other than an ECDSA signature")
	}
	out := make([]byte, 2*size)
	r.FillBytes(out[:size])
	s.FillBytes(out[size:])
	return out, nil
}

// parseDER reads a sequence of positive integers in the one spelling that DER
// allows.
func parseDER(der []byte, into ...*big.Int) bool {
	rest, ok := derBody(der)
	for _, n := range into {
		if !ok || len(rest) < 3 || rest[0] != 0x02 {
			return false
		}
		size := int(rest[1])
		if size == 0 || size > len(rest)-2 {
			return false
		}
		value := rest[2 : 2+size]
		if value[0] >= 0x80 || size > 1 && value[0] == 0 && value[1] < 0x80 {
			return false
		}
		n.SetBytes(value)
		rest = rest[2+size:]
	}
	return ok && len(rest) == 0
}

// derBody returns what is inside a sequence of at most 255 bytes.
func derBody(der []byte) ([]byte, bool) {
	if len(der) < 3 || der[0] != 0x30 {
		return nil, false
	}
	if der[1] == 0x81 {
		return der[3:], der[2] >= 0x80 && int(der[2]) == len(der)-3
	}
	return der[2:], der[1] < 0x80 && int(der[1]) == len(der)-2
}
