package revocation

import (
	"iter"
	"time"

	"github.com/narrowcast-io/narrowcast/feed"
)

// Place is a place in a status list that is not valid.
type Place struct {
	URI       string
	Index     uint64
	Suspended bool      // valid again when the task is resumed
	Until     time.Time // when the token has expired at every verifier
}

// Lists yields the status lists of which a token may be alive, whoever gives
// their places away.
func (l *Log) Lists() iter.Seq[string] {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var all []string
	for uri := range l.state.lists.announced {
		all = append(all, uri)
	}
	for uri := range l.state.lists.marks {
		if _, twice := l.state.lists.announced[uri]; !twice {
			all = append(all, uri)
		}
	}
	return func(yield func(string) bool) {
		for _, uri := range all {
			if !yield(uri) {
				return
			}
		}
	}
}

// Dead yields the places that are not valid. asOf is the instant up to which all
// that was in the book counts; it is the zero time before that is known.
func (l *Log) Dead() (asOf time.Time, places iter.Seq[Place]) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.placed, func(yield func(Place) bool) {
		for uri := range l.Lists() {
			for _, p := range l.deadOf(uri) {
				if !yield(p) {
					return
				}
			}
		}
	}
}

// deadOf returns the places of one list. The caller works on it outside the lock.
func (l *Log) deadOf(uri string) []Place {
	now := l.config.Now().Unix()
	l.mu.RLock()
	defer l.mu.RUnlock()
	var all []Place
	for index, m := range l.state.lists.marks[uri] {
		dead, suspended := m.dead, false
		if t := l.state.named[feed.Task][m.task]; !dead && m.task != "" && t != nil {
			dead, suspended = t.State == feed.Ended, t.State == feed.Paused
		}
		if now <= m.until && (dead || suspended) {
			all = append(all, Place{uri, index, suspended, time.Unix(m.until, 0).UTC()})
		}
	}
	return all
}

// Places is how many places in status lists are kept, for metrics.
func (l *Log) Places() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	n := 0
	for _, list := range l.state.lists.marks {
		n += len(list)
	}
	return n
}
