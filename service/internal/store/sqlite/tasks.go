package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Task returns the newest state.
func (s *Store) Task(ctx context.Context, id narrowcast.TaskID) (store.Task, error) {
	var line []byte
	err := s.readers.QueryRowContext(ctx, "SELECT task FROM tasks WHERE id = ?", string(id)).Scan(&line)
	if errors.Is(err, sql.ErrNoRows) {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Task{}, fmt.Errorf("reading task %q: %w", id, s.unlessClosed(err))
	}
	return store.DecodeTask(line)
}

// FindTasks returns what matches, the oldest first.
func (s *Store) FindTasks(ctx context.Context, q store.TaskQuery) ([]store.Task, error) {
	statement, args := taskSelection(q)
	tasks, err := s.tasks(ctx, statement, args)
	if err != nil {
		return nil, fmt.Errorf("reading the tasks: %w", s.unlessClosed(err))
	}
	return tasks, nil
}

// taskSelection writes a query. Who is due is found by the time; who lost his
// parent, by looking at each parent of tasks that last.
func taskSelection(q store.TaskQuery) (string, []any) {
	terms, args := []string{"true"}, []any(nil)
	if q.Parent != "" {
		terms, args = append(terms, "parent = ?"), append(args, string(q.Parent))
	}
	if q.Client != "" {
		terms, args = append(terms, "client = ?"), append(args, string(q.Client))
	}
	if q.Live {
		terms = append(terms, "due IS NOT NULL")
	}
	if !q.Due.IsZero() {
		terms, args = append(terms, taskIsDue), append(args, store.Instant(q.Due))
	}
	limit := -1
	if q.Limit > 0 {
		limit = q.Limit
	}
	return "SELECT task FROM tasks WHERE " + strings.Join(terms, " AND ") + " ORDER BY opened, id LIMIT ?", append(args, limit)
}

const taskIsDue = `id IN (SELECT id FROM tasks WHERE due IS NOT NULL AND due <= ? UNION ALL
	SELECT id FROM tasks WHERE due IS NOT NULL AND parent IS NOT NULL AND parent IN (
		SELECT parent FROM (SELECT DISTINCT parent FROM tasks WHERE due IS NOT NULL AND parent IS NOT NULL) AS p
		WHERE NOT EXISTS (SELECT 1 FROM tasks AS t WHERE t.id = p.parent AND t.due IS NOT NULL)))`

func (s *Store) tasks(ctx context.Context, statement string, args []any) ([]store.Task, error) {
	rows, err := s.readers.QueryContext(ctx, statement, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var tasks []store.Task
	for rows.Next() {
		var line []byte
		if err := rows.Scan(&line); err != nil {
			return nil, err
		}
		t, err := store.DecodeTask(line)
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, t)
	}
	return tasks, rows.Err()
}

// Renew moves the lease of a task, in one transaction with whatever else waits.
func (s *Store) Renew(ctx context.Context, id narrowcast.TaskID, holder string, now, until time.Time) (store.Task, error) {
	if s.writer == nil {
		return store.Task{}, ErrReadOnly
	}
	j := &job{ctx: ctx, renewal: &renewal{id: id, holder: holder, now: now, until: until}, done: make(chan struct{})}
	err := s.writer.hand(j)
	if err == nil {
		err = j.renewal.err
	}
	if err != nil {
		return store.Task{}, fmt.Errorf("renewing the lease of %q: %w", id, err)
	}
	return j.renewal.task, nil
}

// DropTasks forgets tasks that ended before t.
func (s *Store) DropTasks(ctx context.Context, before time.Time, limit int) (dropped int, err error) {
	err = s.write(ctx, func(ctx context.Context, conn *sql.Conn) error {
		result, err := conn.ExecContext(ctx, `DELETE FROM tasks WHERE id IN
			(SELECT id FROM tasks WHERE ended < ? ORDER BY ended, id LIMIT ?)`, store.Instant(before), max(limit, 0))
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		dropped = int(n)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("dropping tasks: %w", err)
	}
	return dropped, nil
}
