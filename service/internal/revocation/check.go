package revocation

import (
	"slices"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/feed"
)

// Check is narrowcast.Liveness for whoever stands in the house: the desk and our
// own doors. It answers Stale before the book was read, and when that is too
// long ago.
func (l *Log) Check(t *narrowcast.Token) narrowcast.Reason {
	if t == nil {
		return narrowcast.Stale
	}
	facts := event.Token{
		ID: string(t.ID()), Task: string(t.Task()), Client: string(t.ClientID()), Subject: string(t.Subject()),
		Audience: []string{t.Audience().String()}, KeyID: string(t.KeyID()), IssuedAt: t.IssuedAt(),
	}
	for _, actor := range t.Actors() {
		facts.Actors = append(facts.Actors, string(actor))
	}
	return l.Judge(facts)
}

// Judge is Check for the facts of a token, as the book has them.
func (l *Log) Judge(t event.Token) narrowcast.Reason {
	now := l.config.Now()
	l.mu.RLock()
	defer l.mu.RUnlock()
	if reason := l.state.judge(t); reason != 0 {
		return reason
	}
	if l.asOf.IsZero() || now.Sub(l.asOf) > l.config.StaleAfter {
		return narrowcast.Stale
	}
	return 0
}

// judge answers what is known, however old.
func (s *state) judge(t event.Token) narrowcast.Reason {
	if s.holds(t.ID) || s.common(t) {
		return narrowcast.Revoked
	}
	task := s.named[feed.Task][t.Task]
	switch {
	case t.Task == "" || task == nil:
	case task.State == feed.Ended:
		return narrowcast.TaskEnded
	case task.State == feed.Paused:
		return narrowcast.TaskPaused
	}
	return 0
}

// common looks for a broad entry about t by each of its names.
func (s *state) common(t event.Token) bool {
	about := func(kind feed.Kind, names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool {
			it := s.named[kind][name]
			return it != nil && matches(it.Entry, t)
		})
	}
	if len(s.named[feed.Party])+len(s.named[feed.Resource])+len(s.named[feed.Key]) == 0 {
		return false
	}
	return about(feed.Party, t.Client, t.Subject) || about(feed.Party, t.Actors...) ||
		about(feed.Resource, t.Audience...) || about(feed.Key, t.KeyID)
}

func (s *state) holds(jti string) bool { return s.named[feed.Token][jti] != nil }

// broad returns the living entries that are about more than one token.
func (s *state) broad() []feed.Entry {
	var all []feed.Entry
	for _, kind := range []feed.Kind{feed.Party, feed.Resource, feed.Key} {
		for _, it := range s.named[kind] {
			all = append(all, it.Entry)
		}
	}
	return all
}

func anyMatches(entries []feed.Entry, t event.Token) bool {
	return t.ID != "" && slices.ContainsFunc(entries, func(e feed.Entry) bool { return matches(e, t) })
}

// AsOf is the time up to which everything in the book counts here, or the zero
// time.
func (l *Log) AsOf() time.Time {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.asOf
}

// Known is what a door in the house reports of itself: it is asked through this
// Log, so it knows what the Log knows.
func (l *Log) Known() event.Feed {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return event.Feed{Position: l.last, AsOf: l.asOf, StaleAfter: l.config.StaleAfter, WhenStale: string(feed.Refuse)}
}

// Size is how many entries are kept, for metrics.
func (l *Log) Size() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	n := 0
	for _, named := range l.state.named {
		n += len(named)
	}
	return n
}
