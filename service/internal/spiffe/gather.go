package spiffe

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"fmt"

	"github.com/spiffe/go-spiffe/v2/bundle/jwtbundle"
	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"

	"github.com/narrowcast-io/narrowcast"
)

// gather sorts what an agent said by trust domain.
func gather(certs *x509bundle.Set, keys *jwtbundle.Set) answer {
	all := answer{bundles: map[Domain]*Bundle{}, faults: map[Domain]error{}}
	if certs != nil {
		for _, bundle := range certs.Bundles() {
			all.put(Domain(bundle.TrustDomain().Name()), func(b *Bundle) error { return b.addAll(bundle.X509Authorities()) })
		}
	}
	if keys != nil {
		for _, bundle := range keys.Bundles() {
			all.put(Domain(bundle.TrustDomain().Name()), func(b *Bundle) error { return b.addPublic(bundle.JWTAuthorities()) })
		}
	}
	return all
}

// put adds to the bundle of a domain. One that takes something bad is dropped,
// whatever else is in it.
func (a *answer) put(domain Domain, add func(*Bundle) error) {
	if a.faults[domain] != nil {
		return
	}
	b := a.bundles[domain]
	if b == nil {
		b = &Bundle{domain: domain, keys: map[narrowcast.KeyID]narrowcast.Key{}}
		a.bundles[domain] = b
	}
	if err := add(b); err != nil {
		a.faults[domain] = fmt.Errorf("bundle of %s: %w", domain, err)
		delete(a.bundles, domain)
	}
}

func (b *Bundle) addAll(authorities []*x509.Certificate) error {
	for _, cert := range authorities {
		if err := b.add(cert); err != nil {
			return err
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
