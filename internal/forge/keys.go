package forge

import (
	"crypto"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/jose"
)

// Key is a signing key with what its issuer publishes about it.
type Key struct {
	ID                  narrowcast.KeyID
	Algorithm           narrowcast.Algorithm
	Signer              crypto.Signer
	NotBefore, NotAfter time.Time // zero means no limit
}

// Keys are the keys of a world.
type Keys struct {
	First    []Key // of the issuer: one for each algorithm, and some outside their window
	Second   []Key // of the second issuer; its ES256 key has the key id of the first's
	Stranger Key   // ES256, of nobody: never published
}

// key finds the issuer's key for an algorithm. The first one counts: keys
// outside their window stand behind.
func (k Keys) key(alg narrowcast.Algorithm) Key {
	for _, key := range k.First {
		if key.Algorithm == alg {
			return key
		}
	}
	return Key{}
}

// named finds a key of the issuer by its id.
func (k Keys) named(id narrowcast.KeyID) Key {
	for _, key := range k.First {
		if key.ID == id {
			return key
		}
	}
	return Key{}
}

// Set writes the public halves as a JWK Set (RFC 7517 section 5). The members
// nbf and exp carry the validity windows.
func Set(keys []Key) ([]byte, error) {
	var set []jose.JWK
	for _, k := range keys {
		jwk := jose.JWK{KeyID: string(k.ID), Alg: jose.Alg(k.Algorithm), Public: k.Signer.Public()}
		if !k.NotBefore.IsZero() {
			jwk.NotBefore = k.NotBefore.Unix()
		}
		if !k.NotAfter.IsZero() {
			jwk.NotAfter = k.NotAfter.Unix()
		}
		set = append(set, jwk)
	}
	return jose.MarshalSet(set)
}
