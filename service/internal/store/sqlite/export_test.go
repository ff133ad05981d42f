package sqlite

import (
	"context"
	"database/sql"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// SetMost sets how many entries one transaction takes, before any append.
func (s *Store) SetMost(n int) { s.writer.most = n }

type action = func(ctx context.Context, conn *sql.Conn) error

func execute(statement string) action {
	return func(ctx context.Context, conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, statement)
		return err
	}
}

func fail(err error) action {
	return func(context.Context, *sql.Conn) error { return err }
}

func both(first, second action) action {
	return func(ctx context.Context, conn *sql.Conn) error {
		if err := first(ctx, conn); err != nil {
			return err
		}
		return second(ctx, conn)
	}
}

// Together appends entries in one transaction. Nobody else may append meanwhile.
func (s *Store) Together(entries []store.Entry) ([]error, error) {
	j := &job{entries: make([]entry, len(entries))}
	for i, e := range entries {
		var err error
		if j.entries[i], err = newEntry(e); err != nil {
			return nil, err
		}
	}
	if err := s.writer.append([]*job{j}); err != nil {
		return nil, err
	}
	errs := make([]error, len(entries))
	for i := range errs {
		errs[i] = j.entries[i].err
	}
	return errs, nil
}
