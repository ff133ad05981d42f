package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

func appendReturnsWhatIsKept(t *testing.T, b *bench) {
	east := time.FixedZone("east", 3*3600)
	odd := issued("issuer-1", "odd")
	odd.Time = dayOne.In(east)
	odd.Detail = "a tab\t, a quote \", <html>, a byte \xff that is no UTF-8, a backslash \\ufffd, ünï"
	events := []event.Event{issued("issuer-1", "a"), bare("issuer-1", "b"), odd}
	var kept []store.Record
	for i, e := range events {
		b.clock.Advance(time.Second)
		r := mustAppend(t, b.store, entry(e))
		if r.Number != uint64(i)+1 || !r.Received.Equal(b.clock.Now()) {
			t.Errorf("record %d: number %d received %v, want %v", i+1, r.Number, r.Received, b.clock.Now())
		}
		if r.Event.ID != e.ID || !r.Event.Time.Equal(e.Time) {
			t.Errorf("record %d speaks of %s at %v", i+1, r.Event.ID, r.Event.Time)
		}
		kept = append(kept, r)
	}
	found := find(t, b.store, store.Query{})
	wantNumbers(t, "everything", found, 1, 2, 3)
	for i := range found {
		wantSame(t, "found and appended", found[i], kept[i])
	}
}

func appendRefusesBadEntries(t *testing.T, b *bench) {
	noWriter, big, timeless := bare("", "a"), bare("w", "a"), bare("w", "a")
	big.Detail = strings.Repeat("x", event.MaxBytes)
	timeless.Time = time.Time{}
	many := make([]store.Once, store.MaxOnce+1)
	for i := range many {
		many[i] = store.Once{Space: "s", ID: fmt.Sprint(i), Until: dayOne.Add(time.Hour)}
	}
	for name, e := range map[string]store.Entry{
		"no writer":      entry(noWriter),
		"too long":       entry(big),
		"no time":        entry(timeless),
		"too many once":  entry(bare("w", "a"), many...),
		"once no space":  entry(bare("w", "a"), store.Once{ID: "x", Until: dayOne}),
		"once no end":    entry(bare("w", "a"), store.Once{Space: "s", ID: "x"}),
		"once too long":  entry(bare("w", "a"), store.Once{Space: "s", ID: strings.Repeat("x", store.MaxOnceBytes), Until: dayOne}),
		"nothing at all": {},
	} {
		if _, err := b.store.Append(context.Background(), e); err == nil {
			t.Errorf("%s: was appended", name)
		}
	}
	if r := mustAppend(t, b.store, entry(bare("w", "a"), many[1:]...)); r.Number != 1 {
		t.Errorf("the good entry got number %d", r.Number)
	}
}

func numbersHaveNoGaps(t *testing.T, b *bench) {
	const writers, each = 64, 20
	appendFromMany(t, writers, each, func(int) store.Book { return b.store })
	checkNumbers(t, b.store, writers*each)
}

func twoStoresShareOneChain(t *testing.T, b *bench) {
	if !b.ground.Shared {
		return
	}
	other, err := b.ground.Open(b.clock.Now)
	if err != nil {
		t.Fatalf("opening a second time: %v", err)
	}
	defer func() { _ = other.Close() }()
	const writers, each = 8, 25
	appendFromMany(t, writers, each, func(i int) store.Book {
		return []store.Book{b.store, other}[i%2]
	})
	checkNumbers(t, b.store, writers*each)
	checkNumbers(t, other, writers*each)
	once := store.Once{Space: "s", ID: "x", Until: dayOne.Add(time.Hour)}
	mustAppend(t, b.store, entry(bare("w", "a"), once))
	wantUsed(t, "in the other store", other, entry(bare("w", "b"), once))
}

func appendFromMany(t *testing.T, writers, each int, book func(writer int) store.Book) {
	t.Helper()
	var wait sync.WaitGroup
	for w := range writers {
		wait.Go(func() {
			for i := range each {
				name := fmt.Sprint("writer-", w)
				if _, err := book(w).Append(context.Background(), entry(issued(name, fmt.Sprint(i)))); err != nil {
					t.Errorf("writer %d: %v", w, err)
					return
				}
			}
		})
	}
	wait.Wait()
}

