package feed

import (
	"cmp"
	"slices"
)

// stagedID is a token id that waits to be put into its shard.
type stagedID struct {
	key        uint64
	low, until uint32
}

// stage takes an id into a set that nobody asks yet. Unlike add it does not make the
// shard anew, which is what a million of them would take seconds for; it counts an id
// as often as it comes. Call build before the set is asked, and before add.
func (t *tokens) stage(s sum, until uint32) {
	if t.staged == nil {
		t.staged = new([shardCount][]stagedID)
	}
	number, key, low := s.slot()
	t.staged[number] = append(t.staged[number], stagedID{key, low, until})
	t.count.Add(1)
}

// build puts into the shards what was staged. What was there stays.
func (t *tokens) build() {
	if t.staged == nil {
		return
	}
	for number := range t.staged {
		ids := t.staged[number]
		if len(ids) == 0 {
			continue
		}
		if old := t.shards[number].Load(); old != nil {
			for i, key := range old.keys {
				ids = append(ids, stagedID{key, old.rest[i].low, old.rest[i].until})
			}
		}
		all := len(ids) // shardOf looks at each, and all of them are counted
		one := shardOf(ids)
		t.shards[number].Store(one)
		t.count.Add(int64(len(one.keys) - all))
		t.staged[number] = nil
	}
	t.staged = nil
	t.refilter()
}

// shardOf sorts ids. Of one that is there twice the longer stay counts.
func shardOf(ids []stagedID) *shard {
	slices.SortFunc(ids, func(a, b stagedID) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.low, b.low), cmp.Compare(b.until, a.until))
	})
	ids = slices.CompactFunc(ids, func(a, b stagedID) bool { return a.key == b.key && a.low == b.low })
	one := &shard{make([]uint64, len(ids)), make([]rest, len(ids))}
	for i, id := range ids {
		one.keys[i], one.rest[i] = id.key, rest{id.low, id.until}
	}
	return one
}
