package task

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// ancestors returns the tasks above t, all of which must be running, and gives t
// the deadline of its parent when it has none.
func (d *Desk) ancestors(ctx context.Context, t *store.Task, now time.Time) ([]narrowcast.TaskID, error) {
	var above []narrowcast.TaskID
	for id := t.Parent; id != ""; {
		if len(above) == MaxDepth-1 {
			return nil, refuse(Malformed, "Tasks may lie %d levels deep.", MaxDepth)
		}
		a, err := d.config.Tasks.Task(ctx, id)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return nil, refuse(Unknown, "There is no such parent of this client.")
		case err != nil:
			return nil, err
		case a.Client != t.Client:
			return nil, refuse(Unknown, "There is no such parent of this client.")
		}
		if err := takesChildren(a, now); err != nil {
			return nil, err
		}
		if id == t.Parent {
			if err := fits(t, a); err != nil {
				return nil, err
			}
		}
		above, id = append(above, id), a.Parent
	}
	return above, nil
}

func takesChildren(a store.Task, now time.Time) error {
	switch {
	case a.State == store.TaskEnded || due(a, now) != "":
		return refuse(Over, "The parent, or a task above it, has ended.")
	case a.State != store.TaskRunning:
		return refuse(Paused, "The parent, or a task above it, is paused.")
	}
	return nil
}

// fits makes a task stay within its parent.
func fits(t *store.Task, parent store.Task) error {
	for _, r := range t.Resources {
		if !slices.Contains(parent.Resources, r) {
			return refuse(Malformed, "A resource is not among those of the parent.")
		}
	}
	switch {
	case t.Deadline.IsZero():
		t.Deadline = parent.Deadline
	case t.Deadline.After(parent.Deadline):
		return refuse(Malformed, "The deadline is after that of the parent, which is %s.", parent.Deadline.UTC().Format(time.RFC3339Nano))
	}
	return nil
}

// room bounds how many tasks there are.
func (d *Desk) room(ctx context.Context, t store.Task, now time.Time) error {
	if t.Parent != "" {
		children, err := d.config.Tasks.FindTasks(ctx, store.TaskQuery{Parent: t.Parent, Live: true, Limit: MaxChildren})
		if err != nil {
			return err
		}
		if len(children) >= MaxChildren {
			return refuse(Crowded, "The parent has %d tasks below it already.", len(children))
		}
	}
	full, err := d.census.full(ctx, d.config.Tasks, t.Client, d.config.MaxPerClient, now)
	if err != nil || !full {
		return err
	}
	return refuse(Crowded, "The client has %d tasks already.", d.config.MaxPerClient)
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}
