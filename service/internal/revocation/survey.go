package revocation

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/narrowcast-io/narrowcast/feed"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// watch is a broad entry of which the tokens are looked for, until no token that
// it is about can come into the book any more.
type watch struct {
	feed.Entry
	met    bool // it was known when a walk began
	walked bool
}

// lateBy is how long the record of a token may come behind its iat.
const lateBy = slack + time.Minute

func (w *watch) over(now time.Time) bool { return now.After(w.Before.Add(lateBy)) }

// watch begins to look for the tokens of a broad entry.
func (l *lists) watch(it *item) {
	switch {
	case it == nil:
	case it.Kind == feed.Party, it.Kind == feed.Resource, it.Kind == feed.Key:
		l.watches = append(l.watches, &watch{Entry: it.Entry})
	}
}

// CatchUpPlaces looks for the places of the tokens that CatchUp learned something
// of by what they have in common. Run does it beside the fold, because it reads
// all that was minted within the longest life. Without a status list, and without
// such an entry, it reads nothing. Until it is done the time that Dead says stands
// still.
func (l *Log) CatchUpPlaces(ctx context.Context) error {
	l.surveying.Lock()
	defer l.surveying.Unlock()
	now := l.config.Now()
	l.mu.RLock()
	asOf, watches, none := l.asOf, slices.Clone(l.state.lists.watches), len(l.state.lists.announced) == 0
	l.mu.RUnlock()
	if asOf.IsZero() || len(watches) == 0 {
		return nil
	}
	var spots []spot
	if !none {
		var err error
		if spots, err = l.survey(ctx, watches, now); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range spots {
		l.state.lists.mark(s, "", true, now)
	}
	for _, w := range watches {
		w.met, w.walked = true, !none
	}
	l.state.lists.watches = slices.DeleteFunc(l.state.lists.watches, func(w *watch) bool {
		return w.met && w.over(now)
	})
	if asOf.After(l.placed) {
		l.placed = asOf
	}
	return nil
}

// survey walks over what was minted: from where the last walk ended, or over all
// that may be alive when there is a new watch.
func (l *Log) survey(ctx context.Context, watches []*watch, now time.Time) ([]spot, error) {
	about := newState()
	q := store.Query{Types: minted(), After: l.walked}
	for _, w := range watches {
		about.keep(w.Entry, now)
		if !w.walked {
			q.After, q.From = 0, now.Add(-horizon(l.config.MaxLife))
		}
	}
	var spots []spot
	last := l.walked
	for rec, err := range l.config.Book.Find(ctx, q) {
		if err != nil {
			return nil, fmt.Errorf("looking for the places of what was called back: %w", err)
		}
		last = max(last, rec.Number)
		if t := rec.Event.Token; t != nil && t.StatusList != "" && about.common(*t) {
			spots = append(spots, spotOf(*t)...)
		}
	}
	l.walked = last
	return spots, nil
}

// keepPlaces goes on until ctx is done.
func (l *Log) keepPlaces(ctx context.Context) {
	beat := time.NewTicker(l.config.Beat)
	defer beat.Stop()
	for {
		if err := l.CatchUpPlaces(ctx); err != nil && ctx.Err() == nil && l.config.Failed != nil {
			l.config.Failed(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
		}
	}
}
