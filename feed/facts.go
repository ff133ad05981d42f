package feed

import (
	"sync"
	"sync/atomic"
	"time"
)

// facts are the entries of one kind other than Token.
type facts struct {
	count atomic.Int64 // len(known), to be read without the lock

	mu    sync.RWMutex
	known map[string]fact
	due   map[int64][]string // by the minute of until: what may have ended then
}

// fact is what is known of one id. Times are in seconds of Unix time.
type fact struct {
	number        uint64
	state         State
	before, until int64
}

func newFacts() *facts {
	return &facts{known: map[string]fact{}, due: map[int64][]string{}}
}

// find returns what is known of an id. Most kinds are empty most of the time.
func (f *facts) find(id string) (fact, bool) {
	if f.count.Load() == 0 || id == "" {
		return fact{}, false
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	one, ok := f.known[id]
	return one, ok
}

// covers reports whether tokens of id that were issued at that time are revoked.
func (f *facts) covers(id string, issued time.Time) bool {
	one, ok := f.find(id)
	return ok && (issued.IsZero() || issued.Unix() <= one.before)
}

// add joins what an entry says with what is known, so that nothing that is dead
// comes to life. It reports whether anything changed.
func (f *facts) add(id string, n fact) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	old, known := f.known[id]
	if known {
		n = old.join(n)
	}
	if known && n == old {
		return false
	}
	f.known[id] = n
	if !known || minute(n.until) != minute(old.until) {
		f.due[minute(n.until)] = append(f.due[minute(n.until)], id)
	}
	f.count.Store(int64(len(f.known)))
	return true
}

func (old fact) join(n fact) fact {
	joined := old
	if n.number > old.number {
		joined.number = n.number
		if old.state != Ended {
			joined.state = n.state
		}
	} else if n.state == Ended {
		joined.state = Ended
	}
	joined.before, joined.until = max(old.before, n.before), max(old.until, n.until)
	return joined
}

// forget removes what ended before now, looking at no more than the given number of
// ids. It returns how many it looked at.
func (f *facts) forget(now int64, most int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	looked := 0
	for m, ids := range f.due {
		if m >= minute(now) {
			continue
		}
		n := min(len(ids), most-looked)
		for _, id := range ids[:n] {
			if one, ok := f.known[id]; ok && minute(one.until) == m {
				delete(f.known, id)
			}
		}
		if looked += n; n == len(ids) {
			delete(f.due, m)
		} else {
			f.due[m] = ids[n:]
		}
	}
	f.count.Store(int64(len(f.known)))
	return looked
}

// entries returns everything as entries of a kind.
func (f *facts) entries(kind Kind) []Entry {
	f.mu.RLock()
	defer f.mu.RUnlock()
	all := make([]Entry, 0, len(f.known))
	for id, one := range f.known {
		e := Entry{Number: one.number, Kind: kind, ID: id, State: one.state, Until: time.Unix(one.until, 0).UTC()}
		if kind != Task {
			e.Before = time.Unix(one.before, 0).UTC()
		}
		all = append(all, e)
	}
	return all
}

func minute(seconds int64) int64 { return seconds / 60 }
