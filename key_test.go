package narrowcast_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

func TestNewKeyAcceptsEveryAlgorithm(t *testing.T) {
	for _, alg := range []narrowcast.Algorithm{narrowcast.ES256, narrowcast.ES384, narrowcast.RS256, narrowcast.PS256, narrowcast.Ed25519} {
		k := newPen(t, alg, "k1").public(t, func(c *narrowcast.KeyConfig) { c.NotBefore, c.NotAfter = at, at.Add(time.Hour) })
		from, to := k.Window()
		if k.ID() != "k1" || k.Algorithm() != alg || k.Public() == nil || !from.Equal(at) || !to.Equal(at.Add(time.Hour)) {
			t.Errorf("key = %v %v %v", k.ID(), k.Algorithm(), k.Public())
		}
		if print, err := k.Thumbprint(); err != nil || len(print) != 43 {
			t.Errorf("thumbprint = %q, %v", print, err)
		}
	}
}

func TestNewKeyRefusesWhatDoesNotFit(t *testing.T) {
	p256, p384 := newPen(t, narrowcast.ES256, "k").signer.Public(), newPen(t, narrowcast.ES384, "k").signer.Public()
	ed, strong := newPen(t, narrowcast.Ed25519, "k").signer.Public(), rsaSigner().Public()
	weak := &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 2039), E: 65537}
	huge := &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 8*1024), E: 65537}
	p521 := &ecdsa.PublicKey{Curve: elliptic.P521()}
	for _, test := range []struct {
		name string
		alg  narrowcast.Algorithm
		key  crypto.PublicKey
	}{
		{"P-384 for ES256", narrowcast.ES256, p384}, {"P-256 for ES384", narrowcast.ES384, p256},
		{"P-521 for ES256", narrowcast.ES256, p521}, {"Ed25519 for ES256", narrowcast.ES256, ed},
		{"RSA for ES256", narrowcast.ES256, strong}, {"P-256 for RS256", narrowcast.RS256, p256},
		{"RSA for Ed25519", narrowcast.Ed25519, strong}, {"short Ed25519", narrowcast.Ed25519, ed25519.PublicKey{1, 2}},
		{"weak RSA", narrowcast.RS256, weak}, {"weak RSA for PS256", narrowcast.PS256, weak}, {"huge RSA", narrowcast.RS256, huge},
		{"no key", narrowcast.ES256, nil}, {"symmetric", narrowcast.ES256, []byte("secret")},
		{"none", "none", p256}, {"HS256", "HS256", p256}, {"no algorithm", "", p256}, {"lower case", "es256", p256},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := narrowcast.NewKey(narrowcast.KeyConfig{ID: "k", Algorithm: test.alg, Public: test.key}); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestNewKeyReturnsEveryFault(t *testing.T) {
	_, err := narrowcast.NewKey(narrowcast.KeyConfig{Algorithm: "HS256", NotBefore: at, NotAfter: at.Add(-time.Second)})
	for _, want := range []string{"key id", "HS256", "NotAfter"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want it to name %s", err, want)
		}
	}
}

func TestAlgorithmNamesAreExact(t *testing.T) {
	if alg, err := narrowcast.ParseAlgorithm("EdDSA"); err != nil || alg != narrowcast.Ed25519 {
		t.Errorf("EdDSA = %q, %v", alg, err)
	}
	for _, s := range []string{"", "none", "None", "HS256", "ES512", "ES256K", "es256", "ES256 ", "PS384", "RS1"} {
		if alg, err := narrowcast.ParseAlgorithm(s); err == nil {
			t.Errorf("ParseAlgorithm(%q) = %q", s, alg)
		}
	}
}

func TestZeroKeyHasNoThumbprint(t *testing.T) {
	if print, err := (narrowcast.Key{}).Thumbprint(); err == nil {
		t.Errorf("thumbprint = %q", print)
	}
}
