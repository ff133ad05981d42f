package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
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

// migration is one step of the schema. Its text is never changed once it was
// released; the checksum sees to that.
type migration struct {
	number         int
	name, text, id string
}

func migrations() ([]migration, error) {
	files, err := migrationFiles.ReadDir("migrations")
	if err != nil {
		return nil, err
	}
	steps := make([]migration, 0, len(files))
	for i, f := range files {
		text, err := migrationFiles.ReadFile("migrations/" + f.Name())
		if err != nil {
			return nil, err
		}
		var number int
		if _, err := fmt.Sscanf(f.Name(), "%04d_", &number); err != nil || number != i+1 {
			return nil, fmt.Errorf("migration %s: wants number %d", f.Name(), i+1)
		}
		sum := sha256.Sum256(text)
		steps = append(steps, migration{number, f.Name(), string(text), hex.EncodeToString(sum[:])})
	}
	return steps, nil
}

// queryer is what *sql.DB, *sql.Conn and *sql.Tx share.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// checkSchema fails unless the file is ours and exactly up to date.
func checkSchema(ctx context.Context, q queryer) error {
	steps, err := migrations()
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
func applied(ctx context.Context, q queryer, steps []migration) (int, error) {
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
	count := 0
	for rows.Next() {
		var number int
		var checksum string
		if err := rows.Scan(&number, &checksum); err != nil {
			return 0, err
		}
		switch count++; {
		case number > len(steps):
			return 0, fmt.Errorf("%w: it has step %d, the program knows %d", store.ErrNewer, number, len(steps))
		case number != count || checksum != steps[count-1].id:
			return 0, fmt.Errorf("step %d of the schema is not the one this program knows", number)
		}
	}
	return count, rows.Err()
}

// migrate brings the schema up to date in one transaction, so that two
// processes cannot do it at once and a crash leaves the old one.
func migrate(ctx context.Context, db *sql.DB, now time.Time, fresh bool) error {
	steps, err := migrations()
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
		if err := step.apply(ctx, tx, now); err != nil {
			return fmt.Errorf("migration %s: %w", step.name, err)
		}
	}
	return tx.Commit()
}

func (m migration) apply(ctx context.Context, tx *sql.Tx, now time.Time) error {
	if _, err := tx.ExecContext(ctx, m.text); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO migrations (number, name, checksum, applied) VALUES (?, ?, ?, ?)",
		m.number, m.name, m.id, instant(now))
	return err
}
