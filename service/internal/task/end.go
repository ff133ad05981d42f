package task

import (
	"context"
	"errors"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// maxCascade bounds the descendants that one end ends at once. The sweeper ends
// the others.
const maxCascade = 1000

// end ends one task, and then everything below it. Once the task has ended the
// set of its descendants is frozen, since a task is only opened while all tasks
// above it run; so what is found below it then is everything. When that does not
// get done the sweeper does it, and the end of the task counts all the same.
func (d *Desk) end(ctx context.Context, t store.Task, outcome, why string, now time.Time) (store.Task, error) {
	ended, err := d.endOne(ctx, t, outcome, why, now)
	if err != nil {
		return store.Task{}, err
	}
	_ = d.cascade(ctx, ended.ID)
	return ended, nil
}

func (d *Desk) endOne(ctx context.Context, t store.Task, outcome, why string, now time.Time) (store.Task, error) {
	history, err := d.renewals(ctx, t)
	if err != nil {
		return store.Task{}, err
	}
	t.State, t.Outcome, t.Ended = store.TaskEnded, outcome, now
	return d.keep(ctx, event.TaskEnded, t, now, why+"; "+history)
}

// cascade ends what lives below a task that has ended, level by level.
func (d *Desk) cascade(ctx context.Context, root narrowcast.TaskID) error {
	above := []narrowcast.TaskID{root}
	for n := 0; len(above) > 0 && n < maxCascade; above = above[1:] {
		children, err := d.config.Tasks.FindTasks(ctx, store.TaskQuery{Parent: above[0], Live: true, Limit: maxCascade - n})
		if err != nil {
			return err
		}
		for _, child := range children {
			if err := d.orphan(ctx, child); err != nil {
				return err
			}
			above = append(above, child.ID)
		}
		n += len(children)
	}
	return nil
}

// orphan ends a task because its parent has ended, however often it is renewed
// meanwhile.
func (d *Desk) orphan(ctx context.Context, t store.Task) error {
	for range tries {
		if t.State == store.TaskEnded {
			return nil
		}
		_, err := d.endOne(ctx, t, Parent, "the task above it has ended", d.now())
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
		if t, err = d.config.Tasks.Task(ctx, t.ID); err != nil {
			return err
		}
	}
	return errBusy
}
