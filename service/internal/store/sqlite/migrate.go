package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// applicationID stands in the head of every file of ours.
const applicationID = 0x4e525743

var (
	errForeign = errors.New("this is not a store of narrowcast")
	errOlder   = errors.New("the schema is older than this program; open the store once for writing")
)

// queryer is what *sql.DB, *sql.Conn and *sql.Tx share.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// checkSchema fails unless the file is ours and exactly up to date.
func checkSchema(ctx context.Context, q queryer) error {
	steps, err := store.Migrations(migrationFiles)
	if err != nil {
		return err
	}
	applied, err := applied(ctx, q, steps)
	if err == nil && applied < len(steps) {
		err = errOlder
	}
	return err
}

// applied returns how many of the steps the file has seen.
func applied(ctx context.Context, q queryer, steps []store.Migration) (int, error) {
	var id int64
	if err := q.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return 0, err
	}
	if id != applicationID {
		return 0, errForeign
	}
	rows, err := q.QueryContext(ctx, "SELECT number, checksum FROM migrations ORDER BY number")
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	return store.Applied(rows, steps)
}

// migrate brings the schema up to date in one transaction, so that two
// processes cannot do it at once and a crash leaves the old one.
func migrate(ctx context.Context, db *sql.DB, now time.Time, fresh bool) error {
	steps, err := store.Migrations(migrationFiles)
	if err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	done := 0
	if fresh {
		_, err = tx.ExecContext(ctx, `CREATE TABLE migrations (number INTEGER PRIMARY KEY,
			name TEXT NOT NULL, checksum TEXT NOT NULL, applied INTEGER NOT NULL) STRICT`)
	} else {
		done, err = applied(ctx, tx, steps)
	}
	if err != nil {
		return err
	}
	for _, step := range steps[done:] {
		if err := apply(ctx, tx, step, now); err != nil {
			return fmt.Errorf("migration %s: %w", step.Name, err)
		}
	}
	return tx.Commit()
}

func apply(ctx context.Context, tx *sql.Tx, m store.Migration, now time.Time) error {
	if _, err := tx.ExecContext(ctx, m.Text); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO migrations (number, name, checksum, applied) VALUES (?, ?, ?, ?)",
		m.Number, m.Name, m.Checksum, store.Instant(now))
	return err
}
