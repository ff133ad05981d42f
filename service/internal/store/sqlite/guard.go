package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// guard looks whether the conditions of an entry hold. It reports true when the
// entry has its answer: the event is in the book already, or a condition does
// not hold. What earlier entries of the same transaction did counts.
func (p *pen) guard(e *entry) (done bool, err error) {
	if again, err := p.again(e); again || err != nil {
		return true, err
	}
	for _, o := range e.unless {
		if used, err := p.usedUp(o, store.Instant(p.received)); used || err != nil {
			e.err = store.ErrRevoked
			return true, err
		}
	}
	for _, id := range e.running {
		t, err := p.task(id)
		if err != nil {
			return true, err
		}
		if t.State != store.TaskRunning {
			e.err = fmt.Errorf("task %s: %w", id, store.ErrEnded)
			return true, nil
		}
	}
	if e.task == nil {
		return false, nil
	}
	old, err := p.task(e.task.ID)
	if err == nil {
		e.err = e.task.Follows(old)
	}
	return e.err != nil, err
}

// task is the kept state, or the zero Task for none.
func (p *pen) task(id narrowcast.TaskID) (store.Task, error) {
	var line []byte
	err := p.statements.task.QueryRowContext(p.ctx, string(id)).Scan(&line)
	if errors.Is(err, sql.ErrNoRows) {
		return store.Task{}, nil
	}
	if err != nil {
		return store.Task{}, fmt.Errorf("looking for task %s: %w", id, err)
	}
	return store.DecodeTask(line)
}

func (p *pen) saveTask(t *store.Task) error {
	if err := insertTask(p.ctx, p.statements, t); err != nil {
		return fmt.Errorf("keeping task %s: %w", t.ID, err)
	}
	return nil
}

func insertTask(ctx context.Context, s *statements, t *store.Task) error {
	line, err := t.Encode()
	if err != nil {
		return err
	}
	due := any(store.Instant(t.Due()))
	if t.State == store.TaskEnded {
		due = nil
	}
	_, err = s.saveTask.ExecContext(ctx, string(t.ID), text(string(t.Parent)), string(t.Client),
		store.Instant(t.Opened), due, store.InstantOrNull(t.Ended), string(line))
	return err
}

// renewal is a lease on its way, and what became of it.
type renewal struct {
	id         narrowcast.TaskID
	holder     string
	now, until time.Time

	task store.Task
	err  error // of this renewal alone
}

func (p *pen) renew(r *renewal) error {
	old, err := p.task(r.id)
	if err != nil {
		return err
	}
	if old.ID == "" {
		r.err = store.ErrNotFound
		return nil
	}
	if r.task, r.err = old.Renewed(r.holder, r.now, r.until); r.err != nil {
		return nil
	}
	return p.saveTask(&r.task)
}
