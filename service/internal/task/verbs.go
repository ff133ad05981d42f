package task

import (
	"context"
	"errors"
	"fmt"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Renew lengthens the lease and returns the task. It may be repeated.
func (d *Desk) Renew(ctx context.Context, c Caller, id narrowcast.TaskID) (store.Task, error) {
	for range tries {
		t, err := d.settled(ctx, c, id)
		if err == nil {
			t, err = d.renew(ctx, c, t)
		}
		// Another change came in between: what is there now tells why.
		if !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrEnded) {
			return t, err
		}
	}
	return store.Task{}, errBusy
}

func (d *Desk) renew(ctx context.Context, c Caller, t store.Task) (store.Task, error) {
	if r := forHolder(c, t); r != nil {
		return store.Task{}, r
	}
	if t.State == store.TaskEnded {
		return store.Task{}, over(t)
	}
	now := d.now()
	t, err := d.config.Tasks.Renew(ctx, t.ID, c.Holder, now, now.Add(t.LeaseFor))
	if err != nil {
		return store.Task{}, fmt.Errorf("renewing a task: %w", err)
	}
	return t, nil
}

// End says that the work is done.
func (d *Desk) End(ctx context.Context, c Caller, id narrowcast.TaskID) (store.Task, error) {
	return d.perform(ctx, c, id, ending(Ended, forHolder))
}

// Fail says that the work is over and was not done.
func (d *Desk) Fail(ctx context.Context, c Caller, id narrowcast.TaskID) (store.Task, error) {
	return d.perform(ctx, c, id, ending(Failed, forHolder))
}

// Kill stops the work from outside.
func (d *Desk) Kill(ctx context.Context, c Caller, id narrowcast.TaskID) (store.Task, error) {
	return d.perform(ctx, c, id, ending(Killed, forAll))
}

// Pause makes the tokens of a task count for nothing until Resume.
func (d *Desk) Pause(ctx context.Context, c Caller, id narrowcast.TaskID) (store.Task, error) {
	return d.perform(ctx, c, id, verb{
		may: forHolderOrAdmin, what: event.TaskPaused, told: "paused",
		there: func(t store.Task) bool {
			return t.State == store.TaskPaused && (!c.Admin || t.Outcome == byAdministrator)
		},
		leads: func(t *store.Task) {
			t.State, t.Outcome = store.TaskPaused, ""
			if c.Admin {
				t.Outcome = byAdministrator
			}
		},
		room: func(ctx context.Context, t store.Task) error {
			if c.Admin {
				return nil
			}
			return d.calm(ctx, t)
		},
	})
}

// calm bounds how often a holder pauses a task. Whoever follows the book looks
// through all tokens of the task each time: a loop would keep all others from
// learning what was called back.
func (d *Desk) calm(ctx context.Context, t store.Task) error {
	paused := 0
	for _, err := range d.config.Book.Find(ctx, store.Query{Task: string(t.ID), Types: []event.Type{event.TaskPaused}, Limit: MaxPauses}) {
		if err != nil {
			return fmt.Errorf("counting the pauses: %w", err)
		}
		paused++
	}
	if paused == MaxPauses {
		return refuse(Crowded, "The task was paused %d times; end it, or go on with it.", MaxPauses)
	}
	return nil
}

// Resume makes them count again.
func (d *Desk) Resume(ctx context.Context, c Caller, id narrowcast.TaskID) (store.Task, error) {
	return d.perform(ctx, c, id, verb{
		may: unlessHeld, what: event.TaskResumed, told: "resumed",
		there: func(t store.Task) bool { return t.State == store.TaskRunning },
		leads: func(t *store.Task) { t.State, t.Outcome = store.TaskRunning, "" },
	})
}

func ending(outcome string, may func(Caller, store.Task) *Refusal) verb {
	return verb{
		may: may, ends: outcome, what: event.TaskEnded, told: outcome,
		there: func(t store.Task) bool { return t.State == store.TaskEnded && t.Outcome == outcome },
	}
}

// forHolder lets in who shows the key that opened the task.
func forHolder(c Caller, t store.Task) *Refusal {
	if c.holds(t) {
		return nil
	}
	return refuse(NotYours, "Only the key that opened the task may do this.")
}

func forHolderOrAdmin(c Caller, t store.Task) *Refusal {
	if c.Admin {
		return nil
	}
	return forHolder(c, t)
}

// unlessHeld is forHolderOrAdmin, and keeps the holder from undoing what an
// administrator did.
func unlessHeld(c Caller, t store.Task) *Refusal {
	if !c.Admin && t.State == store.TaskPaused && t.Outcome == byAdministrator {
		return refuse(NotYours, "An administrator paused the task, and only one may resume it.")
	}
	return forHolderOrAdmin(c, t)
}

// forAll lets in everybody for whom the task exists.
func forAll(Caller, store.Task) *Refusal { return nil }
