// Package issuer is the desk: it asks who wants a letter, asks policy whether
// they may have it, lets the press write it, and hands it over once the book
// has kept the record. It knows no HTTP and no SQL.
package issuer

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Authenticator says who is asking. Its error is a *Refusal when the answer is
// no, and any other error when the answer could not be found out.
type Authenticator interface {
	Authenticate(ctx context.Context, c Credentials) (Identity, error)
}

// Rules decide who may ask for which door.
type Rules interface {
	Decide(r policy.Request) policy.Decision
}

// Press signs a letter. *mint.Press is one.
type Press interface {
	Mint(l mint.Letter) (string, error)
}

// Ledger keeps a record. When Append returns without error the record is
// durable; it returns store.ErrUsed when an id of Once was used before.
type Ledger interface {
	Append(ctx context.Context, e store.Entry) (store.Record, error)
}

// Quota bounds what one desk grants. Take reports whether one more request may
// go on now.
type Quota interface {
	Take(now time.Time) bool
}

// Status gives out places in status lists (draft-ietf-oauth-status-list). An empty
// uri means that there is none to be had now.
type Status interface {
	Next(audience narrowcast.Audience) (uri string, index uint64)
}

// Deaths knows what was called back. *revocation.Log is one.
type Deaths interface {
	// Judge answers Revoked for a token with these facts that would be dead.
	Judge(t event.Token) narrowcast.Reason
}

// Config is everything a Desk is made of. The fields from Tenant on are optional.
type Config struct {
	Issuer        narrowcast.Issuer
	Authenticator Authenticator
	// Rules returns the rules in force; it is asked once per request.
	Rules func() Rules
	// Press returns the press of the key that signs now.
	Press  func() Press
	Ledger Ledger
	Now    func() time.Time
	// Writer names this desk in the book. Its events are numbered from one, so
	// a new start needs a new name.
	Writer string
	// Tenant is written into every event and every token; empty in a house with
	// one tenant.
	Tenant string
	// Proofs checks proofs of possession; nil when they are not offered.
	Proofs Proofs
	// Quota is asked once a client has proved who it is; nil when there is none.
	Quota Quota
	// Own reads letters of our own, and Past finds them in the book; nil when they
	// are not exchanged. Neither goes without the other.
	Own  Own
	Past Past
	// Tasks knows the tasks that tokens may belong to; nil when there are none.
	Tasks Tasks
	// Deaths is asked about each token before it is handed over: a revocation of a
	// client or a key is also about tokens of the next seconds, because the clocks
	// of replicas differ. Such a token is not made, and the client asks again. nil
	// when nothing is called back.
	Deaths Deaths
	// Status gives out places in status lists; nil when there are none, and then
	// no token is minted for a resource that demands one.
	Status Status
	// DraftTransactionTokens are offered when it is set.
	DraftTransactionTokens *DraftTransactionTokens

	_ struct{}
}

func (c *Config) check() error {
	var errs []error
	require := func(ok bool, name string) {
		if !ok {
			errs = append(errs, errors.New(name+" is required"))
		}
	}
	require(!c.Issuer.IsZero(), "Issuer")
	require(c.Authenticator != nil, "Authenticator")
	require(c.Rules != nil, "Rules")
	require(c.Press != nil, "Press")
	require(c.Ledger != nil, "Ledger")
	require(c.Now != nil, "Now")
	require(c.Writer != "", "Writer")
	if (c.Own == nil) != (c.Past == nil) {
		errs = append(errs, errors.New("Own and Past go together: a letter counts when the book knows it"))
	}
	if len(c.Writer) > maxWriter {
		errs = append(errs, fmt.Errorf("Writer is longer than %d bytes", maxWriter))
	}
	errs = append(errs, c.DraftTransactionTokens.check(c.Issuer))
	return errors.Join(errs...)
}

const maxWriter = 256 // the limit of event.Check

// Desk grants tokens. It may be used by many goroutines. The zero Desk refuses
// everything.
type Desk struct {
	config   Config
	sequence atomic.Uint64
	strange  throttle // requests of nobody in particular
	foreign  throttle // requests with a token of a foreign issuer that speaks for no client
	genuine  throttle // requests that a client signed and that fail all the same
	later    throttle // requests that may come again as they are
	refusals refusals // requests of clients that proved who they are
	counts   counters
}

// New makes a Desk, or returns every fault of the configuration.
func New(c Config) (*Desk, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("issuer: %w", err)
	}
	return &Desk{
		config:  c,
		strange: throttle{perSecond: strangePerSecond, burst: strangeBurst},
		foreign: throttle{perSecond: strangePerSecond, burst: strangeBurst},
		genuine: throttle{perSecond: genuinePerSecond, burst: genuineBurst},
		later:   throttle{perSecond: laterPerSecond, burst: laterBurst},
	}, nil
}

// How many failed authentications a second are kept one by one. The rest is
// counted: the book must not be a thing that strangers can fill. Tokens of a
// platform are apart from the rest: everybody may have an account there.
const (
	strangePerSecond, strangeBurst = 5, 50
	genuinePerSecond, genuineBurst = 50, 500
	laterPerSecond, laterBurst     = 1, 10
)

// Counts is what a Desk did since it was made.
type Counts struct {
	Issued     uint64 // tokens handed over
	Refused    uint64 // requests refused, recorded or not
	Unrecorded uint64 // refusals that were only counted
	Failed     uint64 // requests that failed because the book or the press did
	Challenged uint64 // requests sent back for a nonce: no refusal, and not recorded
}

type counters struct{ issued, refused, unrecorded, failed, challenged atomic.Uint64 }

// Counts returns what the desk did so far.
func (d *Desk) Counts() Counts {
	return Counts{
		Issued: d.counts.issued.Load(), Refused: d.counts.refused.Load(),
		Unrecorded: d.counts.unrecorded.Load(), Failed: d.counts.failed.Load(), Challenged: d.counts.challenged.Load(),
	}
}
