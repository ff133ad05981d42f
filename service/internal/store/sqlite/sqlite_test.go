package sqlite_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/store/sqlite"
	"github.com/narrowcast-io/narrowcast/service/internal/store/storetest"
)

func TestStore(t *testing.T) { storetest.Run(t, ground) }

// ground is a file in a directory whose name needs escaping in a URI.
func ground(t *testing.T) storetest.Ground {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "100% ours? #1")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "book.db")
	return storetest.Ground{
		Shared: true,
		Open: func(now func() time.Time) (store.Store, error) {
			c := sqlite.Config{Path: path, Now: now}
			if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
				return sqlite.Create(context.Background(), c)
			}
			return sqlite.Open(context.Background(), c)
		},
		Alter: func(t *testing.T, number uint64) {
			tamper(t, path, `UPDATE book SET event = replace(event, 'checkout', 'Checkout') WHERE number = ?`, number)
		},
		Rename: func(t *testing.T, number uint64) {
			tamper(t, path, `UPDATE book SET jti = 'hidden' WHERE number = ?`, number)
		},
		Remove: func(t *testing.T, number uint64) {
			tamper(t, path, `DELETE FROM book WHERE number = ?`, number)
		},
		Together: func(t *testing.T, s store.Store, entries []store.Entry) []error {
			t.Helper()
			errs, err := s.(*sqlite.Store).Together(entries)
			if err != nil {
				t.Fatal(err)
			}
			return errs
		},
		MakeNewer: func(t *testing.T) {
			raw(t, path, `INSERT INTO migrations (number, name, checksum, applied) VALUES (1000, 'x', 'x', 0)`)
		},
	}
}

// tamper does what somebody does who can write to the file.
func tamper(t *testing.T, path, statement string, number uint64) {
	t.Helper()
	raw(t, path, "DROP TRIGGER IF EXISTS book_never_changes")
	raw(t, path, "DROP TRIGGER IF EXISTS book_never_shrinks")
	if n := raw(t, path, statement, number); n != 1 {
		t.Fatalf("%s: changed %d rows", statement, n)
	}
}

func raw(t *testing.T, path, statement string, args ...any) int64 {
	t.Helper()
	db := rawDB(t, path)
	defer db.Close()
	result, err := db.Exec(statement, args...)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		t.Fatal(err)
	}
	return n
}
