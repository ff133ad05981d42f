package revocation

import (
	"slices"
	"time"

	"github.com/narrowcast-io/narrowcast/feed"
)

// item is an entry as it is kept: once, whoever it concerns.
type item struct {
	feed.Entry
	replaced bool // another one of its name came later
}

// roll are the entries that concern one audience, in the order of the book, and
// those who follow them.
type roll struct {
	items    []*item
	position uint64 // the number of the last entry
	recent   []news
	beat     beat
	readers  map[*reader]struct{}
}

// state is what is dead, by name and by audience.
type state struct {
	named map[feed.Kind]map[string]*item
	rolls map[string]*roll
	lists lists
}

func newState() state {
	named := map[feed.Kind]map[string]*item{}
	for _, kind := range []feed.Kind{feed.Token, feed.Task, feed.Party, feed.Resource, feed.Key} {
		named[kind] = map[string]*item{}
	}
	return state{named: named, rolls: map[string]*roll{everyone: {}}, lists: newLists()}
}

func (s *state) roll(audience string) *roll {
	r := s.rolls[audience]
	if r == nil {
		r = &roll{}
		s.rolls[audience] = r
	}
	return r
}

// add takes in what one record means.
func (s *state) add(effects []effect, now time.Time) {
	fresh := map[feed.Entry]*item{}
	for _, e := range effects {
		s.lists.note(e, now)
		r := s.roll(e.audience)
		r.position = e.Number
		it, seen := fresh[e.Entry]
		if !seen {
			it = s.keep(e.Entry, now)
			fresh[e.Entry] = it
			s.lists.watch(it)
		}
		if it != nil {
			r.items = append(r.items, it)
		}
	}
}

// keep replaces what was known under the name of an entry. A task that has ended
// stays so, and what was said of the past is not taken back.
func (s *state) keep(e feed.Entry, now time.Time) *item {
	named, known := s.named[e.Kind]
	if !known || now.After(e.Until) {
		return nil
	}
	if old := named[e.ID]; old != nil {
		if old.State == feed.Ended && e.State != feed.Ended {
			return nil
		}
		if old.Before.After(e.Before) {
			e.Before = old.Before
		}
		if old.Until.After(e.Until) {
			e.Until = old.Until
		}
		old.replaced = true
	}
	it := &item{Entry: e}
	named[e.ID] = it
	return it
}

// after returns the living entries of an audience behind a position, in the
// order of the book.
func (s *state) after(audience string, position uint64, now time.Time) []*item {
	var own []*item
	if r := s.rolls[audience]; r != nil {
		own = r.after(position, now)
	}
	all := s.rolls[everyone].after(position, now)
	if audience == everyone || len(all) == 0 {
		return own
	}
	all = append(all, own...)
	slices.SortStableFunc(all, func(a, b *item) int { return compare(a.Number, b.Number) })
	return all
}

func (r *roll) after(position uint64, now time.Time) []*item {
	from, _ := slices.BinarySearchFunc(r.items, position+1, func(it *item, n uint64) int { return compare(it.Number, n) })
	var living []*item
	for _, it := range r.items[from:] {
		if !it.over(now) {
			living = append(living, it)
		}
	}
	return living
}

// position is the number of the last entry that an audience got.
func (s *state) position(audience string) uint64 {
	position := s.rolls[everyone].position
	if r := s.rolls[audience]; r != nil {
		position = max(position, r.position)
	}
	return position
}

// drop forgets what is over.
func (s *state) drop(now time.Time) {
	for _, named := range s.named {
		for id, it := range named {
			if it.over(now) {
				delete(named, id)
			}
		}
	}
	for audience, r := range s.rolls {
		r.items = slices.DeleteFunc(r.items, func(it *item) bool { return it.over(now) })
		if cap(r.items) > 4*len(r.items)+64 {
			r.items = slices.Clone(r.items)
		}
		if len(r.items) == 0 && len(r.readers) == 0 && audience != everyone {
			delete(s.rolls, audience)
		}
	}
	s.lists.drop(now)
}

func (it *item) over(now time.Time) bool { return it.replaced || now.After(it.Until) }

func compare(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
