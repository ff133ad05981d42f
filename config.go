package narrowcast

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Defaults and ceilings of a Config.
const (
	DefaultSkew        = 5 * time.Second
	MaxSkew            = time.Minute
	DefaultMaxLifetime = time.Hour
	CeilingMaxLifetime = 24 * time.Hour
	DefaultCacheFor    = time.Minute
	MaxCacheFor        = time.Hour
)

// Class is a class of JWT. Classes are mutually exclusive (RFC 8725 section
// 3.12): a token of one class is never accepted as another.
type Class uint8

// The classes that a verifier can be told to accept.
const (
	// AccessToken is RFC 9068: typ at+jwt, and iss, exp, aud, sub, client_id, iat and jti.
	AccessToken Class = iota
	// ClientAssertion is RFC 7523 as used to authenticate a client: typ
	// client-authentication+jwt, JWT or none, and iss equal to sub, aud, exp, jti.
	ClientAssertion
	// DangerouslyUntyped is for foreign issuers that give their access tokens no
	// type of their own: typ JWT, at+jwt or none, and iss, exp, aud, iat. An ID
	// token of the same issuer that names this resource is accepted too.
	DangerouslyUntyped
	// JWTSVID is a JWT-SVID of SPIFFE: typ JWT, JOSE or none, no other header
	// parameter but alg and kid, an RSA or ECDSA signature, and exp, aud and a sub
	// that is a SPIFFE ID with a path. Its issuer is the trust domain of sub.
	JWTSVID
)

var classNames = [...]string{AccessToken: "at+jwt", ClientAssertion: "client-authentication+jwt", DangerouslyUntyped: "dangerously-untyped", JWTSVID: "jwt-svid"}

// String returns the name of the class.
func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return "unknown"
}

// ParseClass reads the name of a class.
func ParseClass(s string) (Class, error) {
	if i := slices.Index(classNames[:], s); i >= 0 {
		return Class(i), nil
	}
	return 0, fmt.Errorf("token class %s: not one of %v", quote(s), classNames)
}

// TrustedIssuer is an issuer whose tokens are read, with the only keys that
// count for it.
type TrustedIssuer struct {
	// Issuer is the iss of its tokens; for a JWTSVID the trust domain, such as
	// spiffe://corp.example. Required.
	Issuer Issuer
	// Keys are asked only about this issuer's keys. Required.
	Keys KeySource
	// Class is the class of its tokens; default AccessToken.
	Class Class
	// Tenant is the one tenant that this issuer may speak for. A token of it that
	// names another is refused, and one that names none is of this tenant, so that
	// the keys of one tenant open nothing of another. Default: any.
	Tenant string
	// Environment is the same for environments.
	Environment string
	// Dialect is how its tokens differ from RFC 9068; default not at all.
	Dialect Dialect

	_ struct{} // keyed literals only
}

// Uses remembers the tokens for one use that were used. What it remembers must be
// shared by everything that guards the resource, or "once" means once for each.
type Uses interface {
	// Use uses a token up. It answers the zero Reason the first time, Replayed
	// afterwards, and UseUnknown when it cannot be found out. What it remembers may
	// be forgotten once the token has expired everywhere.
	Use(ctx context.Context, t *Token) Reason
}

// Liveness knows which genuine tokens were called back. It answers Revoked,
// TaskEnded, TaskPaused, Stale, or the zero Reason for a token that lives. It is asked on
// every use, from many goroutines, and must answer from memory.
type Liveness interface {
	Check(t *Token) Reason
}

