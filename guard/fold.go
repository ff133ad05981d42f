package guard

import (
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

const foldShards = 16

// folds gathers accepted presentations by token, peer and minute, so that the
// record is complete and its volume bounded.
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
}

type fold struct {
	key         foldKey
	token       *narrowcast.Token
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

// add counts one presentation. It returns the fold that had to make room, if
// one had to.
func (f *folds) add(token *narrowcast.Token, peer string, now time.Time) (oldest *fold) {
	key := foldKey{token.Fingerprint(), peer, minuteOf(now)}
	s := &f.shards[key.token[0]%foldShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.open[key]; known != nil {
		known.count++
		known.last = now
		return nil
	}
	if len(s.order) >= s.max {
		oldest = s.pop()
	}
	one := &fold{key: key, token: token, count: 1, first: now, last: now}
	s.open[key] = one
	s.order = append(s.order, one)
	return oldest
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
