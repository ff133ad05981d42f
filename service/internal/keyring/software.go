package keyring

import (
	"context"
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

// make makes a key, at home or in software. It may take long, and the turn to
// change is not taken.
func (r *Ring) make(ctx context.Context) (store.Key, error) {
	home := r.config.Home
	if r.config.MakeHere {
		home = nil
	}
	k, err := newKey(ctx, r.config.Algorithm, home, r.seal)
	if err != nil {
		return store.Key{}, fmt.Errorf("making a key: %w", err)
	}
	return k, nil
}

// newKey makes a key whose id is the thumbprint of its public half (RFC 7638),
// so that neither can be exchanged without the other.
func newKey(ctx context.Context, alg narrowcast.Algorithm, home Home, s *seal) (store.Key, error) {
	var signer crypto.Signer
	var inside []byte
	var err error
	kind := software
	if home == nil {
		if signer, err = generate(alg); err == nil {
			inside, err = x509.MarshalPKCS8PrivateKey(signer)
		}
	} else {
		kind = reference
		inside, signer, err = home.Generate(ctx, alg)
	}
	if err != nil {
		return store.Key{}, err
	}
	defer clear(inside)
	if kind == reference && (signer == nil || len(inside) == 0 || len(inside) > MaxReference) {
		return store.Key{}, fmt.Errorf("the home of keys returned no key, or a reference of %d bytes, more than %d", len(inside), MaxReference)
	}
	id, err := idOf(alg, signer.Public())
	if err != nil {
		return store.Key{}, err
	}
	public, err := x509.MarshalPKIXPublicKey(signer.Public())
	if err != nil {
		return store.Key{}, err
	}
	return store.Key{ID: id, Algorithm: alg, Public: public, Private: s.close(kind, id, alg, inside)}, nil
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

// read turns what was in the box of a software key into a signer, and checks
// that its halves belong together. Its errors never carry what was inside.
func read(inside []byte, public crypto.PublicKey) (crypto.Signer, error) {
	key, err := x509.ParsePKCS8PrivateKey(inside)
	if err != nil {
		return nil, errors.New("its private half cannot be read")
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("its private half cannot sign")
	}
	return signer, together(signer, public)
}

// fetch finds a key at its home.
func fetch(ctx context.Context, home Home, inside []byte, public crypto.PublicKey) (crypto.Signer, error) {
	if home == nil {
		return nil, fmt.Errorf("%w: it is kept outside, and no home of keys is configured", ErrAway)
	}
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	signer, err := home.Open(ctx, inside)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAway, err)
	}
	if err := together(signer, public); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAway, err)
	}
	return signer, nil
}

func together(signer crypto.Signer, public crypto.PublicKey) error {
	if p, ok := public.(interface{ Equal(x crypto.PublicKey) bool }); !ok || !p.Equal(signer.Public()) {
		return fmt.Errorf("%w: its halves do not belong together", ErrAltered)
	}
	return nil
}
