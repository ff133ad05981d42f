package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

func wantUsed(t *testing.T, what string, b store.Book, e store.Entry) {
	t.Helper()
	if _, err := b.Append(context.Background(), e); !errors.Is(err, store.ErrUsed) {
		t.Errorf("%s: got %v, want ErrUsed", what, err)
	}
}

func usedIDAppendsNothing(t *testing.T, b *bench) {
	until := dayOne.Add(time.Hour)
	x := store.Once{Space: "client-1", ID: "x", Until: until}
	y := store.Once{Space: "client-1", ID: "y", Until: until}
	mustAppend(t, b.store, entry(bare("w", "a"), x))
	wantUsed(t, "x again", b.store, entry(bare("w", "b"), x))
	wantUsed(t, "x beside y", b.store, entry(bare("w", "c"), y, x))
	wantUsed(t, "y twice in one entry", b.store, entry(bare("w", "d"), y, y))
	later := x
	later.Until = until.Add(time.Hour)
	wantUsed(t, "x with another end", b.store, entry(bare("w", "e"), later))
	wantNumbers(t, "after refusals", find(t, b.store, store.Query{}), 1)

	// The refusals used up nothing; another space is another id.
	mustAppend(t, b.store, entry(bare("w", "f"), y))
	mustAppend(t, b.store, entry(bare("w", "g"), store.Once{Space: "client-2", ID: "x", Until: until}))
	mustAppend(t, b.store, entry(bare("w", "h"), store.Once{Space: "client-1x", ID: "x", Until: until}))
	checkNumbersOnly(t, b.store, 4)
}

func oneOfManyUsesAnID(t *testing.T, b *bench) {
	once := store.Once{Space: "s", ID: "x", Until: dayOne.Add(time.Hour)}
	var wait sync.WaitGroup
	var won, lost atomic.Int32
	for i := range 64 {
		wait.Go(func() {
			switch _, err := b.store.Append(context.Background(), entry(bare("w", fmt.Sprint(i)), once)); {
			case err == nil:
				won.Add(1)
			case errors.Is(err, store.ErrUsed):
				lost.Add(1)
			default:
				t.Errorf("entry %d: %v", i, err)
			}
		})
	}
	wait.Wait()
	if won.Load() != 1 || lost.Load() != 63 {
		t.Errorf("%d won and %d lost, want 1 and 63", won.Load(), lost.Load())
	}
	checkNumbersOnly(t, b.store, 1)
}

func idsAreForgotten(t *testing.T, b *bench) {
	once := func() store.Once { return store.Once{Space: "s", ID: "x", Until: b.clock.Now().Add(time.Minute)} }
	mustAppend(t, b.store, entry(bare("w", "a"), once()))
	b.clock.Advance(time.Minute - 1)
	wantUsed(t, "a nanosecond before the end", b.store, entry(bare("w", "b"), once()))
	b.clock.Advance(1)
	mustAppend(t, b.store, entry(bare("w", "c"), once()))
	wantUsed(t, "used anew", b.store, entry(bare("w", "d"), once()))
	b.clock.Advance(time.Hour)
	for i := range 20 { // forgetting many does not forget the living
		mustAppend(t, b.store, entry(bare("w", fmt.Sprint("n", i)), store.Once{Space: "n", ID: fmt.Sprint(i), Until: b.clock.Now().Add(time.Hour)}))
	}
	for i := range 20 {
		wantUsed(t, "living id", b.store, entry(bare("w", fmt.Sprint("m", i)), store.Once{Space: "n", ID: fmt.Sprint(i), Until: b.clock.Now().Add(time.Hour)}))
	}
	checkNumbersOnly(t, b.store, 22)
}

func retryAfterLostAnswer(t *testing.T, b *bench) {
	e := entry(issued("w", "a"), store.Once{Space: "s", ID: "x", Until: dayOne.Add(time.Hour)})
	first := mustAppend(t, b.store, e)
	wantSame(t, "the same entry with its once", mustAppend(t, b.store, e), first)
	fresh := store.Once{Space: "s", ID: "y", Until: dayOne.Add(time.Hour)}
	wantSame(t, "the same event with another once", mustAppend(t, b.store, entry(e.Event, fresh)), first)
	mustAppend(t, b.store, entry(issued("w", "c"), fresh)) // it was not used up
	wantUsed(t, "another event with that once", b.store, entry(issued("w", "b"), e.Once...))
}

func checkNumbersOnly(t *testing.T, b store.Book, want int) {
	t.Helper()
	if records := find(t, b, store.Query{}); len(records) != want {
		t.Errorf("%d records, want %d", len(records), want)
	}
	checkIntact(t, b, want)
}

// eachSpeaksForItself: of entries that wait together, a used id or a repeated
// event concerns its own entry and no other.
func eachSpeaksForItself(t *testing.T, b *bench) {
	ctx := context.Background()
	until := dayOne.Add(time.Hour)
	used := store.Once{Space: "s", ID: "used", Until: until}
	mustAppend(t, b.store, entry(bare("w", "first"), used))
	const each = 12
	results := make(chan error, 3*each)
	for i := range each {
		go func() {
			_, err := b.store.Append(ctx, entry(bare("good", fmt.Sprint(i)), store.Once{Space: "s", ID: fmt.Sprint(i), Until: until}))
			results <- err
		}()
		go func() {
			_, err := b.store.Append(ctx, entry(bare("bad", fmt.Sprint(i)), used, store.Once{Space: "t", ID: fmt.Sprint(i), Until: until}))
			if !errors.Is(err, store.ErrUsed) {
				results <- fmt.Errorf("bad entry: %w", errors.Join(err, errors.New("want ErrUsed")))
				return
			}
			results <- nil
		}()
		go func() {
			r, err := b.store.Append(ctx, entry(bare("w", "first"), used))
			if err == nil && r.Number != 1 {
				err = fmt.Errorf("the repeated event is record %d", r.Number)
			}
			results <- err
		}()
	}
	for range 3 * each {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	checkIntact(t, b.store, 1+each)
	// What stood beside a used id was not used up.
	for i := range each {
		mustAppend(t, b.store, entry(bare("later", fmt.Sprint(i)), store.Once{Space: "t", ID: fmt.Sprint(i), Until: until}))
	}
}