func checkNumbers(t *testing.T, b store.Book, want int) {
	t.Helper()
	records := find(t, b, store.Query{})
	for i, r := range records {
		if r.Number != uint64(i)+1 {
			t.Fatalf("record %d has number %d", i+1, r.Number)
		}
	}
	if len(records) != want {
		t.Errorf("%d records, want %d", len(records), want)
	}
	checkIntact(t, b, want)
	seen := make(map[string]int)
	for _, r := range records {
		if n, err := fmt.Sscan(r.Event.ID, new(int)); n != 1 || err != nil {
			t.Fatalf("unexpected id %q", r.Event.ID)
		}
		seen[r.Event.Writer+" "+r.Event.ID]++
	}
	if len(seen) != want {
		t.Errorf("%d different events, want %d", len(seen), want)
	}
}

func sameEventIsKeptOnce(t *testing.T, b *bench) {
	first := mustAppend(t, b.store, entry(issued("issuer-1", "a")))
	mustAppend(t, b.store, entry(issued("issuer-2", "a")))
	b.clock.Advance(time.Hour)
	changed := issued("issuer-1", "a")
	changed.Detail = "told differently"
	wantSame(t, "the same event again", mustAppend(t, b.store, entry(changed)), first)
	wantNumbers(t, "after the repetition", find(t, b.store, store.Query{}), 1, 2)

	var wait sync.WaitGroup
	got := make([]uint64, 32)
	for i := range got {
		wait.Go(func() {
			if r, err := b.store.Append(context.Background(), entry(bare("issuer-1", "many"))); err == nil {
				got[i] = r.Number
			}
		})
	}
	wait.Wait()
	if slices.Min(got) != 3 || slices.Max(got) != 3 {
		t.Errorf("32 times the same event got numbers %v, want 3 each", got)
	}
	checkIntact(t, b.store, 3)
}

func appendAll(t *testing.T, b *bench) {
	mustAppend(t, b.store, entry(issued("guard", "0")))
	var entries []store.Entry
	for i := range 2500 {
		entries = append(entries, entry(issued("guard", fmt.Sprint(i))))
	}
	entries = append(entries, entry(issued("guard", "7")))
	kept, err := b.store.AppendAll(context.Background(), entries)
	if err != nil || kept != 2499 {
		t.Fatalf("AppendAll: %d, %v; want 2499 new ones", kept, err)
	}
	kept, err = b.store.AppendAll(context.Background(), entries)
	if err != nil || kept != 0 {
		t.Errorf("AppendAll again: %d, %v; want none", kept, err)
	}
	if kept, err = b.store.AppendAll(context.Background(), nil); err != nil || kept != 0 {
		t.Errorf("AppendAll of nothing: %d, %v", kept, err)
	}
	checkNumbers(t, b.store, 2500)
}

func appendAllRefusesWhole(t *testing.T, b *bench) {
	once := store.Once{Space: "s", ID: "x", Until: dayOne.Add(time.Hour)}
	for name, bad := range map[string]store.Entry{
		"once":      entry(bare("w", "b"), once),
		"unless":    unless("b", once),
		"running":   within("b", "a"),
		"task":      keeping("b", task("a")),
		"no writer": entry(bare("", "b")),
	} {
		entries := []store.Entry{entry(bare("w", "a")), bad}
		if kept, err := b.store.AppendAll(context.Background(), entries); err == nil || kept != 0 {
			t.Errorf("%s: kept %d, error %v", name, kept, err)
		}
	}
	wantNumbers(t, "after refusals", find(t, b.store, store.Query{}))
	if kept, err := b.store.AppendAll(context.Background(), []store.Entry{entry(bare("w", "a"))}); err != nil || kept != 1 {
		t.Errorf("the good entry alone: %d, %v", kept, err)
	}
}
