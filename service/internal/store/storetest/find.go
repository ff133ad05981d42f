package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// shelf is a small book in which no two fields select the same records.
func shelf(t *testing.T, b *bench) {
	t.Helper()
	seen := bare("guard-1", "seen")
	seen.Type, seen.Verifier = event.VerifierSeen, &event.Verifier{Audience: profiles, Mode: event.Enforce}
	off := issued("guard-1", "off")
	off.Type, off.Expected, off.Token = event.OffTarget, profiles, issued("", "a").Token
	child := issued("issuer-1", "child")
	child.Token.Lineage = "lineage-a"
	for _, e := range []event.Event{issued("issuer-1", "a"), issued("issuer-2", "b"), off, seen, child, bare("issuer-1", "bare")} {
		mustAppend(t, b.store, entry(e))
	}
}

func findByEachField(t *testing.T, b *bench) {
	shelf(t, b)
	for _, c := range []struct {
		name  string
		query store.Query
		want  []uint64
	}{
		{"everything", store.Query{}, []uint64{1, 2, 3, 4, 5, 6}},
		{"token id", store.Query{TokenID: "jti-a"}, []uint64{1, 3}},
		{"fingerprint", store.Query{Fingerprint: fingerprint("b")}, []uint64{2}},
		{"lineage", store.Query{Lineage: "lineage-a"}, []uint64{1, 3, 5}},
		{"decision", store.Query{Decision: "decision-off"}, []uint64{3}},
		{"writer", store.Query{Writer: "issuer-1"}, []uint64{1, 5, 6}},
		{"audience", store.Query{Audience: profiles}, []uint64{3, 4}},
		{"audience of issuing", store.Query{Audience: pay}, []uint64{1, 2, 5}},
		{"one type", store.Query{Types: []event.Type{event.OffTarget}}, []uint64{3}},
		{"three types", store.Query{Types: []event.Type{event.Admin, event.OffTarget, event.VerifierSeen}}, []uint64{3, 4, 6}},
		{"a type twice", store.Query{Types: []event.Type{event.OffTarget, event.OffTarget}}, []uint64{3}},
		{"token id and type", store.Query{TokenID: "jti-a", Types: []event.Type{event.OffTarget, event.Admin}}, []uint64{3}},
		{"lineage and writer", store.Query{Lineage: "lineage-a", Writer: "issuer-1"}, []uint64{1, 5}},
		{"all fields", store.Query{
			TokenID: "jti-a", Fingerprint: fingerprint("a"), Lineage: "lineage-a", Decision: "decision-off",
			Writer: "guard-1", Audience: profiles, Types: []event.Type{event.OffTarget},
			From: dayOne, To: dayOne.Add(1), After: 2, Limit: 1,
		}, []uint64{3}},
		{"fields that do not meet", store.Query{TokenID: "jti-a", Fingerprint: fingerprint("b")}, nil},
		{"unknown token", store.Query{TokenID: "jti-z"}, nil},
		{"unknown fingerprint", store.Query{Fingerprint: narrowcast.Fingerprint{1}}, nil},
		{"case matters", store.Query{TokenID: "JTI-A"}, nil},
		{"no patterns", store.Query{TokenID: "jti-%"}, nil},
		{"no quoting", store.Query{Writer: "' OR '1'='1"}, nil},
	} {
		wantNumbers(t, c.name, find(t, b.store, c.query), c.want...)
	}
}

// findByOddNames: no text stands for something else, whatever marks a driver
// uses inside.
func findByOddNames(t *testing.T, b *bench) {
	odd := []string{"=", "NULL", "null", "''", "\x00", "0", " ", "%"}
	for _, name := range odd {
		e := issued("w", "id "+name)
		e.Token.ID, e.Token.Lineage, e.Decision = "jti "+name, name, name
		mustAppend(t, b.store, entry(e))
	}
	own := issued("w", "own")
	own.Decision, own.Token.Lineage = own.ID, own.Token.ID
	mustAppend(t, b.store, entry(own))
	for i, name := range odd {
		n := uint64(i) + 1 //nolint:gosec // G115: an index
		wantNumbers(t, "lineage "+name, find(t, b.store, store.Query{Lineage: name}), n)
		wantNumbers(t, "decision "+name, find(t, b.store, store.Query{Decision: name}), n)
		wantNumbers(t, "lineage of the jti "+name, find(t, b.store, store.Query{Lineage: "jti " + name}))
		wantNumbers(t, "decision of the id "+name, find(t, b.store, store.Query{Decision: "id " + name}))
	}
	wantNumbers(t, "lineage is the jti", find(t, b.store, store.Query{Lineage: own.Token.ID}), uint64(len(odd))+1)
	wantNumbers(t, "decision is the id", find(t, b.store, store.Query{Decision: own.ID}), uint64(len(odd))+1)
	checkIntact(t, b.store, len(odd)+1)
}

