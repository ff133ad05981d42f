package postgres

import (
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// admit uses up the ids of an entry and keeps its task, or does neither and says
// why. What earlier entries of the same transaction did counts.
func (p *pen) admit(e *entry) error {
	for _, o := range e.unless {
		if p.usedUp(o) {
			return store.ErrRevoked
		}
	}
	for _, id := range e.running {
		if p.tasks[id].State != store.TaskRunning {
			return fmt.Errorf("task %s: %w", id, store.ErrEnded)
		}
	}
	if e.task != nil {
		if err := e.task.Follows(p.tasks[e.task.ID]); err != nil {
			return err
		}
	}
	if !p.spend(e.once) {
		return store.ErrUsed
	}
	if e.task != nil {
		p.move(*e.task)
	}
	return nil
}

func (p *pen) usedUp(o store.Once) bool {
	until, used := p.used[onceName{o.Space, o.ID}]
	return used && until > store.Instant(p.received)
}

// spend uses up all ids of an entry or none.
func (p *pen) spend(once []store.Once) bool {
	for i, o := range once {
		if p.usedUp(o) || twice(once[:i], o) {
			return false
		}
	}
	for _, o := range once {
		n := onceName{o.Space, o.ID}
		p.used[n], p.spent[n] = store.Instant(o.Until), store.Instant(o.Until)
	}
	return true
}

func twice(before []store.Once, o store.Once) bool {
	for _, b := range before {
		if b.Space == o.Space && b.ID == o.ID {
			return true
		}
	}
	return false
}

// lookForTasks asks for the tasks that the entries and renewals speak of. Each
// attempt asks anew.
func (p *pen) lookForTasks(batch *pgx.Batch) {
	p.tasks, p.moved = make(map[narrowcast.TaskID]store.Task), make(map[narrowcast.TaskID]bool)
	var ids [][]byte
	want := func(id narrowcast.TaskID) {
		if _, known := p.tasks[id]; !known {
			p.tasks[id] = store.Task{}
			ids = append(ids, []byte(id))
		}
	}
	for _, e := range p.entries {
		for _, id := range e.running {
			want(id)
		}
		if e.task != nil {
			want(e.task.ID)
		}
	}
	for _, r := range p.renewals {
		want(r.id)
	}
	if len(ids) == 0 {
		return
	}
	batch.Queue(sqlTasksNow, ids).Query(func(rows pgx.Rows) error {
		tasks, err := pgx.CollectRows(rows, scanTask)
		for _, t := range tasks {
			p.tasks[t.ID] = t
		}
		return err
	})
}

// move gives a task its next state.
func (p *pen) move(t store.Task) { p.tasks[t.ID], p.moved[t.ID] = t, true }

func (p *pen) saveTasks(batch *pgx.Batch) error {
	if len(p.moved) == 0 {
		return nil
	}
	var rows taskRows
	for id := range p.moved {
		t := p.tasks[id]
		if err := rows.add(&t); err != nil {
			return err
		}
	}
	batch.Queue(sqlSaveTasks, rows.args()...)
	return nil
}

// renewal is a lease on its way, and what became of it.
type renewal struct {
	id         narrowcast.TaskID
	holder     string
	now, until time.Time

	task store.Task
	err  error // of this renewal alone
}

func (p *pen) renew(r *renewal) {
	old := p.tasks[r.id]
	if old.ID == "" {
		r.task, r.err = store.Task{}, store.ErrNotFound
		return
	}
	if r.task, r.err = old.Renewed(r.holder, r.now, r.until); r.err == nil {
		p.move(r.task)
	}
}
