package feed

import (
	"math/bits"
	"sync/atomic"
)

const (
	filterBits = 9    // for each id that a filter was made for
	filterMin  = 1024 // ids
)

// filter answers for nearly all living tokens with one look into memory: it is a
// blocked Bloom filter, each block one word. What it lets through goes to the exact
// set. It does not forget; another one takes its place.
type filter struct {
	words []atomic.Uint64
	room  int64 // ids that it was made for
}

func newFilter(ids int64) *filter {
	room := max(filterMin, ids+ids/4)
	return &filter{words: make([]atomic.Uint64, room*filterBits/64), room: room}
}

// place returns the word of an id and its four bits there.
func (f *filter) place(s sum) (word *atomic.Uint64, mask uint64) {
	i, _ := bits.Mul64(s.high, uint64(len(f.words)))
	mask = 1<<(s.low&63) | 1<<(s.low>>6&63) | 1<<(s.low>>12&63) | 1<<(s.low>>18&63)
	return &f.words[i], mask
}

// may reports whether an id can be in the set.
func (f *filter) may(s sum) bool {
	word, mask := f.place(s)
	return word.Load()&mask == mask
}

func (f *filter) add(s sum) {
	word, mask := f.place(s)
	word.Or(mask)
}
