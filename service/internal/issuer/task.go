package issuer

import (
	"context"
	"errors"
	"slices"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Tasks knows the tasks that tokens live and die with. A store.Tasks is one.
type Tasks interface {
	// Task returns the newest state. It returns store.ErrNotFound.
	Task(ctx context.Context, id narrowcast.TaskID) (store.Task, error)
}

// join finds the task of the new token: the one that the request names, or that
// of the token that is exchanged, which nobody leaves.
func (d *Desk) join(ctx context.Context, v *visit) *Refusal {
	var inherited narrowcast.TaskID
	if v.parent != nil {
		inherited = v.parent.token.Task()
	}
	asked := v.request.Task
	id := inherited
	switch {
	case asked == "" && inherited == "":
		return nil
	case inherited == "":
		parsed, err := narrowcast.ParseTaskID(asked)
		if err != nil || holdsToken(asked) || v.request.Credentials.hold(asked) {
			return &Refusal{Ground: TaskRefused, Detail: "the task cannot be read"}
		}
		id = parsed
	case asked != "" && asked != string(inherited):
		return &Refusal{Ground: TaskRefused, Detail: "the request names another task than the subject token belongs to"}
	}
	task, refusal := d.task(ctx, id)
	if refusal != nil {
		return refusal
	}
	v.task = &task
	return v.mayJoin(inherited != "")
}

// task returns a task that is at work.
func (d *Desk) task(ctx context.Context, id narrowcast.TaskID) (store.Task, *Refusal) {
	if d.config.Tasks == nil {
		return store.Task{}, &Refusal{Ground: TaskRefused, Detail: "tasks are not kept here"}
	}
	task, err := d.config.Tasks.Task(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return task, &Refusal{Ground: TaskRefused, Detail: "there is no such task"}
	case err != nil:
		return task, &Refusal{Ground: Unavailable, Detail: "looking the task up: " + err.Error()}
	case task.ID != id || task.State != store.TaskRunning:
		return task, &Refusal{Ground: TaskRefused, Detail: "the task is not running"}
	}
	return task, nil
}

// mayJoin asks whether the new token may be in its task. Into the task of another
// client leads only a token that is in it. When the time of a task is over a
// sweeper ends it; what comes before the sweeper is as late.
func (v *visit) mayJoin(inherited bool) *Refusal {
	switch {
	case !inherited && v.task.Client != v.who.Client:
		return &Refusal{Ground: TaskRefused, Detail: "the task is another client's"}
	case !v.at.Before(v.task.Deadline) || !v.at.Before(v.task.Lease):
		return &Refusal{Ground: TaskRefused, Detail: "the time of the task is over"}
	}
	return nil
}

// within keeps the tokens of a task to the resources that it was opened for. A
// token that is exchanged may lead to another one: who opened the task does not
// know where the resources pass its work on to.
func (v *visit) within() *Refusal {
	if v.task == nil || v.parent != nil || len(v.task.Resources) == 0 || slices.ContainsFunc(v.task.Resources, v.rule.Audience.Names) {
		return nil
	}
	return &Refusal{Ground: TargetRefused, Detail: "the task was not opened for this resource"}
}

// running are the tasks that must be at work when the record is kept.
func (v *visit) running() []narrowcast.TaskID {
	if v.task == nil {
		return nil
	}
	return []narrowcast.TaskID{v.task.ID}
}
