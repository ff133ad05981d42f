package storetest

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// allowed says whether the conditions of an entry hold.
func (m *Memory) allowed(e store.Entry) error {
	for _, o := range e.Unless {
		if until, used := m.kept.once[[2]string{o.Space, o.ID}]; used && until.After(m.now()) {
			return store.ErrRevoked
		}
	}
	for _, id := range e.Running {
		if m.kept.tasks[id].State != store.TaskRunning {
			return store.ErrEnded
		}
	}
	if e.Task != nil {
		return e.Task.Follows(m.kept.tasks[e.Task.ID])
	}
	return nil
}

// keepTask keeps what a driver would read again.
func (m *Memory) keepTask(t *store.Task) error {
	if t == nil {
		return nil
	}
	line, err := t.Encode()
	if err != nil {
		return err
	}
	kept, err := store.DecodeTask(line)
	if err == nil {
		m.kept.tasks[t.ID] = kept
	}
	return err
}

// Task returns the newest state.
func (m *Memory) Task(ctx context.Context, id narrowcast.TaskID) (store.Task, error) {
	leave, err := m.enter(ctx)
	if err != nil {
		return store.Task{}, err
	}
	defer leave()
	t, there := m.kept.tasks[id]
	if !there {
		return store.Task{}, store.ErrNotFound
	}
	return copyOf(t), nil
}

func copyOf(t store.Task) store.Task {
	t.Resources = slices.Clone(t.Resources)
	return t
}

// FindTasks returns what matches.
func (m *Memory) FindTasks(ctx context.Context, q store.TaskQuery) ([]store.Task, error) {
	leave, err := m.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	var found []store.Task
	for _, t := range m.kept.tasks {
		if (q.Parent == "" || q.Parent == t.Parent) && (q.Client == "" || q.Client == t.Client) &&
			(!q.Live || t.State != store.TaskEnded) && (q.Due.IsZero() || m.due(t, q.Due)) {
			found = append(found, copyOf(t))
		}
	}
	slices.SortFunc(found, func(a, b store.Task) int {
		return cmp.Or(a.Opened.Compare(b.Opened), cmp.Compare(a.ID, b.ID))
	})
	if q.Limit > 0 && len(found) > q.Limit {
		found = found[:q.Limit]
	}
	return found, nil
}

func (m *Memory) due(t store.Task, at time.Time) bool {
	if t.State == store.TaskEnded {
		return false
	}
	parent, there := m.kept.tasks[t.Parent]
	orphan := t.Parent != "" && (!there || parent.State == store.TaskEnded)
	return orphan || !t.Lease.After(at) || !t.Deadline.After(at)
}

// Renew moves the lease of a task.
func (m *Memory) Renew(ctx context.Context, id narrowcast.TaskID, holder string, now, until time.Time) (store.Task, error) {
	leave, err := m.enter(ctx)
	if err != nil {
		return store.Task{}, err
	}
	defer leave()
	t, there := m.kept.tasks[id]
	if !there {
		return store.Task{}, store.ErrNotFound
	}
	next, err := t.Renewed(holder, now, until)
	if err != nil {
		return store.Task{}, err
	}
	return copyOf(next), m.keepTask(&next)
}

// DropTasks forgets tasks that ended before t.
func (m *Memory) DropTasks(ctx context.Context, before time.Time, limit int) (int, error) {
	leave, err := m.enter(ctx)
	if err != nil {
		return 0, err
	}
	defer leave()
	var old []store.Task
	for _, t := range m.kept.tasks {
		if t.State == store.TaskEnded && t.Ended.Before(before) {
			old = append(old, t)
		}
	}
	slices.SortFunc(old, func(a, b store.Task) int { return cmp.Or(a.Ended.Compare(b.Ended), cmp.Compare(a.ID, b.ID)) })
	old = old[:min(len(old), max(limit, 0))]
	for _, t := range old {
		delete(m.kept.tasks, t.ID)
	}
	return len(old), nil
}
