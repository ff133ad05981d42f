// Package letterbox reads letters of our own, for whichever door they are
// addressed to.
package letterbox

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// Config is what a Box is made of.
type Config struct {
	// Issuer is ourselves. Required.
	Issuer narrowcast.Issuer
	// Keys are those that we sign and have signed with. Required.
	Keys narrowcast.KeySource
	// Algorithms are those of our keys. Required.
	Algorithms []narrowcast.Algorithm
	// Tenant is what our letters say; empty in a house with one tenant.
	Tenant string
	// Now is the clock. Required.
	Now func() time.Time
	// Liveness knows what was called back. Required: without it a letter would
	// count until it expires.
	Liveness narrowcast.Liveness

	_ struct{}
}

// Box reads letters. It may be used by many goroutines. The zero Box refuses
// everything.
type Box struct {
	config Config

	mu        sync.Mutex
	verifiers map[narrowcast.Audience]*narrowcast.Verifier
}

// maxVerifiers bounds the doors that are remembered. The one after that pushes
// another one out, which costs its making when it comes again.
const maxVerifiers = 1024

// New makes a Box, or returns every fault of the configuration.
func New(c Config) (*Box, error) {
	var errs []error
	require := func(ok bool, name string) {
		if !ok {
			errs = append(errs, errors.New(name+" is required"))
		}
	}
	require(!c.Issuer.IsZero(), "Issuer")
	require(c.Keys != nil, "Keys")
	require(len(c.Algorithms) > 0, "Algorithms")
	require(c.Now != nil, "Now")
	require(c.Liveness != nil, "Liveness")
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("letterbox: %w", err)
	}
	return &Box{config: c, verifiers: map[narrowcast.Audience]*narrowcast.Verifier{}}, nil
}

// Read reads a letter that is addressed to audience, shown by the sender of p.
// What it says about one request and one use is not asked here: nobody knocks
// with it. The error is a *narrowcast.Rejection, or says that there is no way to
// read letters for this audience.
func (b *Box) Read(ctx context.Context, text string, audience narrowcast.Audience, p narrowcast.Presentation) (*narrowcast.Token, error) {
	if b == nil || b.config.Now == nil {
		return nil, &narrowcast.Rejection{Reason: narrowcast.NotConfigured}
	}
	v, kept, err := b.verifier(audience)
	if err != nil {
		return nil, err
	}
	c := contentOf(text)
	token, err := v.Verify(ctx, text, c.readWith(p))
	if !kept && genuine(err) {
		b.keep(audience, v)
	}
	return token, err
}

// Open reads a letter for somebody who looks at the sender himself, as the
// resource server does that asks about a token (RFC 7662).
func (b *Box) Open(ctx context.Context, text string, audience narrowcast.Audience) (*narrowcast.Token, error) {
	c := contentOf(text)
	return b.Read(ctx, text, audience, c.shownBySender())
}

// genuine: what strangers write does not fill the memory.
func genuine(err error) bool {
	var rej *narrowcast.Rejection
	return err == nil || errors.As(err, &rej) && rej.Genuine
}

func (b *Box) verifier(audience narrowcast.Audience) (v *narrowcast.Verifier, kept bool, err error) {
	b.mu.Lock()
	v = b.verifiers[audience]
	b.mu.Unlock()
	if v != nil {
		return v, true, nil
	}
	v, err = narrowcast.NewVerifier(narrowcast.Config{
		Audience:    audience,
		Issuers:     []narrowcast.TrustedIssuer{{Issuer: b.config.Issuer, Keys: b.config.Keys}},
		Algorithms:  b.config.Algorithms,
		Tenant:      b.config.Tenant,
		Now:         b.config.Now,
		MaxLifetime: narrowcast.CeilingMaxLifetime,
		Liveness:    b.config.Liveness,
		Uses:        reading{},
	})
	return v, false, err
}

func (b *Box) keep(audience narrowcast.Audience, v *narrowcast.Verifier) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.verifiers) >= maxVerifiers {
		for old := range b.verifiers {
			delete(b.verifiers, old)
			break
		}
	}
	b.verifiers[audience] = v
}

// reading is no use of a token for one use.
type reading struct{}

// Use uses nothing up.
func (reading) Use(context.Context, *narrowcast.Token) narrowcast.Reason { return 0 }
