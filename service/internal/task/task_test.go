package task_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/task"
)

// Who may do what: the table of the package comment.
func TestWhoMayDoWhat(t *testing.T) {
	const here, no, gone = task.Ground(0), task.NotYours, task.Unknown
	for name, want := range map[string][5]task.Ground{ // holder, other key, other client with the key, administrator, nobody
		"renew":  {here, no, gone, no, gone},
		"end":    {here, no, gone, no, gone},
		"fail":   {here, no, gone, no, gone},
		"retry":  {here, no, gone, no, gone},
		"kill":   {here, here, gone, here, gone},
		"pause":  {here, no, gone, here, gone},
		"resume": {here, no, gone, here, gone},
		"get":    {here, here, gone, here, gone},
	} {
		for i, c := range []task.Caller{holder(), otherKey(), stranger(), admin(), {}} {
			y := newYard(t)
			opened := y.open(t)
			_, err := verbs()[name](y.one, t.Context(), c, opened.ID)
			if ground(err) != want[i] || err != nil && want[i] == 0 {
				t.Errorf("%s by %s: %v, want ground %d", name, c, err, want[i])
			}
			if want[i] != here && y.get(t, opened.ID).Version != 1 {
				t.Errorf("%s by %s: refused, and the task changed", name, c)
			}
		}
		y := newYard(t)
		_, err := verbs()[name](y.one, t.Context(), holder(), "task-none")
		wantGround(t, name+" of no task", err, task.Unknown)
		if _, err := verbs()[name](&task.Desk{}, t.Context(), holder(), "x"); err == nil {
			t.Errorf("%s: the zero desk answers", name)
		}
	}
}

// A life: what is kept, and what the book says of it.
func TestTheBookTellsALife(t *testing.T) {
	y, ctx := newYard(t), t.Context()
	opened := y.open(t, func(r *task.OpenRequest) { r.Label, r.Deadline = "nightly", dayOne.Add(time.Hour) })
	for range 4 {
		y.now = y.now.Add(3 * time.Second)
		renewed, err := y.two.Renew(ctx, holder(), opened.ID)
		if err != nil || !renewed.Lease.Equal(y.now.Add(10*time.Second)) {
			t.Fatalf("renewing: %v, lease until %s", err, renewed.Lease)
		}
	}
	last := y.now
	for _, name := range []string{"pause", "pause", "resume", "resume", "end", "end"} { // each repeated, as after a lost answer
		if _, err := verbs()[name](y.one, ctx, holder(), opened.ID); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	all := y.records(t)
	var types []event.Type
	for i, e := range all {
		types = append(types, e.Type)
		want := &event.Task{ID: string(opened.ID), Client: "runner", Label: "nightly", Resources: []string{pay, crm}, Attempt: 1,
			Deadline: dayOne.Add(time.Hour), Lease: 10 * time.Second}
		if e.Type == event.TaskEnded {
			want.Outcome = task.Ended
		}
		if diff := cmp.Diff(want, e.Task); diff != "" {
			t.Error(diff)
		}
		if e.Tenant != "t1" || e.Sequence != uint64(i)+1 || e.Writer != "tasks/1" {
			t.Errorf("%+v", e)
		}
	}
	if want := []event.Type{event.TaskOpened, event.TaskPaused, event.TaskResumed, event.TaskEnded}; !slices.Equal(types, want) {
		t.Fatalf("the book says %v, want %v", types, want)
	}
	mentions(t, all[0], "jkt:one", `"runner"`)
	mentions(t, all[3], "ended by", "renewed 4 times", last.Format(time.RFC3339Nano))
	if told := y.told.Load(); told != 4 {
		t.Errorf("told %d times of 4 changes", told)
	}
	for _, name := range []string{"renew", "fail", "kill", "pause", "resume", "retry"} {
		_, err := verbs()[name](y.one, ctx, holder(), opened.ID)
		wantGround(t, name+" of an ended task", err, task.Over)
	}
}

// What is over stays over, although nobody swept it yet.
func TestNothingHelpsATaskThatIsOver(t *testing.T) {
	for outcome, wait := range map[string]time.Duration{task.Lost: 10 * time.Second, task.Overdue: time.Minute, "": 10*time.Second - 1} {
		for name, do := range verbs() {
			if name == "get" {
				continue
			}
			y, ctx := newYard(t), context.Background()
			opened := y.open(t, func(r *task.OpenRequest) {
				r.Deadline = dayOne.Add(time.Minute)
				if outcome == task.Overdue {
					r.LeaseFor = 2 * time.Minute
				}
			})
			y.now = y.now.Add(wait)
			_, err := do(y.one, ctx, holder(), opened.ID)
			if outcome == "" {
				if err != nil {
					t.Errorf("control: %s: %v", name, err)
				}
				continue
			}
			wantGround(t, name+" when "+outcome, err, task.Over)
			if ends := y.records(t, event.TaskEnded); len(ends) != 1 || ends[0].Task.Outcome != outcome {
				t.Errorf("%s when %s: the book says %+v", name, outcome, ends)
			}
		}
	}
}

// What an administrator paused, the holder does not resume, nor step over by
// another attempt; it may end it.
func TestTheHolderDoesNotUndoAnAdministrator(t *testing.T) {
	y, ctx := newYard(t), t.Context()
	opened := y.open(t)
	if _, err := y.one.Pause(ctx, holder(), opened.ID); err != nil { // paused by its holder, then held
		t.Fatal(err)
	}
	if _, err := y.two.Pause(ctx, admin(), opened.ID); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"resume", "retry"} {
		_, err := verbs()[name](y.one, ctx, holder(), opened.ID)
		wantGround(t, name, err, task.NotYours)
	}
	if _, err := y.one.Pause(ctx, holder(), opened.ID); err != nil || y.get(t, opened.ID).Outcome == "" {
		t.Errorf("pausing again: %v", err)
	}
	if _, err := y.one.Renew(ctx, holder(), opened.ID); err != nil {
		t.Errorf("renewing: %v", err)
	}
	if _, err := y.one.Resume(ctx, admin(), opened.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := y.one.Retry(ctx, holder(), opened.ID); err != nil {
		t.Errorf("control: %v", err)
	}
}

func TestRetryOpensOneNextAttempt(t *testing.T) {
	y, ctx := newYard(t), t.Context()
	first := y.open(t, func(r *task.OpenRequest) { r.Label = "nightly" })
	child := y.open(t, below(first.ID))
	y.now = y.now.Add(time.Second)
	second, err := y.one.Retry(ctx, holder(), first.ID)
	if err != nil {
		t.Fatal(err)
	}
	again, err := y.two.Retry(ctx, holder(), first.ID)
	if diff := cmp.Diff(second, again); diff != "" || err != nil {
		t.Errorf("repeated: %v\n%s", err, diff)
	}
	want := first
	want.ID, want.RetryOf, want.Attempt, want.Opened, want.Lease = second.ID, first.ID, 2, y.now, y.now.Add(10*time.Second)
	if diff := cmp.Diff(want, y.get(t, second.ID)); diff != "" {
		t.Error(diff)
	}
	if a, b := y.get(t, first.ID), y.get(t, child.ID); a.Outcome != task.Retried || b.Outcome != task.Parent {
		t.Errorf("outcomes %s and %s", a.Outcome, b.Outcome)
	}
	_, err = y.one.End(ctx, holder(), first.ID)
	wantGround(t, "ending what was retried", err, task.Over)
}

// The second step of a retry fails: repeating does it.
func TestRetryIsHealedByRepeating(t *testing.T) {
	y, ctx := newYard(t), t.Context()
	first := y.open(t)
	y.store.between = func() { // somebody else's retry comes in between
		if _, err := y.two.Retry(ctx, holder(), first.ID); err != nil {
			t.Error(err)
		}
	}
	second, err := y.one.Retry(ctx, holder(), first.ID)
	if err != nil || len(y.records(t, event.TaskOpened)) != 2 || len(y.records(t, event.TaskEnded)) != 1 {
		t.Errorf("two at a time: %v, %d opened", err, len(y.records(t, event.TaskOpened)))
	}
	y.store.fails = func(e store.Entry) bool { return e.Event.Type == event.TaskOpened }
	if _, err := y.one.Retry(ctx, holder(), second.ID); !errors.Is(err, errStore) || y.get(t, second.ID).Outcome != task.Retried {
		t.Errorf("half way: %v, %q", err, y.get(t, second.ID).Outcome)
	}
	y.store.fails = nil
	if third, err := y.one.Retry(ctx, holder(), second.ID); err != nil || third.Attempt != 3 {
		t.Errorf("%v", err)
	}
}

func TestConfig(t *testing.T) {
	_, err := task.New(task.Config{MaxLife: time.Second, LeaseDefault: time.Hour, MaxPerClient: -1})
	for _, what := range []string{"Book", "Tasks", "Now", "Writer", "MaxLife", "LeaseDefault", "MaxPerClient"} {
		if err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s is not among the faults: %v", what, err)
		}
	}
}

