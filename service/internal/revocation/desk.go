package revocation

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Kinds of what a Request may name.
const (
	OfToken       = "token"   // a jti
	OfFingerprint = "sha256"  // of a token's text
	OfLineage     = "lineage" // the jti of the token at the root
	OfTask        = "task"
	OfClient      = "client"
	OfSubject     = "subject"
	OfOwner       = "owner" // of clients
	OfResource    = "resource"
	OfKey         = "key" // a kid
)

// Request says what to call back.
type Request struct {
	Kind   string // one of the above
	ID     string
	Reason string // for people, at most 512 bytes; optional
	By     narrowcast.ClientID
}

// Answer is what became of a Request.
type Answer struct {
	Numbers   []uint64  // of the records, in the order of the book
	Tokens    int       // living tokens that are concerned, descendants among them
	More      bool      // there were too many to count
	Audiences []string  // where they are good for something
	Until     time.Time // when the last of them ends by itself
	Already   bool      // somebody did it before; the record is his
}

// Number is the last record: who has taken that in knows all of the Answer.
func (a Answer) Number() uint64 {
	if len(a.Numbers) == 0 {
		return 0
	}
	return a.Numbers[len(a.Numbers)-1]
}

// Ledger keeps records and finds them. A store.Book is one.
type Ledger interface {
	Book
	Append(ctx context.Context, e store.Entry) (store.Record, error)
}

// Tasks ends a task, and those inside it, on somebody's order. It returns
// store.ErrNotFound. A task that is over already stays as it is, whatever Kill
// returns.
type Tasks interface {
	Kill(ctx context.Context, id narrowcast.TaskID, by narrowcast.ClientID, reason string) error
}

// DeskConfig is what a Desk is made of.
type DeskConfig struct {
	// Ledger keeps the records. Required.
	Ledger Ledger
	// Log learns of them at once. Required.
	Log *Log
	// Now is the clock. Required.
	Now func() time.Time
	// Writer names this desk in the book. Its events are numbered from one, so a
	// new start needs a new name. Required.
	Writer string
	// Tasks ends tasks; default they cannot be named.
	Tasks Tasks
	// ClientsOf returns the clients of an owner; default nobody owns anything.
	ClientsOf func(owner string) []narrowcast.ClientID
	// Tenant is written into every event.
	Tenant string

	_ struct{} // keyed literals only
}

// Desk calls tokens back and says who knows of it.
type Desk struct {
	config   DeskConfig
	family   family
	sequence atomic.Uint64
	roster   roster
}

// NewDesk makes a Desk, or returns every fault of the configuration.
func NewDesk(c DeskConfig) (*Desk, error) {
	var errs []error
	for name, missing := range map[string]bool{
		"Ledger": c.Ledger == nil, "Log": c.Log == nil, "Now": c.Now == nil, "Writer": c.Writer == "",
	} {
		if missing {
			errs = append(errs, errors.New(name+" is required"))
		}
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("revocation: %w", errors.Join(errs...))
	}
	d := &Desk{config: c, family: c.Log.family}
	d.roster = roster{book: c.Ledger, now: c.Now, voices: map[voiceOf]*voice{}}
	return d, nil
}

const maxReason = 512

// Revoke calls tokens back. When it returns without error the record is in the
// book, and the Log of this house knows it unless the book failed since. It
// returns ErrUnknown and ErrOver.
func (d *Desk) Revoke(ctx context.Context, r Request) (Answer, error) {
	answer, err := d.revoke(ctx, r)
	if len(answer.Numbers) > 0 {
		if err := d.config.Log.CatchUp(ctx); err != nil {
			d.config.Log.Nudge()
		}
	}
	if err != nil {
		return answer, fmt.Errorf("revoking a %s: %w", known(r.Kind), err)
	}
	return answer, nil
}

// keep appends one record.
func (d *Desk) keep(ctx context.Context, r Request, facts event.Revocation, token *event.Token, once ...store.Once) (uint64, error) {
	e := event.Event{
		Version: event.Version, ID: strings.ToLower(rand.Text()), Type: event.Revoked, Time: d.config.Now().UTC(),
		Tenant: d.config.Tenant, Writer: d.config.Writer, Sequence: d.sequence.Add(1),
		Detail: r.why(), Token: token, Revocation: &facts,
	}
	rec, err := d.config.Ledger.Append(ctx, store.Entry{Event: e, Once: once})
	if errors.Is(err, store.ErrUsed) {
		d.sequence.CompareAndSwap(e.Sequence, e.Sequence-1) // nothing was kept: a gap would look like a loss
	}
	return rec.Number, err
}

func (r Request) why() string {
	why := fmt.Sprintf("by %q", r.By)
	if r.Reason != "" {
		why += fmt.Sprintf(": %q", r.Reason)
	}
	return why
}

// known keeps what a stranger wrote out of an error.
func known(kind string) string {
	switch kind {
	case OfToken, OfFingerprint, OfLineage, OfTask, OfClient, OfSubject, OfOwner, OfResource, OfKey:
		return kind
	}
	return "thing"
}
