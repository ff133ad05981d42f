package task

import (
	"context"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// MaxList bounds the answer of List.
const MaxList = 1000

// ListRequest says which tasks to list. Empty fields select everything.
type ListRequest struct {
	Parent narrowcast.TaskID
	Live   bool // only those that have not ended

	_ struct{}
}

// Get returns a task as it was kept last. One that is over and has not been
// swept is still shown as living.
func (d *Desk) Get(ctx context.Context, c Caller, id narrowcast.TaskID) (store.Task, error) {
	return d.known(ctx, c, id)
}

// List returns tasks of the caller's client, of an administrator those of all,
// the oldest first. more says that there are more than MaxList.
func (d *Desk) List(ctx context.Context, c Caller, r ListRequest) (tasks []store.Task, more bool, err error) {
	if err := d.ready(); err != nil {
		return nil, false, err
	}
	if c.Client == "" {
		return nil, false, unknown()
	}
	q := store.TaskQuery{Parent: r.Parent, Client: c.Client, Live: r.Live, Limit: MaxList + 1}
	if c.Admin {
		q.Client = ""
	}
	tasks, err = d.config.Tasks.FindTasks(ctx, q)
	if err != nil {
		return nil, false, err
	}
	return tasks[:min(len(tasks), MaxList)], len(tasks) > MaxList, nil
}
