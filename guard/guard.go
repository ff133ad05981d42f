// Package guard is the lock on a door: it puts a [narrowcast.Verifier] in front
// of an http.Handler, of a service that knows nothing of tokens, or of a proxy
// that asks before it passes a request on.
//
// The expected audience comes from the verifier and from nowhere else. No Host,
// forwarding or message header has a say in it. To the caller all failures of
// authentication look alike save for one random decision id; what exactly was
// wrong is in the event that bears the same id. One answer differs, as RFC 9449
// section 9 demands: the sender of a good token may be asked for a nonce.
package guard

import (
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// Guard decides about the requests of one resource. It is made by [New] and may
// be used by many goroutines. The zero Guard refuses everything.
type Guard struct {
	verifier *narrowcast.Verifier
	now      func() time.Time
	observe  Observe
	pass     bool
	scopeFor func(*http.Request) narrowcast.Scope
	peer     func(*http.Request) string
	software string
	every    time.Duration
	skew     time.Duration

	feed        Feed
	maxContent  int64
	passthrough func(Presenter) []narrowcast.Audience

	possession   possession
	certificates Certificates

	book       *recorder
	folds      *folds // of accepted presentations
	refusals   *folds // of genuine tokens that were refused
	challenges challenges
	metadata   document
	counts     counts
	senders    senders
}

// counts are the running totals that State reports.
type counts struct {
	accepted, rejected, offTarget, wouldReject, unrecorded, upstream, degraded atomic.Uint64
}

// New makes a Guard. When something is missing or contradictory it returns every
// fault in one joined error.
func New(c Config) (*Guard, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("guard: %w", err)
	}
	described := c.Verifier.Describe()
	g := &Guard{
		verifier: c.Verifier,
		now:      c.Now,
		observe:  c.DangerouslyObserveAudience,
		pass:     c.DangerouslyPassAuthorization,
		scopeFor: c.ScopeFor,
		peer:     c.peer(),
		software: c.Software,
		every:    c.seenEvery(),
		skew:     described.Skew,
		book:     &recorder{sink: c.Sink, writer: c.Name, tenant: described.Tenant, noise: noise{limit: c.noisePerSecond()}},
		folds:    newFolds(c.folds()),
		refusals: newFolds(c.folds()),
	}
	g.feed, g.maxContent, g.passthrough = c.Feed, c.maxContent(), c.Passthrough
	g.possession, g.certificates = c.possession(), c.Certificates
	g.certificates.From = slices.Clone(c.Certificates.From)
	g.metadata = c.document()
	g.challenges = challengesFor(c.schemes(), c.metadataURL())
	return g, nil
}

// observing reports whether the audience check is set aside at this instant.
// After the end date the guard enforces by itself.
func (g *Guard) observing(now time.Time) bool {
	return !g.observe.Until.IsZero() && now.Before(g.observe.Until)
}