func findOrderAndLimits(t *testing.T, b *bench) {
	shelf(t, b)
	two := []event.Type{event.Admin, event.OffTarget}
	for _, c := range []struct {
		name  string
		query store.Query
		want  []uint64
	}{
		{"newest", store.Query{Newest: true}, []uint64{6, 5, 4, 3, 2, 1}},
		{"newest of a lineage", store.Query{Newest: true, Lineage: "lineage-a"}, []uint64{5, 3, 1}},
		{"newest of two types", store.Query{Newest: true, Types: two}, []uint64{6, 3}},
		{"limit", store.Query{Limit: 2}, []uint64{1, 2}},
		{"limit beyond the end", store.Query{Limit: 20}, []uint64{1, 2, 3, 4, 5, 6}},
		{"newest one", store.Query{Newest: true, Limit: 1}, []uint64{6}},
		{"limit of two types", store.Query{Limit: 1, Types: two}, []uint64{3}},
		{"after", store.Query{After: 4}, []uint64{5, 6}},
		{"newest after", store.Query{After: 4, Newest: true}, []uint64{6, 5}},
		{"after the end", store.Query{After: 6}, nil},
		{"far behind the end", store.Query{After: 1<<64 - 1}, nil},
		{"after and limit", store.Query{After: 1, Limit: 2, Writer: "issuer-1"}, []uint64{5, 6}},
	} {
		wantNumbers(t, c.name, find(t, b.store, c.query), c.want...)
	}
}

func findByTime(t *testing.T, b *bench) {
	late := []time.Duration{0, 2 * time.Hour, time.Hour, 3*time.Hour + 1, 3 * time.Hour}
	for i, d := range late {
		e := issued("w", fmt.Sprint(i))
		e.Time = dayOne.Add(d)
		mustAppend(t, b.store, entry(e))
	}
	ancient := issued("w", "ancient")
	ancient.Time = time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC)
	future := issued("w", "future")
	future.Time = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	mustAppend(t, b.store, entry(ancient))
	mustAppend(t, b.store, entry(future))
	at := func(d time.Duration) time.Time { return dayOne.Add(d) }
	for _, c := range []struct {
		name  string
		query store.Query
		want  []uint64
	}{
		{"from is included", store.Query{From: at(3 * time.Hour)}, []uint64{4, 5, 7}},
		{"to is excluded", store.Query{To: at(time.Hour)}, []uint64{1, 6}},
		{"a nanosecond matters", store.Query{From: at(3 * time.Hour), To: at(3*time.Hour + 1)}, []uint64{5}},
		{"between", store.Query{From: at(1), To: at(3 * time.Hour)}, []uint64{2, 3}},
		{"between, newest", store.Query{From: at(1), To: at(3 * time.Hour), Newest: true}, []uint64{3, 2}},
		{"with a type", store.Query{From: at(1), To: at(3 * time.Hour), Types: []event.Type{event.Issued}, Limit: 1}, []uint64{2}},
		{"with a writer", store.Query{From: at(1), Writer: "w", After: 3}, []uint64{4, 5, 7}},
		{"nothing between", store.Query{From: at(4 * time.Hour), To: at(5 * time.Hour)}, nil},
		{"the wrong way round", store.Query{From: at(2 * time.Hour), To: at(time.Hour)}, nil},
	} {
		wantNumbers(t, c.name, find(t, b.store, c.query), c.want...)
	}
}

