package uses_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/store/storetest"
	"github.com/narrowcast-io/narrowcast/service/internal/uses"
)

var (
	now = time.Unix(1_800_000_000, 0)
	pay = narrowcast.MustAudience("https://pay.example.test")
	crm = narrowcast.MustAudience("https://crm.example.test")
)

func clock() time.Time { return now }

func desk(t testing.TB, book uses.Ledger, writer string) *uses.Desk {
	t.Helper()
	d, err := uses.New(uses.Config{Ledger: book, Now: clock, Writer: writer, Tenant: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func use(id string) uses.Use {
	return uses.Use{Audience: pay, Token: narrowcast.TokenID(id), By: "pay-guard", Until: now.Add(time.Minute)}
}

func records(t testing.TB, book *storetest.Memory) (all []event.Event) {
	t.Helper()
	for r, err := range book.Find(context.Background(), store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r.Event)
	}
	return all
}

func want(t testing.TB, d *uses.Desk, u uses.Use, first bool) {
	t.Helper()
	if got, err := d.Use(context.Background(), u); err != nil || got != first {
		t.Errorf("%s at %s: first %v, %v; want %v", u.Token, u.Audience, got, err, first)
	}
}

// The first use counts, wherever the second one is tried. The same id at another
// resource is another token.
func TestFirstAndAgain(t *testing.T) {
	book := storetest.NewMemory(clock)
	one, other := desk(t, book, "issuer/1/uses"), desk(t, book, "issuer/2/uses")
	want(t, one, use("a"), true)
	want(t, one, use("a"), false)
	want(t, other, use("a"), false)
	elsewhere := use("a")
	elsewhere.Audience = crm
	want(t, other, elsewhere, true)
	late := use("a")
	late.Until = now.Add(time.Hour)
	want(t, one, late, false)
	want(t, one, use("b"), true)

	all := records(t, book)
	if len(all) != 3 {
		t.Fatalf("%d records", len(all))
	}
	for i, e := range all {
		if err := e.Check(); err != nil || e.Type != event.Used || e.Tenant != "acme" || !e.Time.Equal(now) || e.Detail != `told by "pay-guard"` {
			t.Errorf("%d: %v %+v", i, err, e)
		}
		if e.Token == nil || !slices.Equal(e.Token.Audience, []string{e.Expected}) {
			t.Errorf("%d: %+v", i, e.Token)
		}
	}
	if e := all[0]; e.Writer != "issuer/1/uses" || e.Sequence != 1 || e.Expected != pay.String() || e.Token.ID != "a" {
		t.Errorf("%+v %+v", e, e.Token)
	}
	if e := all[2]; e.Writer != "issuer/1/uses" || e.Sequence != 2 || e.Token.ID != "b" {
		t.Errorf("a repeat left a gap: %+v", e)
	}
}

// What ends before now or later than any token is no question.
func TestTheBoundsOfAUse(t *testing.T) {
	book := storetest.NewMemory(clock)
	d := desk(t, book, "issuer/1/uses")
	longest := narrowcast.CeilingMaxLifetime + 4*narrowcast.MaxSkew
	for name, c := range map[string]struct {
		edit func(*uses.Use)
		ok   bool
	}{
		"control":              {func(*uses.Use) {}, true},
		"the longest life":     {func(u *uses.Use) { u.Until = now.Add(longest) }, true},
		"the shortest":         {func(u *uses.Use) { u.Until = now.Add(1) }, true},
		"longer than any life": {func(u *uses.Use) { u.Until = now.Add(longest + 1) }, false},
		"over just now":        {func(u *uses.Use) { u.Until = now }, false},
		"over for long":        {func(u *uses.Use) { u.Until = time.Time{} }, false},
		"no audience":          {func(u *uses.Use) { u.Audience = narrowcast.Audience{} }, false},
		"no token":             {func(u *uses.Use) { u.Token = "" }, false},
	} {
		before := len(records(t, book))
		u := use(name)
		c.edit(&u)
		first, err := d.Use(t.Context(), u)
		kept := len(records(t, book)) - before
		switch {
		case c.ok && (err != nil || !first || kept != 1), !c.ok && (!errors.Is(err, uses.ErrUse) || first || kept != 0):
			t.Errorf("%s: %v %v, %d records", name, first, err, kept)
		}
	}
	// The longest names there are fit.
	u := use(strings.Repeat("j", 256))
	u.Audience = narrowcast.MustAudience("https://pay.example.test/" + strings.Repeat("p", 512-25))
	want(t, d, u, true)
	want(t, d, u, false)
}

// Attack: a token for one use is shown in many places at one moment. Exactly one of
// them is told that it was first, and no number of either desk is missing.
func TestManyAskAtOnce(t *testing.T) {
	book := storetest.NewMemory(clock)
	desks := []*uses.Desk{desk(t, book, "issuer/1/uses"), desk(t, book, "issuer/2/uses")}
	const tokens, times = 20, 16
	var firsts [tokens]atomic.Int64
	var wg sync.WaitGroup
	for i := range tokens * times {
		wg.Go(func() {
			first, err := desks[i%2].Use(context.Background(), use(fmt.Sprint("t", i/times)))
			if err != nil {
				t.Error(err)
			}
			if first {
				firsts[i/times].Add(1)
			}
		})
	}
	wg.Wait()
	for i := range firsts {
		if n := firsts[i].Load(); n != 1 {
			t.Errorf("token %d was first %d times", i, n)
		}
	}
	// A number that is free now goes to the next use, so these fill what is missing.
	for i := range 2 * tokens * times {
		want(t, desks[i%2], use(fmt.Sprint("later", i)), true)
	}
	counts := map[string][]uint64{}
	for _, e := range records(t, book) {
		counts[e.Writer] = append(counts[e.Writer], e.Sequence)
	}
	for writer, all := range counts {
		slices.Sort(all)
		for i, n := range all {
			if n != uint64(i+1) {
				t.Fatalf("%s: number %d stands where %d should", writer, n, i+1)
			}
		}
	}
	if len(counts) != 2 {
		t.Errorf("%d writers", len(counts))
	}
}

// slow answers only when it is told to, with what it is told.
type slow struct {
	arrived chan uint64
	answers map[uint64]chan error
}

func (s *slow) Append(_ context.Context, e store.Entry) (store.Record, error) {
	s.arrived <- e.Event.Sequence
	return store.Record{}, <-s.answers[e.Event.Sequence]
}

// A repeat that comes back before a later use gives its number to the next one.
func TestARepeatInBetweenLeavesNoGap(t *testing.T) {
	s := &slow{arrived: make(chan uint64), answers: map[uint64]chan error{}}
	for n := range uint64(5) {
		s.answers[n] = make(chan error, 1)
	}
	d := desk(t, s, "issuer/1/uses")
	done := make(chan bool)
	ask := func(id string) uint64 {
		go func() {
			first, _ := d.Use(context.Background(), use(id))
			done <- first
		}()
		return <-s.arrived
	}
	answer := func(n uint64, err error) bool {
		s.answers[n] <- err
		return <-done
	}
	one, two := ask("a"), ask("b")
	if one != 1 || two != 2 {
		t.Fatal(one, two)
	}
	if answer(1, store.ErrUsed) || !answer(2, nil) {
		t.Error("the answers are mixed up")
	}
	if n := ask("c"); n != 1 {
		t.Errorf("the next one is number %d", n)
	}
	if n := ask("d"); n != 3 {
		t.Errorf("the one behind is number %d", n)
	}
	answer(3, store.ErrUsed)
	// Of a fault nobody knows whether it was kept: its number is not used again.
	answer(1, errors.New("the line is cut"))
	if n := ask("e"); n != 3 {
		t.Errorf("behind a fault comes number %d", n)
	}
	answer(3, nil)
}

func TestABookThatFails(t *testing.T) {
	book := storetest.NewMemory(clock)
	d := desk(t, book, "issuer/1/uses")
	want(t, d, use("a"), true)
	if err := book.Close(); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"a", "b"} {
		if first, err := d.Use(t.Context(), use(id)); first || !errors.Is(err, store.ErrClosed) || errors.Is(err, uses.ErrUse) {
			t.Errorf("%s: %v %v", id, first, err)
		}
	}
}

func TestNothingIsMissing(t *testing.T) {
	_, err := uses.New(uses.Config{})
	for _, name := range []string{"Ledger", "Now", "Writer"} {
		if err == nil || !strings.Contains(err.Error(), name+" is required") {
			t.Errorf("%s: %v", name, err)
		}
	}
	var none *uses.Desk
	for _, d := range []*uses.Desk{none, {}} {
		if first, err := d.Use(t.Context(), use("a")); first || err == nil {
			t.Errorf("a desk that was never configured: %v %v", first, err)
		}
	}
}
