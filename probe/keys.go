package probe

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"strings"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/forge"
)

// Keys are the signing keys of one visit: one for each algorithm, which the
// door is told to trust, and one of a stranger, which it is not. Whoever has
// them can sign tokens that the door accepts, so they are made for the visit
// and distrusted after it.
type Keys struct {
	first    []forge.Key
	stranger forge.Key
}

// NewKeys makes fresh keys. It takes a second or two, for RSA.
func NewKeys() (*Keys, error) {
	k := &Keys{}
	for _, alg := range algorithms() {
		key, err := newKey(alg)
		if err != nil {
			return nil, fmt.Errorf("probe keys: %w", err)
		}
		k.first = append(k.first, key)
	}
	stranger, err := newKey(narrowcast.ES256)
	if err != nil {
		return nil, fmt.Errorf("probe keys: %w", err)
	}
	k.stranger = stranger
	return k, nil
}

// String says how many keys there are and nothing about them.
func (k *Keys) String() string { return fmt.Sprintf("%d probe keys", len(k.first)) }

// GoString is String, so that %#v gives nothing away either.
func (k *Keys) GoString() string { return k.String() }

// PublicSet returns the JWK Set (RFC 7517 section 5) that the door must trust
// for the issuer of the visit.
func (k *Keys) PublicSet() ([]byte, error) { return forge.Set(k.first) }

func newKey(alg narrowcast.Algorithm) (forge.Key, error) {
	signer, err := generate(alg)
	if err != nil {
		return forge.Key{}, err
	}
	id := "probe-" + strings.ToLower(string(alg)+"-"+rand.Text()[:8])
	return forge.Key{ID: narrowcast.KeyID(id), Algorithm: alg, Signer: signer}, nil
}

func generate(alg narrowcast.Algorithm) (crypto.Signer, error) {
	switch alg {
	case narrowcast.ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case narrowcast.ES384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case narrowcast.RS256, narrowcast.PS256:
		return rsa.GenerateKey(rand.Reader, 2048)
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	return private, err
}
