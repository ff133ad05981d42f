package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// readAttempts is how often a question is asked: often enough for connections
// that died with the last server, not for one that is gone.
const readAttempts = 4

// read asks on one connection of the pool; ask starts anew each time.
func (s *Store) read(ctx context.Context, ask func(ctx context.Context, conn *pgx.Conn) error) error {
	var wait backoff
	for attempt := 1; ; attempt++ {
		err := s.once(ctx, ask)
		if err == nil || !transient(err) || attempt == readAttempts || ctx.Err() != nil || s.shut.Load() {
			return s.failed(ctx, err)
		}
		wait.pause(ctx, nil)
	}
}

// save is change for what other processes are told of.
func (s *Store) save(ctx context.Context, do func(ctx context.Context, conn *pgx.Conn, again bool) error) error {
	err := s.change(ctx, do)
	if err == nil {
		s.bell.strike()
	}
	return err
}

// change writes on one connection of the pool, until the caller's context ends.
// do begins and commits; when it is told that it runs again, an earlier run may
// have committed.
func (s *Store) change(ctx context.Context, do func(ctx context.Context, conn *pgx.Conn, again bool) error) error {
	if s.writer == nil {
		return ErrReadOnly
	}
	if s.shut.Load() {
		return store.ErrClosed
	}
	var wait backoff
	for again := false; ; again = true {
		err := s.once(ctx, func(ctx context.Context, conn *pgx.Conn) error { return do(ctx, conn, again) })
		if err == nil || !transient(err) || ctx.Err() != nil || !wait.pause(ctx, s.writer.stop) {
			return s.failed(ctx, err)
		}
	}
}

// once runs do on one connection. A connection on which it failed is not used
// again: nobody looks whether a transaction is still open on it.
func (s *Store) once(ctx context.Context, do func(ctx context.Context, conn *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	c, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	if err = do(ctx, c.Conn()); err != nil {
		if err = ifBroken(c.Conn(), err); c.Conn().IsClosed() {
			s.pool.Reset()
		}
		hangUp(c.Conn())
	}
	return err
}
