package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// task is the first state of a task that runs for an hour.
func task(id narrowcast.TaskID) store.Task {
	return store.Task{
		ID: id, Client: "orch", Holder: "key-1", State: store.TaskRunning, Label: "nightly <run> ü\x00", Resources: []string{pay, profiles},
		Attempt: 1, Opened: dayOne, Deadline: dayOne.Add(time.Hour), LeaseFor: 10 * time.Second, Lease: dayOne.Add(10 * time.Second), Version: 1,
	}
}

// turned is the next state of t.
func turned(t store.Task, state store.TaskState) store.Task {
	t.State, t.Ended, t.Outcome = state, time.Time{}, ""
	t.Version++
	if state == store.TaskEnded {
		t.Ended, t.Outcome = dayOne.Add(time.Minute), "ended"
	}
	return t
}

// keeping is an entry with a task.
func keeping(id string, t store.Task) store.Entry {
	return store.Entry{Event: bare("tasks", id), Task: &t}
}

func mustKeep(t *testing.T, b store.Book, state store.Task) store.Task {
	t.Helper()
	mustAppend(t, b, keeping(fmt.Sprint(state.ID, " ", state.Version), state))
	return state
}

func wantRefused(t *testing.T, what string, b store.Book, e store.Entry, want error) {
	t.Helper()
	_, err := b.Append(context.Background(), e)
	for _, one := range []error{store.ErrRevoked, store.ErrEnded, store.ErrConflict, store.ErrUsed} {
		if errors.Is(err, one) != errors.Is(want, one) || err == nil {
			t.Errorf("%s: got %v, want %v", what, err, want)
			return
		}
	}
}

func unless(id string, ids ...store.Once) store.Entry {
	return store.Entry{Event: bare("child", id), Unless: ids}
}

func within(id string, tasks ...narrowcast.TaskID) store.Entry {
	return store.Entry{Event: bare("minted", id), Running: tasks}
}

// usedUpForbids: an id that is used up forbids every entry that names it, and
// such an entry changes nothing.
func usedUpForbids(t *testing.T, b *bench) {
	parent := store.Once{Space: "revoked token", ID: "p", Until: dayOne.Add(time.Hour)}
	root := store.Once{Space: "revoked token", ID: "r"}
	mustAppend(t, b.store, unless("before", root, parent, parent))
	mustAppend(t, b.store, unless("before too", parent)) // looking uses up nothing
	mustAppend(t, b.store, entry(bare("w", "revoked"), parent))
	for name, ids := range map[string][]store.Once{
		"alone": {parent}, "second": {root, parent}, "without an end": {{Space: parent.Space, ID: parent.ID}},
	} {
		e := unless("after "+name, ids...)
		free, kept := store.Once{Space: "s", ID: name, Until: dayOne.Add(time.Hour)}, task("refused")
		e.Once, e.Task = []store.Once{free}, &kept
		wantRefused(t, name, b.store, e, store.ErrRevoked)
		mustAppend(t, b.store, entry(bare("free", name), free))
	}
	if _, err := b.store.Task(context.Background(), "refused"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the task of a refused entry: %v", err)
	}
	mustAppend(t, b.store, unless("another", root))
	mustAppend(t, b.store, unless("another space", store.Once{Space: "use", ID: "p"}))
	b.clock.Advance(time.Hour)
	mustAppend(t, b.store, unless("forgotten", parent))

	own := unless("own", store.Once{Space: "s", ID: "own"})
	own.Once = []store.Once{{Space: "s", ID: "own", Until: b.clock.Now().Add(time.Hour)}}
	mustAppend(t, b.store, own) // what it uses up itself is not in its way
	wantRefused(t, "next", b.store, unless("next", own.Once[0]), store.ErrRevoked)
	checkIntact(t, b.store, 10)
}

// onlyRunningTasksGoOn: what is to happen within a task happens while it runs.
func onlyRunningTasksGoOn(t *testing.T, b *bench) {
	wantRefused(t, "unknown", b.store, within("1", "a"), store.ErrEnded)
	first := mustKeep(t, b.store, task("a"))
	mustKeep(t, b.store, task("b"))
	mustAppend(t, b.store, within("2", "a"))
	mustAppend(t, b.store, within("3", "a", "b", "a"))
	wantRefused(t, "one unknown", b.store, within("4", "a", "c"), store.ErrEnded)
	paused := mustKeep(t, b.store, turned(first, store.TaskPaused))
	wantRefused(t, "paused", b.store, within("5", "a"), store.ErrEnded)
	mustAppend(t, b.store, within("6", "b"))
	resumed := mustKeep(t, b.store, turned(paused, store.TaskRunning))
	mustAppend(t, b.store, within("7", "a"))
	ending := keeping("end", turned(resumed, store.TaskEnded))
	ending.Running = []narrowcast.TaskID{"a"} // it runs until this entry is kept
	mustAppend(t, b.store, ending)
	wantRefused(t, "ended", b.store, within("8", "b", "a"), store.ErrEnded)
	checkIntact(t, b.store, 9)
}

