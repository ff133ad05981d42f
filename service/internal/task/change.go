package task

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// verb is one way to change a task.
type verb struct {
	may   func(c Caller, t store.Task) *Refusal // nil when c may
	there func(t store.Task) bool               // t is already where the verb leads
	leads func(t *store.Task)                   // what it changes; not asked of an end
	room  func(ctx context.Context, t store.Task) error
	ends  string // the outcome, of a verb that ends
	what  event.Type
	told  string // for the book
}

// tries bounds how often a change begins again. Only renewals and other changes
// of the same task come in between.
const tries = 16

var errBusy = errors.New("the task changes too often")

// perform applies v to the task. It begins again when the task was changed in
// the meantime, from looking at who may.
func (d *Desk) perform(ctx context.Context, c Caller, id narrowcast.TaskID, v verb) (store.Task, error) {
	for range tries {
		t, err := d.settled(ctx, c, id)
		if err == nil {
			t, err = d.apply(ctx, c, t, v)
		}
		if !errors.Is(err, store.ErrConflict) {
			return t, err
		}
	}
	return store.Task{}, errBusy
}

func (d *Desk) apply(ctx context.Context, c Caller, t store.Task, v verb) (store.Task, error) {
	if r := v.may(c, t); r != nil {
		return store.Task{}, r
	}
	switch {
	case v.there(t):
		return t, nil
	case t.State == store.TaskEnded:
		return store.Task{}, over(t)
	case v.ends != "":
		return d.end(ctx, t, v.ends, v.told+" by "+c.String(), d.now())
	}
	if v.room != nil {
		if err := v.room(ctx, t); err != nil {
			return store.Task{}, err
		}
	}
	v.leads(&t)
	return d.keep(ctx, v.what, t, d.now(), v.told+" by "+c.String())
}

// known returns the task, when it exists for the caller.
func (d *Desk) known(ctx context.Context, c Caller, id narrowcast.TaskID) (store.Task, error) {
	if err := d.ready(); err != nil {
		return store.Task{}, err
	}
	t, err := d.config.Tasks.Task(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound) || err == nil && !c.knows(t):
		return store.Task{}, unknown()
	case err != nil:
		return store.Task{}, fmt.Errorf("looking for a task: %w", err)
	}
	return t, nil
}

// settled is known, and ends the task first when it is over and nobody has come
// by to end it.
func (d *Desk) settled(ctx context.Context, c Caller, id narrowcast.TaskID) (store.Task, error) {
	t, err := d.known(ctx, c, id)
	if err != nil || t.State == store.TaskEnded {
		return t, err
	}
	if now := d.now(); due(t, now) != "" {
		return d.expire(ctx, t, now)
	}
	return t, nil
}

// due is the outcome of a task whose lease or deadline has passed, or "".
func due(t store.Task, now time.Time) string {
	switch {
	case !t.Lease.After(now) && t.Lease.Before(t.Deadline):
		return Lost
	case !t.Deadline.After(now):
		return Overdue
	}
	return ""
}

// expire ends a task that is due.
func (d *Desk) expire(ctx context.Context, t store.Task, now time.Time) (store.Task, error) {
	outcome, why := due(t, now), ""
	switch outcome {
	case Lost:
		why = "the lease ran out at " + t.Lease.UTC().Format(time.RFC3339Nano)
	case Overdue:
		why = "the deadline came"
	default:
		outcome, why = Parent, "the task above it has ended"
	}
	return d.end(ctx, t, outcome, why, now)
}
