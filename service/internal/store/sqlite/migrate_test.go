package sqlite

import (
	"context"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// oldBook makes a file as the first schema had it, with these events.
func oldBook(t *testing.T, c Config, events []event.Event) {
	t.Helper()
	ctx := context.Background()
	if err := createFile(c.Path); err != nil {
		t.Fatal(err)
	}
	db, err := openWriterDB(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	steps, err := store.Migrations(migrationFiles)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(`CREATE TABLE migrations (number INTEGER PRIMARY KEY,
		name TEXT NOT NULL, checksum TEXT NOT NULL, applied INTEGER NOT NULL) STRICT`); err != nil {
		t.Fatal(err)
	}
	if err := apply(ctx, tx, steps[0], time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	var hash [32]byte
	for i, e := range events {
		kept, line, err := store.Entry{Event: e}.Encode()
		if err != nil {
			t.Fatal(err)
		}
		hash = store.Link(hash, uint64(i)+1, time.Unix(1, 0), line) //nolint:gosec // G115: an index
		cols := columnsOf(kept)
		if _, err := tx.Exec(`INSERT INTO book (number, received, hash, event, writer, id, type, time, jti, fingerprint, lineage, decision, audience)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, i+1, store.Instant(time.Unix(1, 0)), hash[:], string(line),
			cols.writer, cols.id, cols.kind, cols.time, text(cols.jti), cols.fingerprintOrNull(), cols.lineage, cols.decision, text(cols.audience)); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// What was in the book before tasks were is found by them, and fits.
func TestOldBookIsFoundByTask(t *testing.T) {
	ctx := context.Background()
	c := testConfig(t)
	var events []event.Event
	for _, task := range []string{"", "a", "b \"<&>\\", "a", `"task":"z"`} {
		e := event.Event{
			ID: string(rune('k' + len(events))), Writer: "w", Type: event.Rejected, Time: time.Unix(1, 0),
			Detail: "\x00 \"task\":\"d\"", Token: &event.Token{ID: "j", Task: task},
		}
		events = append(events, e)
	}
	oldBook(t, c, events)
	s, err := Open(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if records, broken, err := s.CheckChain(ctx); records != 5 || broken != 0 || err != nil {
		t.Errorf("CheckChain: %d, %d, %v", records, broken, err)
	}
	for task, want := range map[string]int{"a": 2, "b \"<&>\\": 1, `"task":"z"`: 1, "d": 0} {
		count := 0
		for range s.Find(ctx, store.Query{Task: task}) {
			count++
		}
		if count != want {
			t.Errorf("task %q: %d records, want %d", task, count, want)
		}
	}
	if err := s.write(ctx, execute("UPDATE book SET task = 'x'")); err == nil {
		t.Error("the book can be changed")
	}
}
