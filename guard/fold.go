package guard

import (
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
)

const foldShards = 16

// aloneRefusals is how many refusals with one key have an event each, so that a
// person who tries again finds every decision.
const aloneRefusals = 4

// folds gathers presentations by token, peer and minute, and refused ones also by
// kind and reason, so that the record is complete and its volume bounded.
type folds struct {
	shards [foldShards]foldShard
}

type foldShard struct {
	mu    sync.Mutex
	max   int
	open  map[foldKey]*fold
	order []*fold // oldest first
}

type foldKey struct {
	token  narrowcast.Fingerprint
	peer   string
	minute int64
	kind   event.Type        // empty for accepted ones
	reason narrowcast.Reason // zero for accepted ones

	degraded bool // accepted although what is known of revocations was too old
	passed   bool // refused, and shown by whom it is addressed to
}

type fold struct {
	key         foldKey
	token       *narrowcast.Token // when accepted
	refused     *event.Event      // the last one, when refused
	alone       int               // refusals with an event each; not among count
	count       int
	first, last time.Time
}

func newFolds(size int) *folds {
	f := &folds{}
	for i := range f.shards {
		f.shards[i].max = max(1, size/foldShards)
		f.shards[i].open = make(map[foldKey]*fold)
	}
	return f
}

func minuteOf(t time.Time) int64 { return t.Unix() / 60 }

// add counts one presentation, accepted (token) or refused. It returns whether
// the refusal is to have an event of its own, and the fold that had to make room,
// if one had.
func (f *folds) add(key foldKey, token *narrowcast.Token, refused *event.Event, now time.Time) (alone bool, oldest *fold) {
	s := &f.shards[key.token[0]%foldShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.open[key]
	if one == nil {
		if len(s.order) >= s.max {
			oldest = s.pop()
		}
		one = &fold{key: key, token: token}
		s.open[key] = one
		s.order = append(s.order, one)
	}
	if refused != nil && one.alone < aloneRefusals {
		one.alone++
		return true, oldest
	}
	if one.count == 0 {
		one.first, one.last = now, now
	}
	one.count++
	one.refused = refused
	if now.After(one.last) { // a clock may step back
		one.last = now
	}
	return false, oldest
}

func (s *foldShard) pop() *fold {
	oldest := s.order[0]
	s.order[0] = nil // the backing array must not keep it alive
	s.order = s.order[1:]
	delete(s.open, oldest.key)
	return oldest
}

// before takes out the folds of the minutes before the given one.
func (f *folds) before(minute int64) []*fold {
	var due []*fold
	for i := range f.shards {
		s := &f.shards[i]
		s.mu.Lock()
		for len(s.order) > 0 && s.order[0].key.minute < minute {
			due = append(due, s.pop())
		}
		s.mu.Unlock()
	}
	return due
}

func (f *folds) len() int {
	n := 0
	for i := range f.shards {
		f.shards[i].mu.Lock()
		n += len(f.shards[i].order)
		f.shards[i].mu.Unlock()
	}
	return n
}
