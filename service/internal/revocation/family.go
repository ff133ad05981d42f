package revocation

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/feed"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// everyone stands for all audiences.
const everyone = ""

// effect is an entry and an audience that it concerns.
type effect struct {
	feed.Entry
	audience string
	spots    []spot // of one effect of an entry alone, if it concerns several audiences
}

// family finds the tokens that a revocation concerns. All it reads lies before
// the record of the revocation, so that every replica finds the same.
type family struct {
	book Book
	life time.Duration
}

// tokens returns what was minted and matches q, the oldest first, before record
// n; 0 means until now.
func (f family) tokens(ctx context.Context, q store.Query, n uint64) ([]event.Token, error) {
	var all []event.Token
	q.Types = minted()
	for rec, err := range f.book.Find(ctx, q) {
		if err != nil {
			return nil, fmt.Errorf("reading what was minted: %w", err)
		}
		if n != 0 && rec.Number >= n {
			break
		}
		if rec.Event.Token != nil {
			all = append(all, *rec.Event.Token)
		}
	}
	return all, nil
}

// tree returns the token and everything that came from it. A child stands in
// the book behind its parent, so one walk finds all.
func (f family) tree(ctx context.Context, root event.Token, n uint64) ([]event.Token, error) {
	all, err := f.tokens(ctx, store.Query{Lineage: lineageOf(root)}, n)
	if err != nil {
		return nil, err
	}
	dead := map[string]bool{root.ID: true}
	tree := []event.Token{root}
	for _, t := range all {
		if t.ID != root.ID && t.Parent != "" && dead[t.Parent] {
			dead[t.ID] = true
			tree = append(tree, t)
		}
	}
	return tree, nil
}

func lineageOf(t event.Token) string { return cmp.Or(t.Lineage, t.ID) }

// heirs returns the exchanged tokens that came from a token that is matched and
// are not matched themselves. Only those still alive at a time are looked for.
func (f family) heirs(ctx context.Context, match func(event.Token) bool, at time.Time, n uint64) ([]event.Token, error) {
	q := store.Query{Types: []event.Type{event.Exchanged}, From: at.Add(-horizon(f.life))}
	facts, dead := map[string]event.Token{}, map[string]bool{}
	var heirs []event.Token
	for rec, err := range f.book.Find(ctx, q) {
		if err != nil {
			return nil, fmt.Errorf("reading what was exchanged: %w", err)
		}
		if n != 0 && rec.Number >= n {
			break
		}
		if rec.Event.Token == nil {
			continue
		}
		t := *rec.Event.Token
		facts[t.ID] = t
		if dead[t.ID] = match(t); dead[t.ID] {
			continue
		}
		parent, err := f.parent(ctx, t, facts)
		if err != nil {
			return nil, err
		}
		if dead[parent.ID] || parent.ID != "" && match(parent) {
			dead[t.ID] = true
			heirs = append(heirs, t)
		}
	}
	return heirs, nil
}

// parent looks a token's parent up, and remembers it.
func (f family) parent(ctx context.Context, t event.Token, known map[string]event.Token) (event.Token, error) {
	if parent, ok := known[t.Parent]; ok || t.Parent == "" {
		return parent, nil
	}
	parent, err := f.named(ctx, t.Parent)
	if err == nil {
		known[t.Parent] = parent
	}
	return parent, err
}

// named returns the token of a jti, or the zero Token when the book knows none.
func (f family) named(ctx context.Context, jti string) (event.Token, error) {
	all, err := f.tokens(ctx, store.Query{TokenID: jti, Limit: 1}, 0)
	if err != nil || len(all) == 0 {
		return event.Token{}, err
	}
	return all[0], nil
}

// gone is when a token has expired at every verifier.
func gone(t event.Token) time.Time { return t.Expires.Add(narrowcast.MaxSkew) }
