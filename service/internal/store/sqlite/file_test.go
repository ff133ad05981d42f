package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/store/sqlite"
)

var dayOne = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func config(path string) sqlite.Config {
	return sqlite.Config{Path: path, Now: func() time.Time { return dayOne }}
}

// create makes a store with n records.
func create(t *testing.T, path string, n int64) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Create(context.Background(), config(path))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for i := range n {
		if _, err := s.Append(context.Background(), issuedEntry(i+1)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func count(t *testing.T, s store.Store) int {
	t.Helper()
	n := 0
	for _, err := range s.Find(context.Background(), store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

func shut(t *testing.T, s store.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCreateNeverOverwrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "book.db")
	s := create(t, path, 3)
	shut(t, s)
	if _, err := sqlite.Create(context.Background(), config(path)); !errors.Is(err, os.ErrExist) {
		t.Errorf("Create over a store: %v", err)
	}
	again, err := sqlite.Open(context.Background(), config(path))
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if n := count(t, again); n != 3 {
		t.Errorf("%d records are left of 3", n)
	}
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "book.db")
	create(t, path, 3)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", path+suffix, info, err)
		}
	}
}

func TestOpenNeverCreates(t *testing.T) {
	for name, open := range map[string]func(context.Context, sqlite.Config) (*sqlite.Store, error){
		"Open": sqlite.Open, "OpenReadOnly": sqlite.OpenReadOnly,
	} {
		path := filepath.Join(t.TempDir(), "book.db")
		if _, err := open(context.Background(), config(path)); err == nil || !strings.Contains(err.Error(), `"narrowcast init"`) {
			t.Errorf("%s of nothing: %v", name, err)
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s created a file", name)
		}
		if _, err := open(context.Background(), sqlite.Config{}); err == nil ||
			!strings.Contains(err.Error(), "Path") || !strings.Contains(err.Error(), "Now") {
			t.Errorf("%s without configuration: %v", name, err)
		}
	}
}

func TestForeignFilesAreLeftAlone(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(dir, "foreign")
	if err := os.WriteFile(foreign, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	raw(t, foreign, "CREATE TABLE book (number INTEGER PRIMARY KEY)")
	for _, path := range []string{garbage, foreign} {
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := sqlite.Open(context.Background(), config(path)); err == nil {
			_ = s.Close()
			t.Errorf("%s was opened", path)
		}
		after, err := os.ReadFile(path)
		if err != nil || !slices.Equal(before, after) {
			t.Errorf("%s was changed", path)
		}
	}
}

func TestReadOnly(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "book.db")
	s := create(t, path, 3)
	check := func(when string, want int) {
		t.Helper()
		r, err := sqlite.OpenReadOnly(ctx, config(path))
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		defer shut(t, r)
		if n := count(t, r); n != want {
			t.Errorf("%s: %d records, want %d", when, n, want)
		}
		if records, broken, err := r.CheckChain(ctx); records != uint64(want) || broken != 0 || err != nil {
			t.Errorf("%s: CheckChain: %d, %d, %v", when, records, broken, err)
		}
		_, appendErr := r.Append(ctx, issuedEntry(9))
		_, appendAllErr := r.AppendAll(ctx, []store.Entry{issuedEntry(9)})
		_, renewErr := r.Renew(ctx, "a", "key", dayOne, dayOne)
		_, dropErr := r.DropTasks(ctx, dayOne, 1)
		for name, err := range map[string]error{
			"Renew": renewErr, "DropTasks": dropErr,
			"Append": appendErr, "AppendAll": appendAllErr,
			"Save":    r.Save(ctx, store.Revision{Number: 1, Applied: dayOne}),
			"SaveKey": r.SaveKey(ctx, store.Key{ID: "k", Algorithm: "ES256", Public: []byte{1}, Published: dayOne}),
		} {
			if !errors.Is(err, sqlite.ErrReadOnly) {
				t.Errorf("%s: %s: %v, want ErrReadOnly", when, name, err)
			}
		}
	}
	check("beside a writer", 3)
	if _, err := s.Append(ctx, issuedEntry(4)); err != nil {
		t.Fatal(err)
	}
	check("after another append", 4)
	shut(t, s)
	check("when the writer is gone", 4)
}

func TestBackup(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s := create(t, filepath.Join(dir, "book.db"), 50)
	copied := filepath.Join(dir, "it's a copy.db")
	if err := s.Backup(ctx, copied); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(ctx, copied); !errors.Is(err, os.ErrExist) {
		t.Errorf("backing up over a file: %v", err)
	}
	if info, err := os.Stat(copied); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy: %v, %v", info, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.partial")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := s.Append(ctx, issuedEntry(51)); err != nil {
		t.Fatal(err)
	}
	c, err := sqlite.Open(ctx, config(copied))
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, c)
	if records, broken, err := c.CheckChain(ctx); records != 50 || broken != 0 || err != nil {
		t.Errorf("the copy: %d records, %d broken, %v", records, broken, err)
	}
	if r, err := c.Append(ctx, issuedEntry(51)); err != nil || r.Number != 51 {
		t.Errorf("appending to the copy: %d, %v", r.Number, err)
	}
}

func TestSQLCannotRewriteHistory(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "book.db")
	s := create(t, path, 2)
	if err := s.Save(ctx, store.Revision{Number: 1, Applied: dayOne, Files: map[string][]byte{"a": {1}}}); err != nil {
		t.Fatal(err)
	}
	db := rawDB(t, path)
	defer db.Close()
	for _, table := range []string{"book", "revisions", "revision_files"} {
		column := map[string]string{"book": "number", "revisions": "number", "revision_files": "name"}[table]
		for _, statement := range []string{"UPDATE " + table + " SET " + column + " = 9", "DELETE FROM " + table} {
			if _, err := db.Exec(statement); err == nil {
				t.Errorf("%s: was done", statement)
			}
		}
	}
	if _, err := db.Exec("UPDATE once SET until = 1"); err != nil {
		t.Errorf("the control: %v", err)
	}
}

func TestUnreadableRecordIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "book.db")
	shut(t, create(t, path, 3))
	tamper(t, path, "UPDATE book SET event = '{' WHERE number = ?", 2)
	s, err := sqlite.Open(context.Background(), config(path))
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, s)
	var seen []string
	for r, err := range s.Find(context.Background(), store.Query{}) {
		seen = append(seen, fmt.Sprint(r.Number, err != nil))
	}
	if want := []string{"1 false", "2 true", "3 false"}; !slices.Equal(seen, want) {
		t.Errorf("saw %q, want %q", seen, want)
	}
	if _, broken, err := s.CheckChain(context.Background()); broken != 2 || err != nil {
		t.Errorf("CheckChain: %d, %v", broken, err)
	}
}
