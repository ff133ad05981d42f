package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

func testConfig(t *testing.T) Config {
	t.Helper()
	return Config{Path: filepath.Join(t.TempDir(), "book.db"), Now: func() time.Time { return time.Unix(1_800_000_000, 0) }}
}

func testStore(t *testing.T) *Store {
	t.Helper()
	s, err := Create(context.Background(), testConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestWriterFlushes(t *testing.T) {
	s := testStore(t)
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "10000",
		"trusted_schema": "0", "secure_delete": "1", "fullfsync": "1",
	} {
		var got string
		if err := s.writer.conn.QueryRowContext(context.Background(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q, want %q (%v)", pragma, got, want, err)
		}
	}
	var got string
	if err := s.readers.QueryRow("PRAGMA query_only").Scan(&got); err != nil || got != "1" {
		t.Errorf("query_only is %q (%v)", got, err)
	}
}

// Every question finds its records by an index, and none sorts but the two that
// have few records to sort.
func TestQueriesUseIndexes(t *testing.T) {
	s := testStore(t)
	both := []event.Type{event.OffTarget, event.Rejected}
	for index, q := range map[string]store.Query{
		"book_jti":         {TokenID: "a", Audience: "b", Types: both, From: time.Unix(1, 0)},
		"book_fingerprint": {Fingerprint: narrowcast.Fingerprint{1}, TokenID: "a"},
		"book_lineage":     {Lineage: "a", Writer: "b"},
		"book_decision":    {Decision: "a", TokenID: "b"},
		"book_task":        {Task: "a", Writer: "b", Types: both},
		"book_writer":      {Writer: "a", Types: both},
		"book_audience":    {Audience: "a", To: time.Unix(1, 0)},
		"book_type":        {Types: both, From: time.Unix(1, 0)},
		"PRIMARY KEY":      {From: time.Unix(1, 0)},
	} {
		for _, newest := range []bool{false, true} {
			selection := selectionOf(q)
			statement, args := selection.page(window{1, 1000}, newest, 100)
			plan := planOf(t, s, statement, args)
			few := index == "book_lineage" || index == "book_decision"
			if !strings.Contains(plan, index) || strings.Contains(plan, "TEMP B-TREE") && !few || strings.Contains(plan, "SCAN book") {
				t.Errorf("%s: the plan is\n%s", index, plan)
			}
		}
	}
}

// Whoever follows rare types looks at what is behind his position and no more.
func TestFollowingRareTypesIsCheap(t *testing.T) {
	s := testStore(t)
	for _, kind := range event.Types() {
		selection := selectionOf(store.Query{Types: []event.Type{kind}})
		statement, args := selection.page(window{900, 1000}, false, 100)
		plan, rare := planOf(t, s, statement, args), kind != event.Issued && kind != event.Presented
		if got := strings.Contains(plan, "book_type (type=? AND rowid>? AND rowid<?)"); got != rare {
			t.Errorf("%s: the plan is\n%s", kind, plan)
		}
	}
}

// Sweeping looks at who is due, not at who was there.
func TestTaskQueriesUseIndexes(t *testing.T) {
	s := testStore(t)
	for index, q := range map[string]store.TaskQuery{
		"tasks_due": {Due: time.Unix(1, 0)}, "tasks_orphan": {Due: time.Unix(1, 0), Limit: 10},
		"tasks_parent": {Parent: "a"}, "tasks_client": {Client: "a"},
	} {
		statement, args := taskSelection(q)
		if plan := planOf(t, s, statement, args); !strings.Contains(plan, index) || strings.Contains(plan, "SCAN tasks\n") {
			t.Errorf("%s: the plan is\n%s", index, plan)
		}
	}
}

func planOf(t *testing.T, s *Store, statement string, args []any) string {
	t.Helper()
	rows, err := s.readers.Query("EXPLAIN QUERY PLAN "+statement, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		plan.WriteString(detail + "\n")
	}
	return plan.String()
}

func TestSchemaIsBroughtUpToDate(t *testing.T) {
	ctx := context.Background()
	c := testConfig(t)
	if err := createFile(c.Path); err != nil {
		t.Fatal(err)
	}
	db, err := openWriterDB(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`PRAGMA application_id = 1314019139; CREATE TABLE migrations (number INTEGER PRIMARY KEY,
		name TEXT NOT NULL, checksum TEXT NOT NULL, applied INTEGER NOT NULL) STRICT`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenReadOnly(ctx, c); !errors.Is(err, errOlder) {
		t.Errorf("reading an older schema: %v", err)
	}
	for range 2 {
		s, err := Open(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestChangedMigrationIsRefused(t *testing.T) {
	s := testStore(t)
	if err := s.write(context.Background(), execute("UPDATE migrations SET checksum = 'x' WHERE number = 1")); err != nil {
		t.Fatal(err)
	}
	if other, err := Open(context.Background(), s.config); err == nil || errors.Is(err, store.ErrNewer) {
		t.Errorf("a store with another first step: %v", err)
		_ = other.Close()
	}
}

// A failed transaction leaves nothing behind, and the next one works.
func TestFailedTransaction(t *testing.T) {
	s := testStore(t)
	ctx := context.Background()
	boom := errors.New("boom")
	half := execute("INSERT INTO once (space, id, until) VALUES ('s', 'x', 9223372036854775807)")
	if err := s.write(ctx, both(half, fail(boom))); !errors.Is(err, boom) {
		t.Fatalf("got %v", err)
	}
	e := store.Entry{
		Event: event.Event{ID: "a", Writer: "w", Type: event.Admin, Time: time.Unix(1, 0)},
		Once:  []store.Once{{Space: "s", ID: "x", Until: time.Unix(2_000_000_000, 0)}},
	}
	if _, err := s.Append(ctx, e); err != nil {
		t.Errorf("after a failed transaction: %v", err)
	}
}

// A full disk at creation must not leave a half-made store.
func TestFailedCreateLeavesNothing(t *testing.T) {
	c := testConfig(t)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Create(ended, c); err == nil {
		t.Fatal("created under an ended context")
	}
	if _, err := os.Stat(c.Path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("left behind: %v", err)
	}
	s, err := Create(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
}
