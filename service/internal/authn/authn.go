// Package authn says who is asking: it checks the proof of identity that a
// client shows at the token endpoint.
package authn

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
)

// Clients is a registry snapshot, as far as this room needs it. It must be
// immutable and comparable with ==, such as a pointer: a new value means that
// clients may have changed.
type Clients interface {
	Clients() []registry.Client
	Issuers() []registry.Issuer
}

// Config is what an Authenticator is made of. Fields marked required have no
// default.
type Config struct {
	// Issuer is our own identifier: the sole audience of a client assertion.
	// Required.
	Issuer narrowcast.Issuer
	// TokenEndpoint is our address. An assertion addressed to it is refused, and
	// the operator is told why. Required.
	TokenEndpoint string
	// Clients returns the snapshot in force, nil when there is none. Required.
	Clients func() Clients
	// Now is the clock. Required.
	Now func() time.Time
	// Skew is how far the clocks of clients may differ; default 5 s, at most a
	// minute.
	Skew time.Duration
	// Outside finds what the tokens and certificates of a foreign issuer are
	// checked by; default nothing, and then no foreign issuer counts.
	Outside Opener
	// Hashing is how many passwords are hashed at a time, each of which takes
	// the memory that its hash asks for; default 2, at most 64.
	Hashing int

	_ struct{}
}

func (c *Config) check() error {
	var errs []error
	require := func(ok bool, fault string) {
		if !ok {
			errs = append(errs, errors.New(fault))
		}
	}
	require(!c.Issuer.IsZero(), "Issuer is required")
	require(c.TokenEndpoint != "", "TokenEndpoint is required")
	require(c.Clients != nil, "Clients is required")
	require(c.Now != nil, "Now is required")
	require(c.Skew >= 0 && c.Skew <= narrowcast.MaxSkew, fmt.Sprintf("Skew must be 0 (meaning %s) to %s", narrowcast.DefaultSkew, narrowcast.MaxSkew))
	require(c.Hashing >= 0 && c.Hashing <= maxHashing, fmt.Sprintf("Hashing must be 0 (meaning %d) to %d", defaultHashing, maxHashing))
	return errors.Join(errs...)
}

const (
	defaultHashing = 2
	maxHashing     = 64
)

// Authenticator checks proofs of identity. It may be used by many goroutines.
// The zero Authenticator refuses everybody.
type Authenticator struct {
	config   Config
	audience narrowcast.Audience
	passes   *passes
	limits   *limits
	hashing  chan struct{}

	mu   sync.RWMutex
	held *roster
}

// New makes an Authenticator, or returns every fault of the configuration.
func New(c Config) (*Authenticator, error) {
	errs := []error{c.check()}
	audience, err := narrowcast.ParseAudience(c.Issuer.String())
	if !c.Issuer.IsZero() {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("authn: %w", err)
	}
	if c.Hashing == 0 {
		c.Hashing = defaultHashing
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	return &Authenticator{
		config: c, audience: audience,
		passes: newPasses(secret), limits: newLimits(secret), hashing: make(chan struct{}, c.Hashing),
	}, nil
}

// The values of client_assertion_type. A JWT-SVID may come as either.
const (
	AssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" // RFC 7523 section 2.2
	SPIFFEType    = "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe" // draft-ietf-oauth-spiffe-client-auth
)

// Authenticate says who shows these credentials. The error is an
// *issuer.Refusal.
func (a *Authenticator) Authenticate(ctx context.Context, c issuer.Credentials) (issuer.Identity, error) {
	if a == nil || a.config.Clients == nil {
		return issuer.Identity{}, &issuer.Refusal{Ground: issuer.Broken, Detail: "authentication was never configured"}
	}
	roster, err := a.roster()
	if err != nil {
		return issuer.Identity{}, &issuer.Refusal{Ground: issuer.Unavailable, Detail: err.Error()}
	}
	who, refusal := a.everything(ctx, roster, c)
	if refusal != nil {
		return issuer.Identity{}, refusal
	}
	if c.ClientID != "" && c.ClientID != string(who.Client) && roster.named(c.ClientID) != roster.clients[who.Client] {
		return issuer.Identity{}, &issuer.Refusal{
			Ground: issuer.Unauthenticated, Client: who.Client,
			Detail: "client_id names another client than the proof of identity",
		}
	}
	return who, nil
}

// everything looks at all that was shown. A token of a foreign issuer says who
// asks; a proof of the client beside it must be of the same client.
func (a *Authenticator) everything(ctx context.Context, r *roster, c issuer.Credentials) (issuer.Identity, *issuer.Refusal) {
	if c.Token == "" {
		return a.dispatch(ctx, r, c)
	}
	var proved issuer.Identity
	if c.Assertion != "" || c.AssertionType != "" || c.Header || c.Secret != "" {
		var refusal *issuer.Refusal
		if proved, refusal = a.dispatch(ctx, r, c); refusal != nil {
			return issuer.Identity{}, refusal
		}
	}
	who, refusal := a.foreign(ctx, r, c.Token)
	switch {
	case refusal != nil:
		if refusal.Ground == issuer.Unauthenticated {
			refusal.Ground = issuer.TokenRefused // a grant has a code of its own for it
		}
		return issuer.Identity{}, refusal
	case proved.Client == "":
		return who, nil
	case proved.Client != who.Client:
		return issuer.Identity{}, &issuer.Refusal{
			Ground: issuer.Unauthenticated, Client: proved.Client,
			Detail: "the token speaks for another client than the one that authenticated",
		}
	}
	for _, once := range proved.Once {
		if !slices.Contains(who.Once, once) { // one token may come under both names
			who.Once = append(who.Once, once)
		}
	}
	if !proved.Until.IsZero() && proved.Until.Before(who.Until) {
		who.Until = proved.Until
	}
	return who, nil
}

// dispatch finds the one method that was used (RFC 6749 section 2.3: never two).
// A certificate of the connection is a proof of identity only when there is no
// other: it may also be there to bind the token to.
func (a *Authenticator) dispatch(ctx context.Context, r *roster, c issuer.Credentials) (issuer.Identity, *issuer.Refusal) {
	assertion := c.Assertion != "" || c.AssertionType != ""
	used := 0
	for _, one := range []bool{assertion, c.Header, c.Secret != ""} {
		if one {
			used++
		}
	}
	switch {
	case used > 1:
		return issuer.Identity{}, &issuer.Refusal{Ground: issuer.SeveralProofs, Detail: "more than one way of client authentication"}
	case assertion:
		return a.assertion(ctx, r, c)
	case c.Basic != nil:
		return a.basic(ctx, r, c)
	case c.Header:
		return issuer.Identity{}, &issuer.Refusal{Ground: issuer.Unauthenticated, Detail: "the Authorization header is not Basic, or cannot be read"}
	case c.Secret != "":
		return issuer.Identity{}, &issuer.Refusal{
			Ground: issuer.Unauthenticated, Client: r.claimed(c.ClientID),
			Detail: "client_secret in the body is not offered; use private_key_jwt, or client_secret_basic",
		}
	}
	if len(c.Certificates) > 0 {
		return a.certificate(ctx, r, c)
	}
	return issuer.Identity{}, &issuer.Refusal{Ground: issuer.ProofMissing, Client: r.claimed(c.ClientID)}
}

// claimed is a client id that nobody vouched for. One that is not registered may
// be a secret in the wrong field and is not repeated.
func (r *roster) claimed(id string) narrowcast.ClientID {
	if r.clients[narrowcast.ClientID(id)] == nil {
		return ""
	}
	return narrowcast.ClientID(id)
}