// Config is everything a Verifier is made of. Fields marked required have no
// default, because silence about them must not be readable as consent.
type Config struct {
	// Audience is the one resource that this verifier guards. Required. A second
	// resource is a second verifier.
	Audience Audience
	// Issuers are the issuers that are trusted. Required, at least one.
	Issuers []TrustedIssuer
	// Algorithms is the list of allowed algorithms. Required, at least one.
	Algorithms []Algorithm
	// Now is the clock. Required; time.Now in production.
	Now func() time.Time

	// Tenant is the tenant that tokens must belong to. A token that names a
	// tenant is refused by a verifier that expects none.
	Tenant string
	// Environment is the same for environments.
	Environment string
	// RequireBinding refuses tokens that are bound to no sender. A token that is
	// bound must be shown with its proof in any case.
	RequireBinding bool
	// Skew is how far the issuer's clock may differ; default 5 s, at most a
	// minute. It lengthens the life of a token and is counted as such.
	Skew time.Duration
	// MaxLifetime is the longest life (exp - iat) that is accepted; default one
	// hour, at most a day.
	MaxLifetime time.Duration
	// Liveness is asked whether a token was revoked; default nobody, and then
	// only expiry ends a token.
	Liveness Liveness
	// Uses remembers which tokens for one use were used; default nobody, and then
	// such tokens are refused.
	Uses Uses
	// Cache is how many verified tokens are remembered; default 0. A remembered
	// token skips only the signature: time, sender, revocation and scope are
	// checked on every use.
	Cache int
	// CacheFor bounds how long a token is remembered, and with it how long the
	// removal of a key may go unnoticed; default one minute, at most an hour.
	CacheFor time.Duration

	_ struct{} // keyed literals only
}

// check returns the faults of c, all of them.
func (c *Config) check() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Audience.IsZero() {
		fault("Audience is required: a verifier guards exactly one resource")
	}
	if len(c.Issuers) == 0 {
		fault("Issuers is required: name at least one")
	}
	if len(c.Algorithms) == 0 {
		fault("Algorithms is required: list the ones that are allowed")
	}
	if c.Now == nil {
		fault("Now is required: pass time.Now")
	}
	seen := map[Issuer]bool{}
	for i, ti := range c.Issuers {
		switch {
		case ti.Issuer.IsZero():
			fault("Issuers[%d].Issuer is empty", i)
		case ti.Keys == nil:
			fault("Issuers[%d].Keys is required for %s", i, ti.Issuer)
		case seen[ti.Issuer]:
			fault("Issuers[%d]: %s is listed twice", i, ti.Issuer)
		case int(ti.Class) >= len(classNames):
			fault("Issuers[%d].Class is unknown", i)
		default:
			if err := ti.check(c); err != nil {
				fault("Issuers[%d]: %w", i, err)
			}
		}
		seen[ti.Issuer] = true
	}
	for i, alg := range c.Algorithms {
		if _, err := ParseAlgorithm(string(alg)); err != nil {
			fault("Algorithms[%d]: %w", i, err)
		}
	}
	if c.Skew < 0 || c.Skew > MaxSkew {
		fault("Skew is %s; allowed are 0 (meaning %s) to %s", c.Skew, DefaultSkew, MaxSkew)
	}
	if c.MaxLifetime < 0 || c.MaxLifetime > CeilingMaxLifetime {
		fault("MaxLifetime is %s; allowed are 0 (meaning %s) to %s", c.MaxLifetime, DefaultMaxLifetime, CeilingMaxLifetime)
	}
	if c.Cache < 0 {
		fault("Cache must not be negative")
	}
	if c.CacheFor < 0 || c.CacheFor > MaxCacheFor {
		fault("CacheFor is %s; allowed are 0 (meaning %s) to %s", c.CacheFor, DefaultCacheFor, MaxCacheFor)
	}
	return errors.Join(errs...)
}

func (c *Config) skew() time.Duration {
	if c.Skew == 0 {
		return DefaultSkew
	}
	return c.Skew
}

func (c *Config) maxLifetime() time.Duration {
	if c.MaxLifetime == 0 {
		return DefaultMaxLifetime
	}
	return c.MaxLifetime
}

func (c *Config) cacheFor() time.Duration {
	if c.CacheFor == 0 {
		return DefaultCacheFor
	}
	return c.CacheFor
}
