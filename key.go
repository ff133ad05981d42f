package narrowcast

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"time"

	"github.com/narrowcast-io/narrowcast/internal/jose"
)

// Algorithm is a signature algorithm by its JOSE name. The two names of Ed25519
// (RFC 9864) are one Algorithm.
type Algorithm string

// The algorithms. There is no symmetric one and no "none".
const (
	ES256   Algorithm = "ES256"
	ES384   Algorithm = "ES384"
	RS256   Algorithm = "RS256"
	PS256   Algorithm = "PS256"
	Ed25519 Algorithm = "Ed25519"
)

// ParseAlgorithm reads the JOSE name of an algorithm, in exact case. EdDSA is
// read as Ed25519.
func ParseAlgorithm(s string) (Algorithm, error) {
	alg, ok := jose.Known(s)
	if !ok {
		return "", fmt.Errorf("algorithm %s: not one of ES256, ES384, RS256, PS256, Ed25519", quote(s))
	}
	return Algorithm(alg), nil
}

// Key is a public key of an issuer, for one algorithm, inside a time window.
// The zero Key verifies nothing.
type Key struct {
	id        KeyID
	algorithm Algorithm
	public    crypto.PublicKey
	from, to  time.Time
}

// KeyConfig is what a Key is made of.
type KeyConfig struct {
	ID        KeyID            // required
	Algorithm Algorithm        // required: one key, one algorithm (RFC 8725 section 3.1)
	Public    crypto.PublicKey // *ecdsa.PublicKey, *rsa.PublicKey of 2048 bits or more, ed25519.PublicKey
	NotBefore time.Time        // the key is not used before this instant; zero means no limit
	NotAfter  time.Time        // nor after this one; zero means no limit
}

// NewKey makes a Key. It fails when the key is weak or not for the algorithm.
func NewKey(c KeyConfig) (Key, error) {
	var errs []error
	if _, err := ParseKeyID(string(c.ID)); err != nil {
		errs = append(errs, err)
	}
	alg, err := ParseAlgorithm(string(c.Algorithm))
	if err != nil {
		errs = append(errs, err)
	} else if !jose.Fits(jose.Alg(alg), c.Public) {
		errs = append(errs, fmt.Errorf("a key of type %T does not fit algorithm %s, or is too weak", c.Public, alg))
	}
	if !c.NotAfter.IsZero() && c.NotAfter.Before(c.NotBefore) {
		errs = append(errs, errors.New("NotAfter is before NotBefore"))
	}
	if len(errs) > 0 {
		return Key{}, fmt.Errorf("key: %w", errors.Join(errs...))
	}
	return Key{id: c.ID, algorithm: alg, public: c.Public, from: c.NotBefore, to: c.NotAfter}, nil
}

// ID returns the kid.
func (k Key) ID() KeyID { return k.id }

// Algorithm returns the one algorithm the key is used with.
func (k Key) Algorithm() Algorithm { return k.algorithm }

// Public returns the public key.
func (k Key) Public() crypto.PublicKey { return k.public }

// Window returns the instants between which the key is used; a zero time means
// no limit on that side.
func (k Key) Window() (from, to time.Time) { return k.from, k.to }

// Thumbprint returns the SHA-256 thumbprint of the key (RFC 7638), base64url.
func (k Key) Thumbprint() (string, error) { return jose.Thumbprint(k.public) }

func (k Key) covers(t time.Time) bool {
	return (k.from.IsZero() || !t.Before(k.from)) && (k.to.IsZero() || !t.After(k.to))
}

// KeySource finds the key of one issuer by its id. It returns an error that
// wraps ErrKeyUnknown when the issuer has no such key, any other error when
// that could not be found out. Implementations are in package jwks.
type KeySource interface {
	Key(ctx context.Context, id KeyID) (Key, error)
}

// ErrKeyUnknown is wrapped by a KeySource that knows its keys and not this one.
var ErrKeyUnknown = errors.New("no key with this id")

// KeyPeeker is what a KeySource may offer in addition: the keys it holds now,
// asked without any network traffic. A verifier uses it only to name the issuer
// whose key really signed a token that claims another.
type KeyPeeker interface {
	Peek(id KeyID) (Key, bool)
}
