package narrowcast

import (
	"hash/maphash"
	"sync"
	"time"
)

// cache remembers tokens whose signature was right and that were accepted. It
// is keyed by a seeded hash and confirmed by comparing the whole text, so a
// collision costs time and never a wrong answer.
type cache struct {
	seed   maphash.Seed
	keep   time.Duration
	shards [cacheShards]cacheShard
}

const cacheShards = 16

type cacheShard struct {
	mu    sync.RWMutex
	max   int
	known map[uint64]remembered
	_     [32]byte // keeps neighbours off one cache line
}

type remembered struct {
	text  *string // behind a pointer, so that no verb of fmt prints it
	token *Token
	until int64
}

func newCache(size int, keep time.Duration) *cache {
	c := &cache{seed: maphash.MakeSeed(), keep: keep}
	for i := range c.shards {
		c.shards[i].max = max(1, size/cacheShards)
		c.shards[i].known = make(map[uint64]remembered)
	}
	return c
}

func (c *cache) get(text string, now time.Time) *Token {
	h := maphash.String(c.seed, text)
	s := &c.shards[h%cacheShards]
	s.mu.RLock()
	r, ok := s.known[h]
	s.mu.RUnlock()
	if !ok || now.UnixNano() >= r.until || *r.text != text {
		return nil
	}
	return r.token
}

// put remembers t. A full shard forgets an entry of its choice: forgetting costs
// one signature check and nothing else.
func (c *cache) put(text string, t *Token, now time.Time) {
	h := maphash.String(c.seed, text)
	s := &c.shards[h%cacheShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, again := s.known[h]; !again && len(s.known) >= s.max {
		for old := range s.known {
			delete(s.known, old)
			break
		}
	}
	s.known[h] = remembered{text: &text, token: t, until: now.Add(c.keep).UnixNano()}
}
