package status_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/status"
)

const base = "https://issuer.example.test/status"

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// place is what is given away.
type place struct {
	uri   string
	index uint64
}

func newAllocator(t *testing.T, edits ...func(*status.AllocatorConfig)) *status.Allocator {
	t.Helper()
	c := status.AllocatorConfig{Base: base, Now: func() time.Time { return noon }}
	for _, edit := range edits {
		edit(&c)
	}
	a, err := status.NewAllocator(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// take takes a place and waits while the next list is being made.
func take(a *status.Allocator) place {
	for {
		if uri, index := a.Next(narrowcast.Audience{}); uri != "" {
			return place{uri, index}
		}
		runtime.Gosched()
	}
}

// TestNoPlaceIsGivenAwayTwice: eight processes of one house, each with eight
// goroutines, through many lists.
func TestNoPlaceIsGivenAwayTwice(t *testing.T) {
	var mu sync.Mutex
	given := map[place]int{}
	lists := map[string]int{}
	var wg sync.WaitGroup
	for range 8 {
		a := newAllocator(t, func(c *status.AllocatorConfig) { c.Places, c.Ahead = 1000, 300 })
		for range 8 {
			wg.Go(func() {
				mine := make([]place, 0, 1000)
				for range 1000 {
					mine = append(mine, take(a))
				}
				mu.Lock()
				defer mu.Unlock()
				for _, p := range mine {
					given[p]++
					lists[p.uri]++
				}
			})
		}
	}
	wg.Wait()
	if len(given) != 64_000 {
		t.Errorf("%d different places in 64000", len(given))
	}
	for p := range given {
		if p.index >= 1000 || !strings.HasPrefix(p.uri, base+"/") {
			t.Fatalf("%v lies outside", p)
		}
	}
	if len(lists) != 64 { // each is used up before the next
		t.Errorf("%d lists of 1000 places for 64000 tokens", len(lists))
	}
}

// TestPlacesDoNotTellHowManyThereAre: neighbours in time are no neighbours in the
// list, and two lists have two orders.
func TestPlacesDoNotTellHowManyThereAre(t *testing.T) {
	orders := [2][]uint64{}
	for i := range orders {
		a := newAllocator(t)
		for range 1000 {
			orders[i] = append(orders[i], take(a).index)
		}
	}
	if slices.Equal(orders[0], orders[1]) {
		t.Error("two lists are given away in one order")
	}
	sum, near := 0.0, 0
	for i, index := range orders[0] {
		sum += float64(index)
		if i > 0 && math.Abs(float64(index)-float64(orders[0][i-1])) < 2 {
			near++
		}
	}
	if mean := sum / 1000; mean < 0.4*status.Places || mean > 0.6*status.Places || near > 5 {
		t.Errorf("the mean of 1000 places is %.0f, and %d stand side by side", mean, near)
	}
}

// TestTheNextListIsNamedBeforeItIsUsed: a verifier that reads the names whenever
// it likes knows every list before a token of it exists.
func TestTheNextListIsNamedBeforeItIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var announced []string
		a := newAllocator(t, func(c *status.AllocatorConfig) {
			c.Places, c.Ahead = 100, 10
			c.Announce = func(_ context.Context, uri string) error { announced = append(announced, uri); return nil }
		})
		for i := range 1000 {
			named, before := a.Lists(), slices.Clone(announced)
			p := take(a)
			if !slices.Contains(named, p.uri) || !slices.Contains(before, p.uri) {
				t.Fatalf("place %d is of a list that nobody named", i)
			}
			if i%100 == 91 && len(named) != i/100+2 {
				t.Errorf("after %d places %d lists are named", i, len(named))
			}
			synctest.Wait()
		}
	})
}

func TestAListThatCannotBeAnnouncedIsNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fails := false
		a := newAllocator(t, func(c *status.AllocatorConfig) {
			c.Places, c.Ahead = 4, 2
			c.Announce = func(context.Context, string) error {
				if fails {
					return errors.New("the book is closed")
				}
				return nil
			}
		})
		fails = true
		for range 4 {
			take(a)
			synctest.Wait()
		}
		if uri, _ := a.Next(narrowcast.Audience{}); uri != "" {
			t.Error("a list is used that nobody knows of")
		}
		synctest.Wait()
		fails = false
		if uri, _ := a.Next(narrowcast.Audience{}); uri != "" {
			t.Error("a list is used that nobody knows of")
		}
		synctest.Wait()
		if uri, _ := a.Next(narrowcast.Audience{}); uri == "" {
			t.Error("it does not come back")
		}
	})
}

func TestFullListsAreNamedWhileATokenMayLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAllocator(t, func(c *status.AllocatorConfig) { c.Places, c.Keep, c.Now = 2, time.Hour, time.Now })
		first := take(a)
		synctest.Wait()
		for range 2 {
			take(a)
			synctest.Wait()
		}
		time.Sleep(time.Hour)
		if !slices.Contains(a.Lists(), first.uri) {
			t.Error("a list is not named while its tokens live")
		}
		time.Sleep(time.Second)
		if slices.Contains(a.Lists(), first.uri) {
			t.Error("a list is named for ever")
		}
	})
}

func TestAllocatorsAreChecked(t *testing.T) {
	_, err := status.NewAllocator(t.Context(), status.AllocatorConfig{Places: -1})
	for _, word := range []string{"Base", "Now", "Places"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s is not named by %v", word, err)
		}
	}
	broken := errors.New("the book is closed")
	_, err = status.NewAllocator(t.Context(), status.AllocatorConfig{
		Base: base, Now: func() time.Time { return noon }, Announce: func(context.Context, string) error { return fmt.Errorf("appending: %w", broken) },
	})
	if !errors.Is(err, broken) {
		t.Errorf("the first list: %v", err)
	}
}
