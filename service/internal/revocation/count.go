package revocation

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/feed"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Counting what a broad revocation concerns must not hold it up for long.
const (
	maxCounted  = 200_000
	countWithin = 2 * time.Second
)

// count adds up the tokens that live.
func (d *Desk) count(tokens []event.Token) Answer {
	var a Answer
	now := d.config.Now()
	for _, t := range tokens {
		if now.After(gone(t)) {
			continue
		}
		a = a.with(Answer{Tokens: 1, Audiences: t.Audience, Until: gone(t)})
	}
	return a
}

// broad calls back everything of a party, at a resource or of a key. What is
// issued afterwards counts; between clocks that differ "afterwards" is a few
// seconds wide.
func (d *Desk) broad(ctx context.Context, r Request, kind feed.Kind) (Answer, error) {
	id, err := nameOf(kind, r.ID)
	if err != nil {
		return Answer{}, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	now := d.config.Now()
	before := now.Add(slack).UTC().Truncate(time.Second)
	facts := event.Revocation{Kind: string(kind), ID: id, Before: before, Until: overAt(before, d.family.life)}
	answer := d.survey(ctx, feed.Entry{Kind: kind, ID: id, Before: before}, now)
	facts.Tokens = answer.Tokens
	number, err := d.keep(ctx, r, facts, nil)
	if err != nil {
		return Answer{}, err
	}
	answer.Numbers = []uint64{number}
	if answer.More || answer.Until.IsZero() {
		answer.Until = facts.Until
	}
	return answer, nil
}

func nameOf(kind feed.Kind, id string) (string, error) {
	switch kind {
	case feed.Resource:
		audience, err := narrowcast.ParseAudience(id)
		return audience.String(), err
	case feed.Key:
		key, err := narrowcast.ParseKeyID(id)
		return string(key), err
	}
	party, err := narrowcast.ParseSubject(id)
	return string(party), err
}

// survey counts, the newest first, until there is no time left. It never fails:
// a revocation does not wait for a number.
func (d *Desk) survey(ctx context.Context, e feed.Entry, now time.Time) Answer {
	ctx, cancel := context.WithTimeout(ctx, countWithin)
	defer cancel()
	match := func(t event.Token) bool { return matches(e, t) }
	q := store.Query{Types: minted(), From: now.Add(-horizon(d.family.life)), Newest: true, Limit: maxCounted}
	var own []event.Token
	seen := 0
	for rec, err := range d.config.Ledger.Find(ctx, q) {
		if err != nil {
			answer := d.count(own)
			answer.More = true
			return answer
		}
		seen++
		if t := rec.Event.Token; t != nil && match(*t) {
			own = append(own, *t)
		}
	}
	heirs, err := d.family.heirs(ctx, match, now, 0)
	answer := d.count(slices.Concat(own, heirs))
	answer.More = err != nil || seen == maxCounted
	return answer
}
