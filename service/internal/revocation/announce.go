package revocation

import (
	"context"
	"fmt"
	"time"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// listLife is how long a list is named after it was announced: a place in it may
// be given away until AnnounceEvery later, and once more when that is late.
func listLife(life time.Duration) time.Duration { return horizon(life) + 2*AnnounceEvery(life) }

// AnnounceEvery is how often a process must announce the lists of which it gives
// places away, when no token lives longer than life.
func AnnounceEvery(life time.Duration) time.Duration { return life / 4 }

// announcement returns the list that a record announces, or nothing. Events of
// this type that speak of a token have its fingerprint, and may be hearsay.
func announcement(e event.Event) string {
	if e.Type != event.Admin || e.Token == nil || e.Token.ID != "" || !e.Token.Fingerprint.IsZero() {
		return ""
	}
	return e.Token.StatusList
}

// announce takes in that a list exists.
func (l *Log) announce(rec store.Record, uri string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	until := rec.Event.Time.Add(listLife(l.config.MaxLife))
	if l.config.Now().Before(until) && until.After(l.state.lists.announced[uri]) {
		l.state.lists.announced[uri] = until
	}
}

// knownLists reads which lists were announced before anything that is folded.
func (l *Log) knownLists(ctx context.Context, asOf time.Time) error {
	q := store.Query{Types: []event.Type{event.Admin}, From: asOf.Add(-listLife(l.config.MaxLife))}
	for rec, err := range l.config.Book.Find(ctx, q) {
		if err != nil {
			return fmt.Errorf("reading which status lists there are: %w", err)
		}
		if uri := announcement(rec.Event); uri != "" {
			l.announce(rec, uri)
		}
	}
	return nil
}
