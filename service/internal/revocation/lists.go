package revocation

import (
	"time"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/feed"
)

// spot is the place of a token.
type spot struct {
	uri   string
	index uint64
	until int64 // in seconds, rounded up
}

func spotOf(t event.Token) []spot {
	if t.StatusList == "" {
		return nil
	}
	return []spot{{t.StatusList, t.StatusAt, gone(t).Unix() + 1}}
}

// mark is what is known of a place: that its token was called back, or in which
// task it is.
type mark struct {
	until int64
	task  string
	dead  bool
}

// lists are the status lists of the house, and those places in them of which
// something is known.
type lists struct {
	announced map[string]time.Time // until when a token of it may be alive
	marks     map[string]map[uint64]mark
	watches   []*watch
}

func newLists() lists {
	return lists{announced: map[string]time.Time{}, marks: map[string]map[uint64]mark{}}
}

// note takes in the places of one effect. What a task does to them is asked when
// they are read, so that a pause ends with the task's resumption.
func (l *lists) note(e effect, now time.Time) {
	for _, s := range e.spots {
		if e.Kind == feed.Task {
			l.mark(s, e.ID, false, now)
		} else {
			l.mark(s, "", true, now)
		}
	}
}

func (l *lists) mark(s spot, task string, dead bool, now time.Time) {
	if now.Unix() > s.until {
		return
	}
	list := l.marks[s.uri]
	if list == nil {
		list = map[uint64]mark{}
		l.marks[s.uri] = list
	}
	m := list[s.index]
	m.until, m.dead = max(m.until, s.until), m.dead || dead
	if task != "" {
		m.task = task
	}
	list[s.index] = m
}

// drop forgets what is over.
func (l *lists) drop(now time.Time) {
	for uri, list := range l.marks {
		for index, m := range list {
			if now.Unix() > m.until {
				delete(list, index)
			}
		}
		if len(list) == 0 {
			delete(l.marks, uri)
		}
	}
	for uri, until := range l.announced {
		if now.After(until) {
			delete(l.announced, uri)
		}
	}
}
