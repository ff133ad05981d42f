package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// taskRows are tasks turned on their side, like recordRows.
type taskRows struct {
	id, parent, client, task [][]byte
	opened                   []int64
	due, ended               []*int64
}

func (a *taskRows) add(t *store.Task) error {
	line, err := t.Encode()
	if err != nil {
		return err
	}
	due, ended := store.Instant(t.Due()), store.Instant(t.Ended)
	a.id, a.client = append(a.id, []byte(t.ID)), append(a.client, []byte(t.Client))
	a.parent = append(a.parent, unlessEmpty(string(t.Parent)).bytes())
	a.opened, a.task = append(a.opened, store.Instant(t.Opened)), append(a.task, line)
	if t.State == store.TaskEnded {
		a.due, a.ended = append(a.due, nil), append(a.ended, &ended)
	} else {
		a.due, a.ended = append(a.due, &due), append(a.ended, nil)
	}
	return nil
}

// args are what sqlSaveTasks wants, in its order.
func (a *taskRows) args() []any {
	return []any{a.id, a.parent, a.client, a.opened, a.due, a.ended, a.task}
}

func scanTask(row pgx.CollectableRow) (store.Task, error) {
	var line []byte
	if err := row.Scan(&line); err != nil {
		return store.Task{}, err
	}
	return store.DecodeTask(line)
}

// Task returns the newest state.
func (s *Store) Task(ctx context.Context, id narrowcast.TaskID) (store.Task, error) {
	tasks, err := s.findTasks(ctx, sqlTask, []byte(id))
	if err == nil && len(tasks) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Task{}, fmt.Errorf("reading task %q: %w", id, err)
	}
	return tasks[0], nil
}

// FindTasks returns what matches, the oldest first.
func (s *Store) FindTasks(ctx context.Context, q store.TaskQuery) ([]store.Task, error) {
	statement, args := taskSelection(q)
	tasks, err := s.findTasks(ctx, statement, args...)
	if err != nil {
		return nil, fmt.Errorf("reading the tasks: %w", err)
	}
	return tasks, nil
}

func (s *Store) findTasks(ctx context.Context, statement string, args ...any) (tasks []store.Task, err error) {
	err = s.read(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, statement, args...)
		if err != nil {
			return err
		}
		tasks, err = pgx.CollectRows(rows, scanTask)
		return err
	})
	return tasks, err
}

// Renew moves the lease of a task, in one transaction with whatever else waits.
// After a lost answer it may have moved twice, which is one Version more.
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

// DropTasks forgets tasks that ended before t. What is dropped never changes any
// more, so nobody who appends meanwhile decides otherwise for it. After a lost
// answer the count is that of the last attempt.
func (s *Store) DropTasks(ctx context.Context, before time.Time, limit int) (dropped int, err error) {
	err = s.change(ctx, func(ctx context.Context, conn *pgx.Conn, _ bool) error {
		tag, err := conn.Exec(ctx, sqlDropTasks, store.Instant(before), max(limit, 0))
		dropped = int(tag.RowsAffected())
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("dropping tasks: %w", err)
	}
	return dropped, nil
}
