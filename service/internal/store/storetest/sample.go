package storetest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

const (
	pay      = "https://pay.example.test"
	profiles = "https://profiles.example.test"
)

// dayOne has all nine digits of a second's fraction, so that a driver which
// keeps fewer is found out.
var dayOne = time.Date(2026, 3, 1, 9, 0, 0, 123456789, time.UTC)

// issued is an event in which every field that can be searched is set.
func issued(writer, id string) event.Event {
	return event.Event{
		Version: event.Version, ID: id, Type: event.Issued, Time: dayOne, Writer: writer,
		Decision: "decision-" + id, Expected: pay, Genuine: true,
		Token: &event.Token{
			Fingerprint: fingerprint(id), ID: "jti-" + id, Lineage: "lineage-" + id,
			Audience: []string{pay}, Subject: "checkout", Expires: dayOne.Add(5 * time.Minute),
		},
	}
}

// bare is an event with nothing but what must be.
func bare(writer, id string) event.Event {
	return event.Event{Version: event.Version, ID: id, Type: event.Admin, Time: dayOne, Writer: writer}
}

func fingerprint(s string) narrowcast.Fingerprint { return sha256.Sum256([]byte(s)) }

func entry(e event.Event, once ...store.Once) store.Entry { return store.Entry{Event: e, Once: once} }

func mustAppend(t *testing.T, b store.Book, e store.Entry) store.Record {
	t.Helper()
	r, err := b.Append(context.Background(), e)
	if err != nil {
		t.Fatalf("Append: %v", err)
	}
	return r
}

// fill appends n events of one writer and returns their records.
func fill(t *testing.T, b *bench, n int) []store.Record {
	t.Helper()
	records := make([]store.Record, n)
	for i := range records {
		records[i] = mustAppend(t, b.store, entry(issued("issuer-1", fmt.Sprint("e", i+1))))
	}
	return records
}

func find(t *testing.T, b store.Book, q store.Query) []store.Record {
	t.Helper()
	var records []store.Record
	for r, err := range b.Find(context.Background(), q) {
		if err != nil {
			t.Fatalf("Find(%+v): %v", q, err)
		}
		records = append(records, r)
	}
	return records
}

func numbers(records []store.Record) []uint64 {
	out := []uint64{}
	for _, r := range records {
		out = append(out, r.Number)
	}
	return out
}

func wantNumbers(t *testing.T, what string, got []store.Record, want ...uint64) {
	t.Helper()
	if fmt.Sprint(numbers(got)) != fmt.Sprint(want) {
		t.Errorf("%s: got records %v, want %v", what, numbers(got), want)
	}
}

// same compares two records with everything in them.
func same(a, b store.Record) bool {
	x, _ := event.Encode(a.Event)
	y, _ := event.Encode(b.Event)
	return a.Number == b.Number && a.Received.Equal(b.Received) && a.Hash == b.Hash &&
		string(a.Encoded) == string(b.Encoded) && string(x) == string(y) && string(x) == string(a.Encoded)
}

func wantSame(t *testing.T, what string, got, want store.Record) {
	t.Helper()
	if !same(got, want) {
		t.Errorf("%s:\n got %d %v %s\nwant %d %v %s", what,
			got.Number, got.Received, got.Encoded, want.Number, want.Received, want.Encoded)
	}
}
