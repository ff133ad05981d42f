package sqlite

import (
	"database/sql"
	"net/url"
	"path/filepath"
	"strconv"
	"time"
)

// How long one process waits for the transaction of another.
const busyTimeout = 10 * time.Second

// Connections for reading. A walk holds one only while it fetches a page.
const maxReaders = 4

// settings hold for every connection: SQL cannot damage the file, double quotes
// are not strings, a crafted schema runs no functions, and deleted content (the
// private half of a key) is overwritten.
func settings() url.Values {
	return url.Values{
		"_defensive": {"1"},
		"_dqs":       {"0"},
		"_txlock":    {"immediate"},
		"_pragma": {
			"busy_timeout(" + strconv.FormatInt(busyTimeout.Milliseconds(), 10) + ")",
			"foreign_keys(1)",
			"trusted_schema(0)",
			"cell_size_check(1)",
			"secure_delete(1)",
		},
	}
}

// openWriterDB opens the one connection that writes. fullfsync makes macOS
// flush the disk's own buffer; elsewhere it does nothing.
func openWriterDB(path string) (*sql.DB, error) {
	s := settings()
	s.Set("mode", "rw")
	s["_pragma"] = append(s["_pragma"], "journal_mode(WAL)", "synchronous(FULL)",
		"fullfsync(1)", "checkpoint_fullfsync(1)", "wal_autocheckpoint(4000)", "cache_size(-16384)", "journal_size_limit(67108864)")
	return openDB(path, s, 1)
}

func openReaders(path string) (*sql.DB, error) {
	s := settings()
	s.Set("mode", "ro")
	s["_pragma"] = append(s["_pragma"], "query_only(1)")
	return openDB(path, s, maxReaders)
}

// openCopier opens a connection that reads this file and may write another.
func openCopier(path string) (*sql.DB, error) {
	s := settings()
	s.Set("mode", "ro")
	return openDB(path, s, 1)
}

func openDB(path string, settings url.Values, connections int) (*sql.DB, error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	address := url.URL{Scheme: "file", Path: filepath.ToSlash(full), RawQuery: settings.Encode()}
	db, err := sql.Open("sqlite", address.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}