func findCrossesPages(t *testing.T, b *bench) {
	const all = 1300
	var entries []store.Entry
	for i := range all {
		e := issued("w", fmt.Sprint(i))
		if i%2 == 1 {
			e.Type = event.Presented
		}
		e.Token.ID = "shared"
		entries = append(entries, entry(e))
	}
	if _, err := b.store.AppendAll(context.Background(), entries); err != nil {
		t.Fatal(err)
	}
	both := []event.Type{event.Issued, event.Presented}
	for _, c := range []struct {
		query store.Query
		want  int
	}{
		{store.Query{}, all},
		{store.Query{Newest: true}, all},
		{store.Query{TokenID: "shared"}, all},
		{store.Query{Types: both}, all},
		{store.Query{Types: both, Newest: true}, all},
		{store.Query{Types: both[:1]}, all / 2},
		{store.Query{TokenID: "shared", Types: both[1:], Newest: true}, all / 2},
		{store.Query{Limit: 512}, 512},
		{store.Query{Limit: 513, Newest: true}, 513},
		{store.Query{From: dayOne, After: 100}, all - 100},
	} {
		records := find(t, b.store, c.query)
		for i := 1; i < len(records); i++ {
			if c.query.Newest != (records[i].Number < records[i-1].Number) || records[i].Number == records[i-1].Number {
				t.Fatalf("%+v: %d follows %d", c.query, records[i].Number, records[i-1].Number)
			}
		}
		if len(records) != c.want {
			t.Errorf("%+v: %d records, want %d", c.query, len(records), c.want)
		}
	}
}

func findStopsWhenAsked(t *testing.T, b *bench) {
	fill(t, b, 20)
	for range 50 { // a walk that keeps something open would run out of it
		count := 0
		for range b.store.Find(context.Background(), store.Query{}) {
			if count++; count == 3 {
				break
			}
		}
		if count != 3 {
			t.Fatalf("saw %d records, want 3", count)
		}
	}
	wantNumbers(t, "afterwards", find(t, b.store, store.Query{Limit: 1}), 1)
}

func walkMayAppendAndFind(t *testing.T, b *bench) {
	fill(t, b, 5)
	seen := 0
	var walk func(depth int)
	walk = func(depth int) {
		for r, err := range b.store.Find(context.Background(), store.Query{}) {
			if err != nil {
				t.Fatal(err)
			}
			seen++
			mustAppend(t, b.store, entry(bare("walker", fmt.Sprint("from-", r.Number, "-", depth))))
			if r.Number == 1 && depth < 12 {
				walk(depth + 1)
			}
		}
	}
	walk(0)
	// Each walk ends where the book ended when it began: 5, 6, … 17 records.
	if want := 13 * (5 + 17) / 2; seen != want {
		t.Errorf("saw %d records, want %d", seen, want)
	}
}

func endedContext(t *testing.T, b *bench) {
	fill(t, b, 10)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := b.store.Append(ended, entry(bare("w", "late"))); !errors.Is(err, context.Canceled) {
		t.Errorf("Append: %v", err)
	}
	if _, err := b.store.AppendAll(ended, []store.Entry{entry(bare("w", "late"))}); !errors.Is(err, context.Canceled) {
		t.Errorf("AppendAll: %v", err)
	}
	if _, _, err := b.store.CheckChain(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("CheckChain: %v", err)
	}
	wantWalk := func(ctx context.Context, cancel func(), records int) {
		t.Helper()
		seen, failed := 0, 0
		for _, err := range b.store.Find(ctx, store.Query{}) {
			if err == nil {
				seen++
				cancel()
			} else if failed++; !errors.Is(err, context.Canceled) {
				t.Errorf("Find: %v", err)
			}
		}
		if seen != records || failed != 1 {
			t.Errorf("Find: %d records and %d errors, want %d and 1", seen, failed, records)
		}
	}
	wantWalk(ended, cancel, 0)
	middle, stop := context.WithCancel(context.Background())
	wantWalk(middle, stop, 1)
	wantNumbers(t, "nothing late", find(t, b.store, store.Query{Writer: "w"}))
	mustAppend(t, b.store, entry(bare("w", "late")))
}
