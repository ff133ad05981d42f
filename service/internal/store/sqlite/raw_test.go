package sqlite_test

import (
	"database/sql"
	"net/url"
	"testing"
)

// rawDB opens a file as any SQLite tool would.
func rawDB(t *testing.T, path string) *sql.DB {
	t.Helper()
	address := url.URL{Scheme: "file", Path: path, RawQuery: "mode=rw"}
	db, err := sql.Open("sqlite", address.String())
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	return db
}
