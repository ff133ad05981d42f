// Package revocation knows which tokens were called back. There is no table of
// them: it folds the book, in which every revocation and every end of a task is
// one record, into what enforcement points have to know. Every replica folds
// the same book and comes to the same result.
package revocation

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/feed"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Book finds records. A store.Book is one.
type Book interface {
	Find(ctx context.Context, q store.Query) iter.Seq2[store.Record, error]
}

// Terms are what a verifier of one resource is told beside the entries.
type Terms struct {
	StaleAfter time.Duration  // how old its knowledge may become
	WhenStale  feed.WhenStale // what happens to tokens then
}

// Errors that a caller may tell apart.
var (
	// ErrNotReady: the book could not be read so far, or up to the position that
	// was asked for.
	ErrNotReady = errors.New("what was revoked is not known now")
	// ErrUnknown: the book knows no token, task, client or record of this name.
	ErrUnknown = errors.New("not in the book")
	// ErrOver: the tokens have expired everywhere; there is nothing to call back.
	ErrOver = errors.New("expired already")
)

// Defaults of a Config.
const (
	DefaultMaxLife    = time.Hour
	DefaultStaleAfter = 5 * time.Second
	DefaultPoll       = 100 * time.Millisecond
	DefaultBeat       = time.Second
)

// slack is how far the clocks of those who write into one book may differ.
const slack = 5 * time.Second

// maxLife is the longest life that any verifier accepts.
const maxLife = 24 * time.Hour

// Config is what a Log is made of.
type Config struct {
	// Book is folded. Required.
	Book Book
	// Now is the clock. Required.
	Now func() time.Time
	// Terms says what verifiers of a resource are told; default one minute and
	// refuse.
	Terms func(narrowcast.Audience) Terms
	// MaxLife is the longest life of any token; default one hour, at most a day.
	// No record is read at the start that is older than this and the skew.
	MaxLife time.Duration
	// StaleAfter is how old the fold may be until Check answers Stale; default
	// 5 s.
	StaleAfter time.Duration
	// Poll is how often Run looks into the book, Beat how often a follower hears
	// of the age of what it knows; default 100 ms and 1 s.
	Poll, Beat time.Duration
	// Failed is told when the book cannot be read; default nobody.
	Failed func(error)

	_ struct{} // keyed literals only
}

func (c *Config) check() error {
	var errs []error
	if c.Book == nil {
		errs = append(errs, errors.New("Book is required"))
	}
	if c.Now == nil {
		errs = append(errs, errors.New("Now is required"))
	}
	bounded := func(name string, d *time.Duration, standard, most time.Duration) {
		if *d == 0 {
			*d = standard
		}
		if *d < 0 || *d > most {
			errs = append(errs, fmt.Errorf("%s is %s; allowed are 0 (meaning %s) to %s", name, *d, standard, most))
		}
	}
	bounded("MaxLife", &c.MaxLife, DefaultMaxLife, maxLife)
	bounded("StaleAfter", &c.StaleAfter, DefaultStaleAfter, time.Hour)
	bounded("Poll", &c.Poll, DefaultPoll, time.Minute)
	bounded("Beat", &c.Beat, DefaultBeat, time.Minute)
	return errors.Join(errs...)
}

// folded are the types of records that can change what is dead, or announce a
// status list.
func folded() []event.Type {
	return []event.Type{event.Revoked, event.TaskPaused, event.TaskResumed, event.TaskEnded, event.Exchanged, event.Admin}
}

// minted are the types of records that tell of a new token.
func minted() []event.Type { return []event.Type{event.Issued, event.Exchanged} }

// horizon is how far back from a time something may lie that still counts then.
func horizon(life time.Duration) time.Duration { return life + narrowcast.MaxSkew + 2*slack }
