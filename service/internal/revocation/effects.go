package revocation

import (
	"context"
	"slices"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/feed"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// effects are what one record means. They depend on the book up to the record
// and on nothing else.
func (f family) effects(ctx context.Context, rec store.Record) ([]effect, error) {
	e := rec.Event
	switch {
	case e.Type == event.Revoked && e.Revocation != nil:
		return f.revoked(ctx, rec)
	case e.Task == nil || e.Task.ID == "":
		return nil, nil
	case e.Type == event.TaskEnded:
		return f.task(ctx, rec.Number, e.Task.ID, feed.Ended)
	case e.Type == event.TaskPaused:
		return f.task(ctx, rec.Number, e.Task.ID, feed.Paused)
	case e.Type == event.TaskResumed:
		return f.task(ctx, rec.Number, e.Task.ID, feed.Lives)
	}
	return nil, nil
}

func (f family) revoked(ctx context.Context, rec store.Record) ([]effect, error) {
	r := *rec.Event.Revocation
	if r.Before.IsZero() {
		r.Before = rec.Event.Time
	}
	if r.Until.IsZero() {
		r.Until = overAt(rec.Event.Time, f.life)
	}
	switch feed.Kind(r.Kind) {
	case feed.Token:
		return f.token(ctx, rec, r)
	case feed.Task:
		return f.task(ctx, rec.Number, r.ID, feed.Ended)
	case feed.Party, feed.Key, feed.Resource:
		return f.broad(ctx, rec, r)
	}
	return nil, nil
}

// token calls back one token and everything that came from it. Of a token that
// nobody described, everyone is told.
func (f family) token(ctx context.Context, rec store.Record, r event.Revocation) ([]effect, error) {
	root := rec.Event.Token
	if root == nil || root.ID != r.ID {
		entry := feed.Entry{Number: rec.Number, Kind: feed.Token, ID: r.ID, State: feed.Revoked, Until: r.Until}
		named, err := f.named(ctx, r.ID)
		return []effect{{entry, everyone, spotOf(named)}}, err
	}
	tree, err := f.tree(ctx, *root, rec.Number)
	return each(rec.Number, tree), err
}

// each is one entry for each token, at the doors that it is addressed to.
func each(n uint64, tokens []event.Token) []effect {
	var all []effect
	for _, t := range tokens {
		entry := feed.Entry{Number: n, Kind: feed.Token, ID: t.ID, State: feed.Revoked, Until: gone(t)}
		spots := spotOf(t)
		for _, audience := range t.Audience {
			all = append(all, effect{entry, audience, spots})
			spots = nil
		}
	}
	return all
}

// task concerns every door that a token of the task is addressed to. No token
// is minted in a task that is not running, so the tokens before the record are
// all that there are.
func (f family) task(ctx context.Context, n uint64, id string, state feed.State) ([]effect, error) {
	tokens, err := f.tokens(ctx, store.Query{Task: id}, n)
	if err != nil {
		return nil, err
	}
	entry := feed.Entry{Number: n, Kind: feed.Task, ID: id, State: state}
	var audiences []string
	var spots []spot
	for _, t := range tokens {
		spots = append(spots, spotOf(t)...)
		audiences = append(audiences, t.Audience...)
		if gone(t).After(entry.Until) {
			entry.Until = gone(t)
		}
	}
	slices.Sort(audiences)
	var all []effect
	for _, audience := range slices.Compact(audiences) {
		all = append(all, effect{entry, audience, spots})
		spots = nil
	}
	return all, nil
}

// broad calls back by something that tokens have in common. Everyone is told of
// a party or a key, since a token of it may be on its way to any door.
func (f family) broad(ctx context.Context, rec store.Record, r event.Revocation) ([]effect, error) {
	entry := feed.Entry{Number: rec.Number, Kind: feed.Kind(r.Kind), ID: r.ID, State: feed.Revoked, Before: r.Before, Until: r.Until}
	audience := everyone
	if entry.Kind == feed.Resource {
		audience = r.ID
	}
	match := func(t event.Token) bool { return matches(entry, t) }
	heirs, err := f.heirs(ctx, match, rec.Event.Time, rec.Number)
	return append([]effect{{entry, audience, nil}}, each(rec.Number, heirs)...), err
}

// matches reports whether a broad entry is about a token.
func matches(e feed.Entry, t event.Token) bool {
	if t.IssuedAt.After(e.Before) {
		return false
	}
	switch e.Kind {
	case feed.Party:
		return t.Client == e.ID || t.Subject == e.ID || slices.Contains(t.Actors, e.ID)
	case feed.Resource:
		return slices.Contains(t.Audience, e.ID)
	case feed.Key:
		return t.KeyID == e.ID
	}
	return false
}

// overAt is when an entry may be forgotten.
func overAt(before time.Time, life time.Duration) time.Time {
	return before.Add(life + narrowcast.MaxSkew)
}
