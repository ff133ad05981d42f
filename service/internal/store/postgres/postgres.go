// Package postgres keeps a store in one schema of a PostgreSQL database, so
// that several processes on several machines can share it.
//
// What is durable when: a method that returned without error has had its
// transaction committed with synchronous_commit=on (or remote_apply, where the
// server is set to it), so the result survives the loss of the server's process
// and of power, as far as the disk keeps its promise. A server that does not
// flush (fsync=off) is refused. Appends that wait at the same time in one
// process share one transaction; either all of them are durable or none is.
//
// The end of the book is one row. Who appends locks it, so numbers have no gaps
// and the chain stays one line across processes.
//
// When the server is gone, what is to be written is tried again until the
// caller's context ends; trying again is safe, because an event and a revision
// are recognised when they are there already. Reading gives up after a few
// attempts. A server behind a pool that hands out another connection for each
// transaction (PgBouncer's transaction mode) does not give what this needs.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// ErrReadOnly is returned by the writing methods of a store that was opened
// for reading.
var ErrReadOnly = errors.New("the store was opened for reading only")

var (
	errAbsent  = errors.New(`there is no store in this schema: "narrowcast init" creates one`)
	errThere   = fmt.Errorf("there is something in this schema already: %w", store.ErrNotEmpty)
	errForeign = errors.New("what is in this schema is not a store of narrowcast")
	errOlder   = errors.New("the schema is older than this program; open the store once for writing")
)

// Store is one schema of a database.
type Store struct {
	config  Config
	link    *link
	pool    *pgxpool.Pool
	writer  *writer // nil when opened for reading only
	bell    *bell
	watcher *watcher

	shut    atomic.Bool
	closing sync.Once
}

var (
	_ store.Store    = (*Store)(nil)
	_ store.Exporter = (*Store)(nil)
	_ store.Importer = (*Store)(nil)
)

// Create makes the schema, or takes one that is empty, and opens it. It fails
// when there is something in it already.
func Create(ctx context.Context, c Config) (*Store, error) {
	s, err := open(ctx, c, forCreating)
	if err != nil {
		return nil, fmt.Errorf("creating a store: %w", err)
	}
	return s, nil
}

// Open opens a schema that Create made, and brings an older one up to date. It
// never creates one. It returns ErrNewer.
func Open(ctx context.Context, c Config) (*Store, error) {
	s, err := open(ctx, c, forWriting)
	if err != nil {
		return nil, fmt.Errorf("opening a store: %w", err)
	}
	return s, nil
}

// OpenReadOnly opens a schema that Create made and cannot write to it: the
// writing methods return ErrReadOnly. It returns ErrNewer.
func OpenReadOnly(ctx context.Context, c Config) (*Store, error) {
	s, err := open(ctx, c, forReading)
	if err != nil {
		return nil, fmt.Errorf("opening a store: %w", err)
	}
	return s, nil
}

// purpose is what a store is opened for.
type purpose int

const (
	forReading purpose = iota
	forWriting
	forCreating
)

func open(ctx context.Context, c Config, p purpose) (*Store, error) {
	link, err := newLink(c, p == forReading)
	if err != nil {
		return nil, err
	}
	if err := link.prepareSchema(ctx, p); err != nil {
		return nil, fmt.Errorf("schema %s at %s: %w", link.schema, link.where, clean(ctx, err))
	}
	s := &Store{config: c, link: link, bell: newBell()}
	if s.pool, err = link.pool(ctx); err != nil {
		return nil, clean(ctx, err)
	}
	s.watcher = newWatcher(link)
	if p != forReading {
		s.writer = newWriter(link, c.Now)
		s.bell.start(s.ring)
	}
	return s, nil
}

// Close waits for appends under way and closes the connections. While the
// server is gone it waits no longer than one attempt takes.
func (s *Store) Close() error {
	s.closing.Do(func() {
		if s.writer != nil {
			s.writer.close()
		}
		s.bell.close()
		s.shut.Store(true)
		s.watcher.close()
		s.pool.Close()
	})
	return nil
}

// failed turns an error of the server or of the way there into one that can be
// shown, and names the error of a closed store.
func (s *Store) failed(ctx context.Context, err error) error {
	if err != nil && s.shut.Load() && ctx.Err() == nil {
		return store.ErrClosed
	}
	return clean(ctx, err)
}
