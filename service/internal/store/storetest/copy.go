package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// both is what a driver must be to take part in copying.
type both interface {
	store.Source
	store.Target
}

func (b *bench) both(t *testing.T) both {
	t.Helper()
	s, ok := b.store.(both)
	if !ok {
		t.Fatalf("%T neither exports nor imports", b.store)
	}
	return s
}

// copies takes a store through a copy in memory back into a fresh ground.
func copies(fresh func(t *testing.T) Ground) func(t *testing.T, b *bench) {
	return func(t *testing.T, b *bench) {
		ctx := context.Background()
		living := furnish(t, b)
		from := b.both(t)
		between := NewMemory(b.clock.Now)
		var told []uint64
		if err := store.Copy(ctx, from, between, func(done, total uint64) {
			if told = append(told, done); total != furnished {
				t.Errorf("told of %d records", total)
			}
		}); err != nil {
			t.Fatalf("copying out: %v", err)
		}
		if !slices.IsSorted(told) || told[0] != 0 || told[len(told)-1] != furnished {
			t.Errorf("told of %v", told)
		}
		other := &bench{ground: fresh(t), clock: b.clock}
		other.open(t)
		defer func() { _ = other.store.Close() }()
		if err := store.Copy(ctx, between, other.both(t), nil); err != nil {
			t.Fatalf("copying in: %v", err)
		}
		wantCopy(t, from, other.both(t))
		for _, o := range living {
			wantUsed(t, "used before the copy", other.store, entry(bare("w", "again"), o))
			wantRefused(t, "used before the copy", other.store, unless("again", o), store.ErrRevoked)
		}
		wantRefused(t, "ended before the copy", other.store, within("again", "ended"), store.ErrEnded)
		mustAppend(t, other.store, entry(bare("w", "free"), store.Once{Space: "s", ID: "short", Until: dayOne.Add(time.Hour)}))
		wantSame(t, "the same event again", mustAppend(t, other.store, entry(bare("w", "once 0"))), mustAppend(t, b.store, entry(bare("w", "once 0"))))
		checkIntact(t, other.store, furnished+1)

		if err := store.Copy(ctx, from, other.both(t), nil); !errors.Is(err, store.ErrNotEmpty) {
			t.Errorf("copying over a store: %v", err)
		}
	}
}

// furnished is how many records furnish writes.
const furnished = 1200 + 3 + 603

// furnish fills a store with everything there is and returns the ids that are
// used up still.
func furnish(t *testing.T, b *bench) (living []store.Once) {
	t.Helper()
	ctx := context.Background()
	var entries []store.Entry
	for i := range 1200 {
		entries = append(entries, entry(issued("issuer-1", fmt.Sprint(i))))
	}
	if _, err := b.store.AppendAll(ctx, entries); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		living = append(living, store.Once{Space: "s", ID: fmt.Sprint("long", i), Until: dayOne.Add(24 * time.Hour)})
		mustAppend(t, b.store, entry(bare("w", fmt.Sprint("once ", i)), living[i]))
	}
	mustAppend(t, b.store, entry(bare("w", "short"), store.Once{Space: "s", ID: "short", Until: dayOne.Add(time.Second)}))
	b.clock.Advance(time.Minute)
	// The second was applied by a clock that had been set back.
	for i, applied := range []time.Duration{time.Hour, 0, 2 * time.Hour} {
		n := uint64(i) + 1 //nolint:gosec // G115: an index
		files := map[string][]byte{"a": {0, 0xff}, "empty": {}, "number": fmt.Append(nil, i)}
		if err := b.store.Save(ctx, revision(n, dayOne.Add(applied), files)); err != nil {
			t.Fatal(err)
		}
	}
	dead := signingKey("dead", dayOne)
	dead.Private, dead.Retired, dead.Gone = nil, dayOne.Add(time.Hour), dayOne.Add(2*time.Hour)
	mustSaveKey(t, b.store, dead)
	mustSaveKey(t, b.store, signingKey("alive", dayOne.Add(1)))
	furnishTasks(t, b)
	return living
}

func wantCopy(t *testing.T, from, to both) {
	t.Helper()
	want, got := find(t, from, store.Query{}), find(t, to, store.Query{})
	if len(got) != len(want) {
		t.Fatalf("%d records were copied of %d", len(got), len(want))
	}
	for i := range want {
		wantSame(t, "copied record", got[i], want[i])
	}
	wantNumbers(t, "found by lineage", find(t, to, store.Query{Lineage: "lineage-700"}), 701)
	for n := uint64(1); n <= 3; n++ {
		want, err := from.Revision(context.Background(), n)
		if err != nil {
			t.Fatal(err)
		}
		got, err := to.Revision(context.Background(), n)
		wantRevision(t, fmt.Sprint("copied revision ", n), got, err, want)
	}
	if _, err := to.Revision(context.Background(), 4); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a revision that is not there: %v", err)
	}
	keys, err := from.Keys(context.Background())
	if err != nil || len(keys) != 2 {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	wantKeys(t, to, keys...)
	wantSameTasks(t, from, to)
	if a, b := usedIn(t, from), usedIn(t, to); !maps.Equal(a, b) || len(a) != 2 {
		t.Errorf("used ids: %v, want %v", b, a)
	}
}

func usedIn(t *testing.T, s store.Exporter) map[string]int64 {
	t.Helper()
	all := make(map[string]int64)
	for o, err := range s.Used(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		all[o.Space+"/"+o.ID] = o.Until.UnixNano()
	}
	return all
}

// importIsWholeOrNothing: a fill that fails leaves an empty store, which can
// still be filled and written to.
func importIsWholeOrNothing(t *testing.T, b *bench) {
	ctx := context.Background()
	s := b.both(t)
	model := NewMemory(b.clock.Now)
	first := mustAppend(t, model, entry(issued("w", "1")))
	second := mustAppend(t, model, entry(issued("w", "2")))
	boom := errors.New("boom")
	for name, records := range map[string][]store.Record{"whole": {first, second}, "gap": {second}} {
		err := s.Import(ctx, func(in store.Intake) error {
			err := errors.Join(
				in.Revision(ctx, revision(1, dayOne, map[string][]byte{"a": {1}})),
				in.Key(ctx, signingKey("k", dayOne)),
				in.Used(ctx, []store.Once{{Space: "s", ID: "x", Until: dayOne.Add(time.Hour)}}),
				in.Tasks(ctx, []store.Task{task("a")}))
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if err := in.Records(ctx, records); (err != nil) != (name == "gap") {
				t.Errorf("%s: %v", name, err)
			}
			return boom
		})
		if !errors.Is(err, boom) {
			t.Errorf("%s: Import: %v", name, err)
		}
	}
	wantNumbers(t, "after failed imports", find(t, b.store, store.Query{}))
	wantKeys(t, b.store)
	wantTasks(t, b.store, store.TaskQuery{}, "")
	if n, err := b.store.LatestNumber(ctx); n != 0 || err != nil {
		t.Errorf("LatestNumber: %d, %v", n, err)
	}
	if err := s.Import(ctx, func(in store.Intake) error { return in.Records(ctx, []store.Record{first, second}) }); err != nil {
		t.Fatalf("Import: %v", err)
	}
	checkIntact(t, b.store, 2)
	r := mustAppend(t, b.store, entry(bare("w", "3"), store.Once{Space: "s", ID: "x", Until: dayOne.Add(time.Hour)}))
	if r.Number != 3 {
		t.Errorf("the next record has number %d", r.Number)
	}
	checkIntact(t, b.store, 3)
}
