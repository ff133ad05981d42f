package task

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Retry ends this attempt and opens the next one, which it returns. When it is
// repeated, because an answer was lost or the second step did not get done, the
// next attempt is the same.
func (d *Desk) Retry(ctx context.Context, c Caller, id narrowcast.TaskID) (store.Task, error) {
	for range tries {
		t, err := d.settled(ctx, c, id)
		if err == nil {
			t, err = d.retry(ctx, c, t)
		}
		if !errors.Is(err, store.ErrConflict) {
			return t, err
		}
	}
	return store.Task{}, errBusy
}

func (d *Desk) retry(ctx context.Context, c Caller, t store.Task) (store.Task, error) {
	if r := unlessHeld(c, t); r != nil {
		return store.Task{}, r
	}
	if r := forHolder(c, t); r != nil { // an administrator holds nothing
		return store.Task{}, r
	}
	switch {
	case t.State == store.TaskEnded && t.Outcome != Retried:
		return store.Task{}, over(t)
	case t.Attempt >= MaxAttempts:
		return store.Task{}, refuse(Over, "The work was tried %d times; open a new task.", MaxAttempts)
	}
	next := attemptAfter(t)
	if kept, err := d.config.Tasks.Task(ctx, next.ID); !errors.Is(err, store.ErrNotFound) {
		return kept, err
	}
	now := d.now()
	if !next.Deadline.After(now) {
		return store.Task{}, refuse(Over, "The deadline has passed.")
	}
	above, err := d.ancestors(ctx, &next, now)
	if err != nil {
		return store.Task{}, err
	}
	if t.State != store.TaskEnded {
		if _, err := d.end(ctx, t, Retried, "retried by "+c.String(), now); err != nil {
			return store.Task{}, err
		}
	}
	return d.begin(ctx, next, above, now)
}

// attemptAfter is the draft of the next attempt. Its id follows from the one
// before, so that two calls cannot open two.
func attemptAfter(t store.Task) store.Task {
	sum := sha256.Sum256([]byte("narrowcast attempt after " + string(t.ID)))
	return store.Task{
		ID: narrowcast.TaskID("task-" + hex.EncodeToString(sum[:16])), Parent: t.Parent, RetryOf: t.ID, Client: t.Client, Holder: t.Holder,
		Label: t.Label, Resources: t.Resources, Attempt: t.Attempt + 1, Deadline: t.Deadline, LeaseFor: t.LeaseFor,
	}
}
