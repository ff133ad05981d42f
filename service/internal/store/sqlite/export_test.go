package sqlite

import (
	"context"
	"database/sql"
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
