package feed

import (
	"math/bits"
	"sync/atomic"
)

const (
	shardBits  = 12
	shardCount = 1 << shardBits
)

// tokens is the set of revoked token ids. It holds 108 bits of the sum of each: 12 by
// the shard, the rest in the shard. That a living token meets one of a million by
// chance has the odds 2⁻⁸⁸, so no identifiers need to be kept behind.
//
// A shard never changes; a new one takes its place. Readers take no lock. Who
// writes must hold one.
type tokens struct {
	filter atomic.Pointer[filter] // nil while the set is empty
	shards [shardCount]atomic.Pointer[shard]
	count  atomic.Int64
	gone   int64                   // ids that the filter still knows
	staged *[shardCount][]stagedID // see stage
}

// shard holds ids in the order of their keys: 16 bytes each.
type shard struct {
	keys []uint64
	rest []rest
}

// rest is what else is known of an id. Until is in seconds of Unix time.
type rest struct{ low, until uint32 }

// slot cuts a sum into the number of its shard, its key and the rest.
func (s sum) slot() (number int, key uint64, low uint32) {
	return int(s.high >> (64 - shardBits)), s.high<<shardBits | s.low>>(64-shardBits), uint32(s.low)
}

// has reports whether an id is in the set.
func (t *tokens) has(s sum) bool {
	if f := t.filter.Load(); f == nil || !f.may(s) {
		return false
	}
	number, key, low := s.slot()
	one := t.shards[number].Load()
	if one == nil {
		return false
	}
	for i := one.find(key); i < len(one.keys) && one.keys[i] == key; i++ {
		if one.rest[i].low == low {
			return true
		}
	}
	return false
}

// find returns the first place whose key is not below the given one. Keys are
// evenly spread, so it begins where the key would be and has few steps to go.
func (s *shard) find(key uint64) int {
	guess, _ := bits.Mul64(key, uint64(len(s.keys)))
	i := int(guess)
	for i < len(s.keys) && s.keys[i] < key {
		i++
	}
	for i > 0 && s.keys[i-1] >= key {
		i--
	}
	return i
}

// add puts an id in, or lets it stay longer. It reports whether it is new.
func (t *tokens) add(s sum, until uint32) bool {
	number, key, low := s.slot()
	old := t.shards[number].Load()
	if old == nil {
		old = &shard{}
	}
	at := old.find(key)
	for ; at < len(old.keys) && old.keys[at] == key; at++ {
		if old.rest[at].low != low {
			continue
		}
		if old.rest[at].until < until {
			longer := &shard{old.keys, append([]rest(nil), old.rest...)}
			longer.rest[at].until = until
			t.shards[number].Store(longer)
		}
		return false
	}
	grown := &shard{make([]uint64, len(old.keys)+1), make([]rest, len(old.keys)+1)}
	copy(grown.keys, old.keys[:at])
	copy(grown.rest, old.rest[:at])
	grown.keys[at], grown.rest[at] = key, rest{low, until}
	copy(grown.keys[at+1:], old.keys[at:])
	copy(grown.rest[at+1:], old.rest[at:])
	t.shards[number].Store(grown)
	t.count.Add(1)
	if f := t.filter.Load(); f == nil || t.count.Load()+t.gone > f.room {
		t.refilter()
	} else {
		f.add(s)
	}
	return true
}

// refilter makes a filter for what is there.
func (t *tokens) refilter() {
	f := newFilter(t.count.Load())
	for s := range t.each {
		f.add(s)
	}
	t.gone = 0
	t.filter.Store(f)
}

// forget removes from one shard what ended before now, in seconds of Unix time.
func (t *tokens) forget(number int, now uint32) {
	old := t.shards[number].Load()
	if old == nil {
		return
	}
	kept := 0
	for _, r := range old.rest {
		if r.until >= now {
			kept++
		}
	}
	switch kept {
	case len(old.rest):
		return
	case 0:
		t.shards[number].Store(nil)
	default:
		left := &shard{make([]uint64, 0, kept), make([]rest, 0, kept)}
		for i, r := range old.rest {
			if r.until >= now {
				left.keys, left.rest = append(left.keys, old.keys[i]), append(left.rest, r)
			}
		}
		t.shards[number].Store(left)
	}
	t.count.Add(int64(kept - len(old.rest)))
	t.gone += int64(len(old.rest) - kept)
}

// trim makes the filter anew when half of what it knows is gone.
func (t *tokens) trim() {
	if count := t.count.Load(); t.gone > max(count, filterMin) {
		t.refilter()
	}
}

// each hands out every id, as add takes it.
func (t *tokens) each(yield func(s sum, until uint32) bool) {
	for number := range t.shards {
		one := t.shards[number].Load()
		if one == nil {
			continue
		}
		for i, key := range one.keys {
			s := sum{high: uint64(number)<<(64-shardBits) | key>>shardBits, low: key<<(64-shardBits) | uint64(one.rest[i].low)}
			if !yield(s, one.rest[i].until) {
				return
			}
		}
	}
}
