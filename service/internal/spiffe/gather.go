package spiffe

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"fmt"

	"github.com/spiffe/go-spiffe/v2/bundle/jwtbundle"
	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"

	"github.com/narrowcast-io/narrowcast"
)

// gather sorts what an agent said by trust domain.
func gather(certs *x509bundle.Set, keys *jwtbundle.Set, of func(string) *Bundle) error {
	if certs != nil {
		for _, bundle := range certs.Bundles() {
			into := of(bundle.TrustDomain().Name())
			for _, cert := range bundle.X509Authorities() {
				if err := into.add(cert); err != nil {
					return fmt.Errorf("bundle of %s: %w", into.domain, err)
				}
			}
		}
	}
	if keys != nil {
		for _, bundle := range keys.Bundles() {
			into := of(bundle.TrustDomain().Name())
			if err := into.addPublic(bundle.JWTAuthorities()); err != nil {
				return fmt.Errorf("bundle of %s: %w", into.domain, err)
			}
		}
	}
	return nil
}

// addPublic takes the keys of JWT-SVIDs as the Workload API has them: all are
// for that use, and none says its algorithm.
func (b *Bundle) addPublic(keys map[string]crypto.PublicKey) error {
	for id, public := range keys {
		algorithm, known := algorithmOf(public)
		if !known {
			continue
		}
		key, err := narrowcast.NewKey(narrowcast.KeyConfig{ID: narrowcast.KeyID(id), Algorithm: algorithm, Public: public})
		if err != nil {
			return err
		}
		b.keys[key.ID()] = key
	}
	return nil
}

func algorithmOf(public crypto.PublicKey) (narrowcast.Algorithm, bool) {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return narrowcast.RS256, true
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P256():
			return narrowcast.ES256, true
		case elliptic.P384():
			return narrowcast.ES384, true
		}
	}
	return "", false
}
