package incident

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// reports is what enforcement points said of themselves: by door, by writer.
type reports map[string]map[string]*voice

// voice is one enforcement point of one door.
type voice struct {
	writer string
	times  []time.Time // of its reports
	left   time.Time   // when it last stopped in order
	feed   hearing
	said   map[string]*statement
}

// statement is a setting that an enforcement point reported at least once.
type statement struct {
	facts       event.Verifier
	first, last time.Time
	count       int
}

// arrival is how far the clock of a writer may run ahead of the book.
const arrival = time.Minute

// heard reads every report that was made while the token lived, or so shortly
// before that it still counted. All of them: a door that only observed for a
// minute was open for a minute, whatever it says now. A later report says
// nothing about that time.
func (r *Room) heard(ctx context.Context, life span) (reports, error) {
	all := reports{}
	from := life.from.Add(-r.fresh())
	q := store.Query{Types: []event.Type{event.VerifierSeen, event.VerifierLeft}, From: from, To: life.to.Add(time.Nanosecond), Newest: true}
	for rec, err := range r.Book.Find(ctx, q) {
		if err != nil {
			return nil, fmt.Errorf("reading the book: %w", err)
		}
		if rec.Received.Before(from.Add(-arrival)) {
			break // what came before this is older still
		}
		if err := all.add(rec.Event); err != nil {
			return nil, fmt.Errorf("reading record %d of the book: %w", rec.Number, err)
		}
	}
	return all, nil
}

func (all reports) add(e event.Event) error {
	if e.Verifier == nil {
		return nil
	}
	facts := *e.Verifier
	facts.Dropped, facts.Software, facts.Feed = 0, "", nil // no part of how it judges
	key, err := json.Marshal(facts)
	if err != nil {
		return err
	}
	door := all[facts.Audience]
	if door == nil {
		door = map[string]*voice{}
		all[facts.Audience] = door
	}
	v := door[e.Writer]
	if v == nil {
		v = &voice{writer: e.Writer, said: map[string]*statement{}}
		door[e.Writer] = v
	}
	v.hear(e)
	s := v.said[string(key)]
	if s == nil {
		s = &statement{facts: facts, first: e.Time, last: e.Time}
		v.said[string(key)] = s
	}
	s.count++
	if e.Time.Before(s.first) {
		s.first = e.Time
	}
	if e.Time.After(s.last) {
		s.last = e.Time
	}
	return nil
}

// hear notes when an enforcement point spoke, and what it knew of revocations
// when it did so last.
func (v *voice) hear(e event.Event) {
	v.times = append(v.times, e.Time)
	if !e.Time.Before(v.feed.at) {
		v.feed = hearing{e.Time, e.Verifier.Feed}
	}
	if e.Type == event.VerifierLeft && e.Time.After(v.left) {
		v.left = e.Time
	}
}

// voices returns the enforcement points of a door in order of their names.
func voices(door map[string]*voice) []*voice {
	sorted := slices.SortedFunc(maps.Values(door), func(a, b *voice) int { return cmp.Compare(a.writer, b.writer) })
	for _, v := range sorted {
		slices.SortFunc(v.times, time.Time.Compare)
	}
	return sorted
}

// statements returns what one enforcement point said, oldest first.
func (v *voice) statements() []*statement {
	return slices.SortedFunc(maps.Values(v.said), func(a, b *statement) int {
		return cmp.Or(a.first.Compare(b.first), a.last.Compare(b.last), cmp.Compare(a.facts.Digest, b.facts.Digest))
	})
}

// silence finds the first stretch longer than fresh in which an enforcement
// point was not heard, between its first word and the end of the question.
func (v *voice) silence(fresh time.Duration, until time.Time) (last time.Time, silent bool) {
	for i, at := range v.times {
		next := until
		if i+1 < len(v.times) {
			next = v.times[i+1]
		}
		if next.Sub(at) > fresh {
			return at, true
		}
	}
	return time.Time{}, false
}

// others names the doors that are in the book and not among those known.
func (all reports) others(known map[string]bool, showings []Showing) []string {
	names := map[string]bool{}
	for name := range all {
		names[name] = !known[name]
	}
	for _, s := range showings {
		names[s.Door] = !known[s.Door]
	}
	maps.DeleteFunc(names, func(_ string, other bool) bool { return !other })
	return slices.Sorted(maps.Keys(names))
}
