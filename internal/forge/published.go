package forge

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"io"
	"math/big"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// PUBLISHED TEST KEYS. Everybody has them. The elliptic keys are derived from
// the label below, the primes of the RSA keys are written out. A verifier that
// trusts any of them trusts the whole world.
const (
	label = "narrowcast published test key, never to be trusted: "

	rs256P = "cadbad91f63727f22f78d5b9ab984bfb4ed630ee003f6f2f2c1a5b4a150f94c31cc593164c8958abb6410fca029483c810094630b275c59239e98033056799898ec3594c4e8fca1dbc3b3feca1ddcf0d93732cc612a2bdc74183e2b6d43ebb2db59d71e679e4491789be181616cf2c7e9904d0a34f75e1c1ff7568fa0d55047b"
	rs256Q = "de1e5c863da11c583ee466a462c610033b510a66db9601b97eb98eaa9b2e488be14132b20bef5a2d8d8b5a1f090bdef439e8a1fe670f9102643287c7a59fe9b6ffa5594fb153f0d7acae93467b1021399e5d95f04b58fc8c6dd08d9fd0f08830cf7c65b07580919ca4ce3eea5b8fe4eb16e023efd73c8ba91cc01fc52a051237"
	ps256P = "f0aa65287716de08f2cba2fe320dc46dcf71494b218f74113834f9469bae6f8981f8b3111d3e07e611207138c289d127baa8d9ddcf3f512311dc4eed663f079c86e2fbac5075c1ae2c0a2a9cf68930f5c1fa6c1ee0edb95ff3aca5d513ce63704ad2b448d1f1366ce5554d91aa809cec7210233e2242233814ad06825f3ea9b5"
	ps256Q = "e5cba829c47d334ffe02d01d9e2002a64b8f23d96781225a36c7671457e8c7794016a7297b1ecd1deaa1477b0af26d23f1583f5ee2998d09119b7dea521655891946f09609c3112f3ee171d5fc1075d593e9db6a1a46845db0a5c16025eb29fa5904791ae9a5205c3e6cca0d1de84d86f8e062a4a3aa0eff49e4b8f7fff6a66d"
)

// publishedAt is the instant of every published vector: 2027-01-15T08:00:00Z.
const publishedAt = 1_800_000_000

// Published returns the world of the published vectors. Its keys are public and
// its tokens come out the same, byte for byte, every time.
func Published() (*World, error) {
	now := time.Unix(publishedAt, 0).UTC()
	keys, err := publishedKeys(now)
	if err != nil {
		return nil, fmt.Errorf("published test keys: %w", err)
	}
	return &World{
		Issuer:      narrowcast.MustIssuer("https://issuer.example.test"),
		Second:      narrowcast.MustIssuer("https://second.example.test"),
		Audience:    narrowcast.MustAudience("https://pay.example.test"),
		Other:       narrowcast.MustAudience("https://crm.example.test"),
		Subject:     "checkout",
		Client:      "checkout",
		Scope:       narrowcast.MustScope("charge refund"),
		Required:    narrowcast.MustScope("charge"),
		Tenant:      "north",
		Environment: "prod",
		Certificate: "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0", // RFC 8705 appendix A
		Now:         now,
		Keys:        keys,
	}, nil
}

func publishedKeys(now time.Time) (Keys, error) {
	var errs []error
	made := func(id narrowcast.KeyID, alg narrowcast.Algorithm, from string) Key {
		signer, err := derive(alg, from)
		errs = append(errs, err)
		return Key{ID: id, Algorithm: alg, Signer: steady{signer}}
	}
	retired, future := made("es256-retired", narrowcast.ES256, "retired"), made("es256-future", narrowcast.ES256, "future")
	retired.NotAfter = now.Add(-time.Hour)
	future.NotBefore = now.Add(time.Hour)
	k := Keys{
		First: []Key{
			made("es256", narrowcast.ES256, "first"), made("es384", narrowcast.ES384, "first"),
			made("rs256", narrowcast.RS256, "first"), made("ps256", narrowcast.PS256, "first"),
			made("ed25519", narrowcast.Ed25519, "first"), retired, future,
		},
		Second:   []Key{made("es256", narrowcast.ES256, "second"), made("second-es256", narrowcast.ES256, "second only")},
		Stranger: made("es256", narrowcast.ES256, "stranger"),
	}
	return k, errors.Join(errs...)
}

func derive(alg narrowcast.Algorithm, from string) (crypto.Signer, error) {
	seed := sha256.Sum256([]byte(label + from))
	switch alg {
	case narrowcast.ES256:
		return ecdsa.ParseRawPrivateKey(elliptic.P256(), seed[:])
	case narrowcast.ES384:
		long := sha512.Sum384([]byte(label + from))
		return ecdsa.ParseRawPrivateKey(elliptic.P384(), long[:])
	case narrowcast.Ed25519:
		return ed25519.NewKeyFromSeed(seed[:]), nil
	case narrowcast.RS256:
		return fromPrimes(rs256P, rs256Q)
	case narrowcast.PS256:
		return fromPrimes(ps256P, ps256Q)
	}
	return nil, fmt.Errorf("no published key for %q", alg)
}

func fromPrimes(p, q string) (crypto.Signer, error) {
	const exponent, hexadecimal = 65537, 16
	first, okP := new(big.Int).SetString(p, hexadecimal)
	second, okQ := new(big.Int).SetString(q, hexadecimal)
	if !okP || !okQ {
		return nil, errors.New("a prime is not written in hexadecimal")
	}
	one := big.NewInt(1)
	phi := new(big.Int).Mul(new(big.Int).Sub(first, one), new(big.Int).Sub(second, one))
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(first, second), E: exponent},
		D:         new(big.Int).ModInverse(big.NewInt(exponent), phi),
		Primes:    []*big.Int{first, second},
	}
	key.Precompute()
	return key, key.Validate()
}

// steady signs the same text with the same signature: ECDSA by RFC 6979, PSS
// with a salt of fixed bytes. It is for published keys only.
type steady struct{ crypto.Signer }

func (s steady) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if _, elliptic := s.Signer.(*ecdsa.PrivateKey); elliptic {
		return s.Signer.Sign(nil, digest, opts)
	}
	return s.Signer.Sign(counting{}, digest, opts)
}

// counting yields 0, 1, 2, … on every read.
type counting struct{}

func (counting) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(i)
	}
	return len(p), nil
}
