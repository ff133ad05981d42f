package postgres

import (
	"context"
	"embed"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// prepareSchema sees to it that the schema is there and up to date, as far as
// the purpose allows. It reads before it writes: a schema of somebody else, or
// of a newer program, is left as it is.
func (l *link) prepareSchema(ctx context.Context, p purpose) error {
	steps, err := store.Migrations(migrationFiles)
	if err != nil {
		return err
	}
	conn, err := l.connect(ctx)
	if err != nil {
		return err
	}
	defer hangUp(conn)
	done, err := l.inspect(ctx, conn, p, steps)
	switch {
	case err != nil || p != forCreating && done == len(steps):
		return err
	case p == forReading:
		return errOlder
	}
	return l.migrate(ctx, conn, p, steps)
}

// inspect returns how many of the steps the schema has seen.
func (l *link) inspect(ctx context.Context, conn *pgx.Conn, p purpose, steps []store.Migration) (int, error) {
	var there, filled, ours bool
	if err := conn.QueryRow(ctx, sqlSchema, l.schema).Scan(&there, &filled, &ours); err != nil {
		return 0, err
	}
	switch {
	case p == forCreating && filled:
		return 0, errThere
	case p == forCreating:
		return 0, nil
	case !filled:
		return 0, errAbsent
	case !ours:
		return 0, errForeign
	}
	return applied(ctx, conn, steps)
}

func applied(ctx context.Context, conn *pgx.Conn, steps []store.Migration) (int, error) {
	rows, err := conn.Query(ctx, sqlMigrations)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	return store.Applied(rows, steps)
}

// migrate brings the schema up to date in one transaction under a lock, so that
// two processes cannot do it at once and a crash leaves the old one. What
// another process did before the lock was given is seen behind it.
func (l *link) migrate(ctx context.Context, conn *pgx.Conn, p purpose, steps []store.Migration) error {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	// A broken transaction ends with its connection, which the caller closes.
	if _, err := tx.Exec(ctx, sqlNoHurry); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, sqlLockSchema, l.schema); err != nil {
		return err
	}
	done, err := l.inspect(ctx, conn, p, steps)
	if err != nil {
		return err
	}
	if p == forCreating {
		if _, err := tx.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+pgx.Identifier{l.schema}.Sanitize()); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, sqlCreateMigrations); err != nil {
			return err
		}
	}
	for _, step := range steps[done:] {
		if err := apply(ctx, tx, step, store.Instant(l.now())); err != nil {
			return fmt.Errorf("migration %s: %w", step.Name, clean(ctx, err))
		}
	}
	return tx.Commit(ctx)
}

// apply sends the text of a step whole. It is a constant of this program and
// has no parameters, so the simple protocol, which alone takes several
// statements, puts nothing together here.
func apply(ctx context.Context, tx pgx.Tx, m store.Migration, now int64) error {
	if _, err := tx.Conn().PgConn().Exec(ctx, m.Text).ReadAll(); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, sqlMigrated, m.Number, m.Name, m.Checksum, now)
	return err
}
