package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Revision returns the revision with this number.
func (s *Store) Revision(ctx context.Context, number uint64) (store.Revision, error) {
	return s.revision(ctx, fmt.Sprint("revision ", number), "WHERE number = ?", bound(number))
}

// Used yields the ids that are used up. They are as many as were used within
// the life of an assertion, so they are read in one go.
func (s *Store) Used(ctx context.Context) iter.Seq2[store.Once, error] {
	return func(yield func(store.Once, error) bool) {
		all, err := s.living(ctx)
		if err != nil {
			yield(store.Once{}, fmt.Errorf("reading used ids: %w", s.unlessClosed(err)))
			return
		}
		for _, o := range all {
			if !yield(o, nil) {
				return
			}
		}
	}
}

func (s *Store) living(ctx context.Context) ([]store.Once, error) {
	rows, err := s.readers.QueryContext(ctx, "SELECT space, id, until FROM once WHERE until > ?", store.Instant(s.config.Now()))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []store.Once
	for rows.Next() {
		var o store.Once
		var until int64
		if err := rows.Scan(&o.Space, &o.ID, &until); err != nil {
			return nil, err
		}
		o.Until = store.FromInstant(until)
		all = append(all, o)
	}
	return all, rows.Err()
}

// Import fills an empty store in one transaction, which lasts as long as fill.
// It returns after fill has ended, whatever happens to ctx.
func (s *Store) Import(ctx context.Context, fill func(store.Intake) error) error {
	if s.writer == nil {
		return ErrReadOnly
	}
	j := &job{ctx: ctx, done: make(chan struct{}), do: func(ctx context.Context, conn *sql.Conn) error {
		var full bool
		if err := conn.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM book) OR EXISTS (SELECT 1 FROM revisions)
			OR EXISTS (SELECT 1 FROM keys) OR EXISTS (SELECT 1 FROM once) OR EXISTS (SELECT 1 FROM tasks)`).Scan(&full); err != nil {
			return err
		}
		if full {
			return store.ErrNotEmpty
		}
		return fill(&intake{statements: &s.writer.statements, conn: conn})
	}}
	err := s.writer.enqueue(j)
	if err == nil {
		<-j.done
		err = j.err
	}
	if err != nil {
		return fmt.Errorf("taking over a store: %w", err)
	}
	return nil
}

// intake keeps what is handed over in the transaction of its connection.
type intake struct {
	statements *statements
	conn       *sql.Conn
	number     uint64
}

func (in *intake) Records(ctx context.Context, records []store.Record) error {
	for _, r := range records {
		if r.Number != in.number+1 {
			return fmt.Errorf("record %d does not follow record %d", r.Number, in.number)
		}
		kept, err := insertRecord(ctx, in.statements, r)
		if err == nil && !kept {
			err = errors.New("its event is there already")
		}
		if err != nil {
			return fmt.Errorf("taking over record %d: %w", r.Number, err)
		}
		in.number = r.Number
	}
	return nil
}

func (in *intake) Revision(ctx context.Context, r store.Revision) error {
	return saveRevision(ctx, in.conn, r)
}

func (in *intake) Key(ctx context.Context, k store.Key) error { return saveKey(ctx, in.conn, k) }

func (in *intake) Used(ctx context.Context, once []store.Once) error {
	for _, o := range once {
		if _, err := in.conn.ExecContext(ctx, "INSERT INTO once (space, id, until) VALUES (?, ?, ?)", o.Space, o.ID, store.Instant(o.Until)); err != nil {
			return fmt.Errorf("taking over a used id: %w", err)
		}
	}
	return nil
}

func (in *intake) Tasks(ctx context.Context, tasks []store.Task) error {
	for i := range tasks {
		if err := insertTask(ctx, in.statements, &tasks[i]); err != nil {
			return fmt.Errorf("taking over task %s: %w", tasks[i].ID, err)
		}
	}
	return nil
}