// refusalsHaveAnOrder: of several reasons the first one is told.
func refusalsHaveAnOrder(t *testing.T, b *bench) {
	used := store.Once{Space: "s", ID: "x", Until: dayOne.Add(time.Hour)}
	mustAppend(t, b.store, entry(bare("w", "used"), used))
	wrong := task("a")
	wrong.Version = 2
	e := store.Entry{
		Event: bare("w", "all"), Once: []store.Once{used}, Unless: []store.Once{used}, Running: []narrowcast.TaskID{"z"}, Task: &wrong,
	}
	wantRefused(t, "all", b.store, e, store.ErrRevoked)
	e.Unless = nil
	wantRefused(t, "without unless", b.store, e, store.ErrEnded)
	e.Running = nil
	wantRefused(t, "without running", b.store, e, store.ErrConflict)
	e.Task = nil
	wantRefused(t, "without task", b.store, e, store.ErrUsed)
	e.Once = nil
	mustAppend(t, b.store, e)
	checkIntact(t, b.store, 2)
}

// repeatedEventIsNotAskedAgain: a lost answer is found again, whatever happened
// to the conditions since.
func repeatedEventIsNotAskedAgain(t *testing.T, b *bench) {
	parent := store.Once{Space: "revoked token", ID: "p", Until: dayOne.Add(time.Hour)}
	first := mustKeep(t, b.store, task("a"))
	e := within("child", "a")
	e.Unless = []store.Once{parent}
	kept := mustAppend(t, b.store, e)
	opened := keeping("open", task("b"))
	keptOpen := mustAppend(t, b.store, opened)
	mustAppend(t, b.store, entry(bare("w", "revoked"), parent))
	mustKeep(t, b.store, turned(first, store.TaskEnded))
	wantSame(t, "revoked and ended since", mustAppend(t, b.store, e), kept)
	wantSame(t, "opened since", mustAppend(t, b.store, opened), keptOpen)
	e.Event.ID = "other child"
	wantRefused(t, "the control", b.store, e, store.ErrRevoked)
	opened.Event.ID = "other open"
	wantRefused(t, "the other control", b.store, opened, store.ErrConflict)
	wantTask(t, b.store, task("b"))
	checkIntact(t, b.store, 5)
}

// batchSeesItself: entries of one transaction depend on each other as if each
// had its own.
func batchSeesItself(t *testing.T, b *bench) {
	parent := store.Once{Space: "revoked token", ID: "p", Until: dayOne.Add(time.Hour)}
	a := task("a")
	ended := turned(a, store.TaskEnded)
	endEvent := keeping("end", ended)
	steps := []struct {
		entry store.Entry
		want  error
	}{
		{within("too early", "a"), store.ErrEnded},
		{keeping("open", a), nil},
		{keeping("open again", a), store.ErrConflict},
		{within("in time", "a"), nil},
		{unless("not yet", parent), nil},
		{entry(bare("w", "revoked"), parent), nil},
		{unless("too late", parent), store.ErrRevoked},
		{entry(bare("w", "revoked twice"), parent), store.ErrUsed},
		{unless("not yet", parent), nil}, // the same event again
		{endEvent, nil},
		{within("too late", "a"), store.ErrEnded},
		{endEvent, nil},
		{keeping("resume", turned(ended, store.TaskRunning)), store.ErrEnded},
		{entry(issued("issuer-1", "plain")), nil},
		{within("in time", "a"), nil},
	}
	entries := make([]store.Entry, len(steps))
	for i, s := range steps {
		entries[i] = s.entry
	}
	for i, err := range b.together(t, entries) {
		if (err == nil) != (steps[i].want == nil) || !errors.Is(err, steps[i].want) {
			t.Errorf("%s %d (%s): got %v, want %v", entries[i].Event.Writer, i, entries[i].Event.ID, err, steps[i].want)
		}
	}
	wantTask(t, b.store, ended)
	checkIntact(t, b.store, 6)
}

func (b *bench) together(t *testing.T, entries []store.Entry) []error {
	t.Helper()
	if b.ground.Together != nil {
		return b.ground.Together(t, b.store, entries)
	}
	errs := make([]error, len(entries))
	for i, e := range entries {
		_, errs[i] = b.store.Append(context.Background(), e)
	}
	return errs
}