func TestListShowsTheOwn(t *testing.T) {
	y, ctx := newYard(t), t.Context()
	mine := y.open(t)
	child := y.open(t, below(mine.ID))
	theirs, err := y.one.Open(ctx, asks(stranger()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := y.one.End(ctx, holder(), child.ID); err != nil {
		t.Fatal(err)
	}
	ids := func(c task.Caller, r task.ListRequest) []string {
		all, more, err := y.two.List(ctx, c, r)
		if more || err != nil && c.Client != "" {
			t.Errorf("%v, more %v", err, more)
		}
		names := []string{}
		for _, one := range all {
			names = append(names, string(one.ID))
		}
		slices.Sort(names)
		return names
	}
	sorted := func(all ...store.Task) []string {
		names := []string{}
		for _, one := range all {
			names = append(names, string(one.ID))
		}
		slices.Sort(names)
		return names
	}
	for _, c := range []struct {
		who  task.Caller
		what task.ListRequest
		want []string
	}{
		{otherKey(), task.ListRequest{}, sorted(mine, child)},
		{holder(), task.ListRequest{Live: true}, sorted(mine)},
		{holder(), task.ListRequest{Parent: mine.ID}, sorted(child)},
		{stranger(), task.ListRequest{Parent: mine.ID}, sorted()},
		{stranger(), task.ListRequest{}, sorted(theirs)},
		{admin(), task.ListRequest{}, sorted(mine, child, theirs)},
		{task.Caller{}, task.ListRequest{}, sorted()},
	} {
		if got := ids(c.who, c.what); !slices.Equal(got, c.want) {
			t.Errorf("%s, %+v: %v, want %v", c.who, c.what, got, c.want)
		}
	}
}
