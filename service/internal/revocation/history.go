package revocation

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// DeadAt returns the places of one list that were not valid at an instant, going
// by what was in the book then. It folds the book anew, for one caller at a time.
// It returns ErrUnknown when there was no such list.
func (l *Log) DeadAt(ctx context.Context, uri string, at time.Time) ([]Place, error) {
	select {
	case l.past <- struct{}{}:
		defer func() { <-l.past }()
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting to look into the past: %w", ctx.Err())
	}
	then, err := New(Config{
		Book: until{l.config.Book, at}, Now: func() time.Time { return at }, MaxLife: l.config.MaxLife,
	})
	if err != nil {
		return nil, err
	}
	if err := then.CatchUp(ctx); err != nil {
		return nil, fmt.Errorf("what was dead at %s: %w", at.UTC().Format(time.RFC3339), err)
	}
	if err := then.CatchUpPlaces(ctx); err != nil {
		return nil, fmt.Errorf("what was dead at %s: %w", at.UTC().Format(time.RFC3339), err)
	}
	for known := range then.Lists() {
		if known == uri {
			return then.deadOf(uri), nil
		}
	}
	return nil, fmt.Errorf("status list: %w", ErrUnknown)
}

// until is a book as it was at an instant.
type until struct {
	Book
	at time.Time
}

// Find yields what was kept by then. Behind the first younger record there is
// nothing older. Of a walk from the newest record on, the Limit counts the younger
// ones too: the fold asks so only where its followers stand, and here are none.
func (u until) Find(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
	if late := u.at.Add(lateBy); q.To.IsZero() || q.To.After(late) {
		q.To = late
	}
	return func(yield func(store.Record, error) bool) {
		for rec, err := range u.Book.Find(ctx, q) {
			young := err == nil && rec.Received.After(u.at)
			if young && q.Newest {
				continue
			}
			if young || !yield(rec, err) {
				return
			}
		}
	}
}
