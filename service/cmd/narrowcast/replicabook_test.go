//go:build !fast

package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// check compares the book with what clients hold, when nobody asks any more.
func (c *replicaCrowd) check(t *testing.T) {
	t.Helper()
	// One more token each says under which name a replica writes in this life.
	alive := map[string]string{}
	var last []narrowcast.TokenID
	for _, r := range c.replicas {
		g := r.mustSay(t, r.fresh(t, payDoor), "", http.StatusOK, "")
		c.tokens[narrowcast.TokenID(g.said.TokenID)] = r.name
		last = append(last, narrowcast.TokenID(g.said.TokenID))
	}
	book := c.replicas[0].kept(t)
	seen := readBook(t, book)
	for id, by := range c.tokens {
		if n := seen.issued[id]; n != 1 {
			t.Errorf("a client holds token %s of replica %s, and the book has it %d times", id, by, n)
		}
	}
	for i, id := range last {
		alive[seen.by[id]] = c.replicas[i].name
	}
	if len(alive) != len(c.replicas) {
		t.Errorf("%d replicas write under %d names", len(c.replicas), len(alive))
	}
	c.checkSequences(t, seen, alive)
	records, broken, err := book.CheckChain(t.Context())
	if err != nil || broken != 0 || records != seen.last {
		t.Errorf("CheckChain: %d records of %d, the first broken one is %d, %v", records, seen.last, broken, err)
	}
	t.Logf("%d tokens were received, %d are in the book, of %d records; %d answers lost, %d times unavailable, %d times a client moved",
		len(c.tokens), len(seen.issued), seen.last, c.lost.Load(), c.unavailable.Load(), c.moved.Load())
}

// checkSequences looks for numbers that a desk gave to a record which is not
// there. A request that was under way when its replica was killed may leave one
// such gap, and so may one that was told that the book does not answer. There is
// no other reason for one.
func (c *replicaCrowd) checkSequences(t *testing.T, seen *bookSeen, alive map[string]string) {
	t.Helper()
	if len(seen.sequences) != 2*len(c.replicas) {
		t.Errorf("%d desks wrote; there were %d replicas with two lives each", len(seen.sequences), len(c.replicas))
	}
	unavailable := int(c.unavailable.Load())
	for writer, numbers := range seen.sequences {
		var highest uint64
		for n, times := range numbers {
			highest = max(highest, n)
			if times != 1 {
				t.Errorf("%s wrote number %d %d times", writer, n, times)
			}
		}
		gaps, allowed := int(highest)-len(numbers), unavailable //nolint:gosec // G115: counts
		if alive[writer] == "" {
			allowed += replicaClients // killed
		}
		if gaps > allowed {
			t.Errorf("%s gave out %d numbers and %d are missing; %d can be explained", writer, highest, gaps, allowed)
		}
		t.Logf("%s (now replica %q) wrote %d records, %d numbers are missing", writer, alive[writer], len(numbers), gaps)
	}
}

// bookSeen is what a walk through the book saw.
type bookSeen struct {
	last      uint64
	issued    map[narrowcast.TokenID]int
	by        map[narrowcast.TokenID]string
	sequences map[string]map[uint64]int // of desks, by writer
}

// readBook walks through all records.
func readBook(t *testing.T, book store.Book) *bookSeen {
	t.Helper()
	seen := &bookSeen{issued: map[narrowcast.TokenID]int{}, by: map[narrowcast.TokenID]string{}, sequences: map[string]map[uint64]int{}}
	events := map[[2]string]bool{}
	for r, err := range book.Find(t.Context(), store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Number != seen.last+1 {
			t.Errorf("record %d follows record %d", r.Number, seen.last)
		}
		seen.last = r.Number
		name := [2]string{r.Event.Writer, r.Event.ID}
		if events[name] {
			t.Errorf("event %s of %s is there twice", r.Event.ID, r.Event.Writer)
		}
		events[name] = true
		seen.take(r.Event)
	}
	return seen
}

func (s *bookSeen) take(e event.Event) {
	if e.Type == event.Issued && e.Token != nil {
		s.issued[narrowcast.TokenID(e.Token.ID)]++
		s.by[narrowcast.TokenID(e.Token.ID)] = e.Writer
	}
	if strings.HasPrefix(e.Writer, "issuer/") {
		if s.sequences[e.Writer] == nil {
			s.sequences[e.Writer] = map[uint64]int{}
		}
		s.sequences[e.Writer][e.Sequence]++
	}
}
