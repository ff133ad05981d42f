//go:build !fast

package store_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/store/postgres"
	"github.com/narrowcast-io/narrowcast/service/internal/store/postgres/pgtest"
	"github.com/narrowcast-io/narrowcast/service/internal/store/sqlite"
	"github.com/narrowcast-io/narrowcast/service/internal/store/storetest"
)

var dayOne = time.Date(2026, 3, 1, 9, 0, 0, 123456789, time.UTC)

func clock() time.Time { return dayOne }

func inFile(t *testing.T) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Create(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "book.db"), Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func onServer(t *testing.T, server *pgtest.Server) *postgres.Store {
	t.Helper()
	s, err := postgres.Create(t.Context(), postgres.Config{
		URL: server.URL(), PasswordFile: server.PasswordFile, Schema: server.Schema(), Now: clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func entryOf(i int) store.Entry {
	id := fmt.Sprint("e", i)
	return store.Entry{Event: event.Event{
		ID: id, Writer: fmt.Sprint("w", i%7), Type: event.Types()[i%len(event.Types())], Time: dayOne.Add(time.Duration(i)),
		Decision: id, Expected: "https://pay.example.test", Detail: strings.Repeat("ü\x00<&>", i%20),
		Token: &event.Token{ID: "j" + id, Lineage: "j" + id, Fingerprint: narrowcast.Fingerprint{byte(i), byte(i >> 8), 1}},
	}}
}

const (
	many  = 4000
	tasks = 5
	all   = many + 3 + tasks + 1 // records
)

// fill writes a few thousand records, living and dead ids, revisions and keys.
func fill(t *testing.T, s store.Store) {
	t.Helper()
	ctx := t.Context()
	var entries []store.Entry
	for i := range many {
		entries = append(entries, entryOf(i))
	}
	if _, err := s.AppendAll(ctx, entries); err != nil {
		t.Fatal(err)
	}
	for i, until := range []time.Duration{time.Hour, time.Nanosecond, 0} {
		e := entryOf(many + i)
		e.Once = []store.Once{{Space: "assertion\x00", ID: fmt.Sprint("id", i), Until: dayOne.Add(until)}}
		if _, err := s.Append(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	fillTasks(t, s)
	for n := uint64(1); n <= 5; n++ {
		r := store.Revision{Number: n, Applied: dayOne.Add(-time.Duration(n)), Author: "ada", Digest: fmt.Sprint(n),
			Files: map[string][]byte{"a.yaml": {byte(n), 0, 0xff}, "empty": {}}}
		if err := s.Save(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		k := store.Key{ID: narrowcast.KeyID(fmt.Sprint("k", i)), Algorithm: narrowcast.ES256, Public: []byte{1, byte(i)}, Private: []byte{0, 1, 2},
			Published: dayOne, Active: dayOne.Add(time.Hour)}
		if i == 2 {
			k.Private, k.Retired, k.Gone = nil, dayOne.Add(1), dayOne.Add(2)
		}
		if err := s.SaveKey(ctx, k); err != nil {
			t.Fatal(err)
		}
	}
}

// fillTasks keeps tasks, renews one and ends one.
func fillTasks(t *testing.T, s store.Store) {
	t.Helper()
	for i := range tasks {
		one := store.Task{
			ID: narrowcast.TaskID(fmt.Sprint("t", i)), Client: "orch", Holder: "key", State: store.TaskRunning, Attempt: 1,
			Label: strings.Repeat("ü\x00<&>", i), Opened: dayOne.Add(time.Duration(i)), Deadline: dayOne.Add(time.Hour),
			LeaseFor: time.Second, Lease: dayOne.Add(time.Second), Version: 1,
		}
		e := entryOf(20_000 + i)
		e.Task = &one
		if _, err := s.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	last, err := s.Renew(t.Context(), "t1", "key", dayOne, dayOne.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	last.State, last.Ended, last.Version = store.TaskEnded, dayOne, last.Version+1
	e := entryOf(20_000 + tasks)
	e.Task = &last
	if _, err := s.Append(t.Context(), e); err != nil {
		t.Fatal(err)
	}
}

// whole writes everything that a store holds into one text.
func whole(t *testing.T, s store.Source) string {
	t.Helper()
	ctx := t.Context()
	var out strings.Builder
	for r, err := range s.Find(ctx, store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%d %d %x %s\n", r.Number, r.Received.UnixNano(), r.Hash, r.Encoded)
	}
	latest, err := s.LatestNumber(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for n := uint64(1); n <= latest; n++ {
		r, err := s.Revision(ctx, n)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%+v\n", r)
	}
	keys, err := s.Keys(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		fmt.Fprintf(&out, "%+v\n", k)
	}
	kept, err := s.FindTasks(ctx, store.TaskQuery{})
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range kept {
		fmt.Fprintf(&out, "%q\n", fmt.Sprintf("%+v", one))
	}
	used := map[string]time.Time{}
	for o, err := range s.Used(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		used[o.Space+" "+o.ID] = o.Until
	}
	fmt.Fprintln(&out, used)
	return out.String()
}

// Byte for byte from a file to a server, and back into another file.
func TestCopyBetweenDrivers(t *testing.T) {
	ctx := t.Context()
	server := pgtest.Start(t)
	first, second, third := inFile(t), onServer(t, server), inFile(t)
	fill(t, first)
	last := uint64(0)
	if err := store.Copy(ctx, first, second, func(done, total uint64) {
		if done < last || total != all {
			t.Errorf("told of %d of %d after %d", done, total, last)
		}
		last = done
	}); err != nil {
		t.Fatal(err)
	}
	if last != all {
		t.Errorf("told of %d records at last", last)
	}
	if err := store.Copy(ctx, second, third, nil); err != nil {
		t.Fatal(err)
	}
	want := whole(t, first)
	for name, s := range map[string]store.Source{"server": second, "file": third} {
		if got := whole(t, s); got != want {
			t.Errorf("the copy in the %s is another one: %d bytes, want %d", name, len(got), len(want))
		}
	}
	if strings.Count(want, "\n") != all+5+3+tasks+1 {
		t.Errorf("the source holds %d things", strings.Count(want, "\n"))
	}
	goesOn(t, second)
	goesOn(t, third)
	if err := store.Copy(ctx, first, second, nil); !errors.Is(err, store.ErrNotEmpty) {
		t.Errorf("copying over a store: %v", err)
	}
}

// goesOn: the copy refuses what the source would have refused, and appends.
func goesOn(t *testing.T, s store.Store) {
	t.Helper()
	used := entryOf(many + 10)
	used.Once = []store.Once{{Space: "assertion\x00", ID: "id1", Until: dayOne.Add(time.Hour)}}
	if _, err := s.Append(t.Context(), used); !errors.Is(err, store.ErrUsed) {
		t.Errorf("an assertion was replayed against the copy: %v", err)
	}
	used.Once[0].ID = "id2" // it was free again already
	if r, err := s.Append(t.Context(), used); err != nil || r.Number != all+1 {
		t.Errorf("the next record: %d, %v", r.Number, err)
	}
	if r, err := s.Append(t.Context(), entryOf(7)); err != nil || r.Number != 8 {
		t.Errorf("an event that was copied: %d, %v", r.Number, err)
	}
	if records, broken, err := s.CheckChain(t.Context()); records != all+1 || broken != 0 || err != nil {
		t.Errorf("CheckChain: %d, %d, %v", records, broken, err)
	}
}

// meddler does something to the source when the first page has been copied.
type meddler struct {
	*storetest.Memory
	meddle func()
}

func (m meddler) Revision(ctx context.Context, n uint64) (store.Revision, error) {
	m.meddle()
	return m.Memory.Revision(ctx, n)
}

// Somebody who writes to the source meanwhile is noticed, and the target stays
// empty.
func TestCopyOfAChangingSource(t *testing.T) {
	ctx := t.Context()
	for name, meddle := range map[string]func(s store.Store) error{
		"append":   func(s store.Store) error { _, err := s.Append(ctx, entryOf(9999)); return err },
		"revision": func(s store.Store) error { return s.Save(ctx, store.Revision{Number: 2, Applied: dayOne}) },
		"key": func(s store.Store) error {
			return s.SaveKey(ctx, store.Key{ID: "k", Algorithm: narrowcast.ES256, Public: []byte{1}, Published: dayOne})
		},
		"renewal": func(s store.Store) error {
			_, err := s.Renew(ctx, "t1", "key", dayOne, dayOne.Add(time.Minute))
			return err
		},
		"nothing": func(store.Store) error { return nil },
	} {
		from, to := storetest.NewMemory(clock), inFile(t)
		first := entryOf(1)
		first.Task = &store.Task{
			ID: "t1", Client: "orch", Holder: "key", State: store.TaskRunning, Opened: dayOne, Deadline: dayOne.Add(time.Hour),
			LeaseFor: time.Second, Lease: dayOne.Add(time.Second), Version: 1,
		}
		if _, err := from.Append(ctx, first); err != nil {
			t.Fatal(err)
		}
		if err := from.Save(ctx, store.Revision{Number: 1, Applied: dayOne}); err != nil {
			t.Fatal(err)
		}
		err := store.Copy(ctx, meddler{from, func() {
			if err := meddle(from); err != nil {
				t.Error(err)
			}
		}}, to, nil)
		records, _, checkErr := to.CheckChain(ctx)
		if checkErr != nil {
			t.Fatal(checkErr)
		}
		if name == "nothing" && (err != nil || records != 1) {
			t.Errorf("the control: %v, %d records", err, records)
		}
		if name != "nothing" && (err == nil || !strings.Contains(err.Error(), "written to meanwhile") || records != 0) {
			t.Errorf("%s: %v, %d records were kept", name, err, records)
		}
	}
}

// A broken chain is not carried on.
func TestCopyOfABrokenBook(t *testing.T) {
	ground := storetest.MemoryGround(t)
	s, err := ground.Open(clock)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		e := entryOf(i)
		e.Event.Detail = "checkout"
		if _, err := s.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	ground.Alter(t, 2)
	to := storetest.NewMemory(clock)
	if err := store.Copy(t.Context(), s.(*storetest.Memory), to, nil); err == nil || !strings.Contains(err.Error(), "broken at record 2") {
		t.Errorf("Copy: %v", err)
	}
}
