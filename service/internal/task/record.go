package task

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// keep writes a new state and its record in one transaction. It returns the
// state with its version, store.ErrConflict when somebody else was faster, and
// store.ErrEnded when one of running is not.
func (d *Desk) keep(ctx context.Context, what event.Type, t store.Task, now time.Time, detail string, running ...narrowcast.TaskID) (store.Task, error) {
	t.Version++
	number := d.numbers.take()
	_, err := d.config.Book.Append(ctx, store.Entry{Task: &t, Running: running, Event: event.Event{
		Version: event.Version, ID: strings.ToLower(rand.Text()), Type: what, Time: now.UTC(), Tenant: d.config.Tenant,
		Writer: d.config.Writer, Sequence: number, Detail: detail, Task: factsOf(t),
	}})
	switch {
	case errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrEnded):
		d.numbers.giveBack(number) // nothing was appended: a gap would look like a loss
		return store.Task{}, err
	case err != nil:
		return store.Task{}, fmt.Errorf("recording %s: %w", what, err)
	}
	d.config.Notify()
	return t, nil
}

func factsOf(t store.Task) *event.Task {
	facts := &event.Task{
		ID: string(t.ID), Parent: string(t.Parent), Client: string(t.Client), Label: t.Label, Resources: t.Resources,
		Attempt: t.Attempt, RetryOf: string(t.RetryOf), Deadline: t.Deadline.UTC(), Lease: t.LeaseFor,
	}
	if t.State == store.TaskEnded {
		facts.Outcome = t.Outcome
	}
	return facts
}

// renewals says how often a task was renewed and when at last. Renewals are not
// recorded one by one: every kept state that has no record was one.
func (d *Desk) renewals(ctx context.Context, t store.Task) (string, error) {
	last := t.Lease.Add(-t.LeaseFor)
	if !last.After(t.Opened) {
		return "never renewed", nil
	}
	recorded := uint64(1)
	for _, err := range d.config.Book.Find(ctx, store.Query{Task: string(t.ID), Types: []event.Type{event.TaskPaused, event.TaskResumed}}) {
		if err != nil {
			return "", fmt.Errorf("counting the renewals: %w", err)
		}
		recorded++
	}
	return fmt.Sprintf("renewed %d times, last at %s", t.Version-min(recorded, t.Version), last.UTC().Format(time.RFC3339Nano)), nil
}

// numbers counts up by one per record of a writer. A number whose record was
// not appended is taken again.
type numbers struct {
	lock sync.Mutex
	last uint64
	free []uint64
}

func (n *numbers) take() uint64 {
	n.lock.Lock()
	defer n.lock.Unlock()
	if i := len(n.free) - 1; i >= 0 {
		number := n.free[i]
		n.free = n.free[:i]
		return number
	}
	n.last++
	return n.last
}

func (n *numbers) giveBack(number uint64) {
	n.lock.Lock()
	defer n.lock.Unlock()
	n.free = append(n.free, number)
}
