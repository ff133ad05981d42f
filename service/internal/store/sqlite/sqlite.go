// Package sqlite keeps a store in one SQLite file.
//
// What is durable when: a method that returned without error has had its
// transaction written to the write-ahead log and the log flushed to the disk
// (journal_mode=WAL, synchronous=FULL), so the result survives the loss of the
// process and of power, as far as the disk keeps its promise. Before that
// moment nothing is answered. Appends that wait at the same time share one
// transaction and one flush; either all of them are durable or none is.
//
// Several processes may have the file open, on one machine. Network file
// systems do not give the locks that this needs.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// ErrReadOnly is returned by the writing methods of a store that was opened
// for reading.
var ErrReadOnly = errors.New("the store was opened for reading only")

// Config says where the store is. All fields are required.
type Config struct {
	Path string           // of the file; who can write it can forge the book's end
	Now  func() time.Time // the clock of Record.Received and of Once.Until

	_ struct{}
}

func (c Config) check() error {
	var errs []error
	if c.Path == "" {
		errs = append(errs, errors.New("Path is required"))
	}
	if c.Now == nil {
		errs = append(errs, errors.New("Now is required"))
	}
	return errors.Join(errs...)
}

// Store is one open SQLite file.
type Store struct {
	config  Config
	readers *sql.DB
	writer  *writer // nil when opened for reading only
	closing sync.Once
	closed  error
}

var (
	_ store.Store    = (*Store)(nil)
	_ store.Exporter = (*Store)(nil)
	_ store.Importer = (*Store)(nil)
)

// Create makes a new file, readable and writable for its owner alone, and opens
// it. It fails when there is a file already.
func Create(ctx context.Context, c Config) (*Store, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("creating a store: %w", err)
	}
	if err := createFile(c.Path); err != nil {
		return nil, fmt.Errorf("creating a store: %w", err)
	}
	s, err := open(ctx, c, true)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("creating a store: %w", err), os.Remove(c.Path))
	}
	return s, nil
}

// Open opens a file that Create made, and brings an older schema up to date. It
// never creates one. It returns ErrNewer.
func Open(ctx context.Context, c Config) (*Store, error) {
	if err := errors.Join(c.check(), exists(c.Path)); err != nil {
		return nil, fmt.Errorf("opening a store: %w", err)
	}
	s, err := open(ctx, c, false)
	if err != nil {
		return nil, fmt.Errorf("opening the store %s: %w", c.Path, err)
	}
	return s, nil
}

// OpenReadOnly opens a file that Create made and cannot write to it: the
// writing methods return ErrReadOnly. It returns ErrNewer.
func OpenReadOnly(ctx context.Context, c Config) (*Store, error) {
	if err := errors.Join(c.check(), exists(c.Path)); err != nil {
		return nil, fmt.Errorf("opening a store: %w", err)
	}
	s := &Store{config: c}
	var err error
	if s.readers, err = openReaders(c.Path); err == nil {
		if err = checkSchema(ctx, s.readers); err == nil {
			return s, nil
		}
	}
	return nil, errors.Join(fmt.Errorf("opening the store %s: %w", c.Path, err), s.Close())
}

// open reads before it writes: a file of somebody else, or of a newer program,
// is left as it is.
func open(ctx context.Context, c Config, fresh bool) (*Store, error) {
	s := &Store{config: c}
	var err error
	if s.readers, err = openReaders(c.Path); err == nil && !fresh {
		err = checkSchema(ctx, s.readers)
	}
	if err == nil || errors.Is(err, errOlder) {
		if s.writer, err = openWriter(ctx, c, fresh); err == nil {
			return s, nil
		}
	}
	return nil, errors.Join(err, s.Close())
}

// Close waits for appends under way and closes the file.
func (s *Store) Close() error {
	s.closing.Do(func() {
		if s.readers != nil {
			s.closed = s.readers.Close()
		}
		if s.writer != nil {
			s.closed = errors.Join(s.writer.close(), s.closed)
		}
	})
	return s.closed
}

func exists(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf(`there is no store at %s: "narrowcast init" creates one`, path)
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a file", path)
	}
	return nil
}

// createFile makes an empty file and sees to it that its name survives the
// loss of power too.
func createFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close(), syncDir(filepath.Dir(path)))
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
