package keyring

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// rsaBits gives the strength of P-256 (SP 800-57 part 1, table 2).
const rsaBits = 3072

func generate(alg narrowcast.Algorithm) (crypto.Signer, error) {
	switch alg {
	case narrowcast.ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case narrowcast.ES384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case narrowcast.RS256, narrowcast.PS256:
		return rsa.GenerateKey(rand.Reader, rsaBits)
	case narrowcast.Ed25519:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	}
	return nil, fmt.Errorf("no keys are made for algorithm %q", alg)
}

// newKey makes a key whose id is the thumbprint of its public half (RFC 7638),
// so that neither can be exchanged without the other.
func newKey(alg narrowcast.Algorithm, s *seal) (store.Key, error) {
	signer, err := generate(alg)
	if err != nil {
		return store.Key{}, err
	}
	id, err := idOf(alg, signer.Public())
	if err != nil {
		return store.Key{}, err
	}
	public, err := x509.MarshalPKIXPublicKey(signer.Public())
	if err != nil {
		return store.Key{}, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(signer)
	if err != nil {
		return store.Key{}, err
	}
	defer clear(private)
	return store.Key{ID: id, Algorithm: alg, Public: public, Private: s.close(id, alg, private)}, nil
}

func idOf(alg narrowcast.Algorithm, public crypto.PublicKey) (narrowcast.KeyID, error) {
	k, err := narrowcast.NewKey(narrowcast.KeyConfig{ID: "unnamed", Algorithm: alg, Public: public})
	if err != nil {
		return "", err
	}
	thumbprint, err := k.Thumbprint()
	return narrowcast.KeyID(thumbprint), err
}

// publicHalf is a kept key as verifiers see it. The window opens a little
// before publication, because their clocks may be behind.
func publicHalf(k store.Key) (narrowcast.Key, error) {
	public, err := x509.ParsePKIXPublicKey(k.Public)
	if err != nil {
		return narrowcast.Key{}, fmt.Errorf("%w: its public half cannot be read", ErrAltered)
	}
	if id, err := idOf(k.Algorithm, public); err != nil || id != k.ID {
		return narrowcast.Key{}, fmt.Errorf("%w: its id is not the thumbprint of its public half", ErrAltered)
	}
	return narrowcast.NewKey(narrowcast.KeyConfig{
		ID: k.ID, Algorithm: k.Algorithm, Public: public,
		NotBefore: k.Published.Add(-narrowcast.MaxSkew), NotAfter: k.Gone,
	})
}

// unseal opens the private half and checks that it belongs to the public one.
// Its errors never carry what was inside.
func unseal(k store.Key, public crypto.PublicKey, s *seal) (crypto.Signer, error) {
	private, err := s.open(k.ID, k.Algorithm, k.Private)
	if err != nil {
		return nil, err
	}
	defer clear(private)
	key, err := x509.ParsePKCS8PrivateKey(private)
	if err != nil {
		return nil, errors.New("its private half cannot be read")
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("its private half cannot sign")
	}
	if p, ok := public.(interface{ Equal(x crypto.PublicKey) bool }); !ok || !p.Equal(signer.Public()) {
		return nil, fmt.Errorf("%w: its halves do not belong together", ErrAltered)
	}
	return signer, nil
}
