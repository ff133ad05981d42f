package task_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/task"
)

func TestWhatIsRefusedAtOpening(t *testing.T) {
	y, ctx := newYard(t), t.Context()
	parent := y.open(t, func(r *task.OpenRequest) { r.Deadline, r.LeaseFor = dayOne.Add(time.Hour), task.MaxLease })
	paused, ended := y.open(t, below(parent.ID)), y.open(t, below(parent.ID))
	late := y.open(t, func(r *task.OpenRequest) { r.LeaseFor = task.MinLease })
	if _, err := y.one.Pause(ctx, holder(), paused.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := y.one.End(ctx, holder(), ended.ID); err != nil {
		t.Fatal(err)
	}
	y.now = y.now.Add(task.MinLease)
	many := make([]string, task.MaxResources+1)
	for i := range many {
		many[i] = fmt.Sprintf("https://r%d.example.test", i)
	}
	before := len(y.records(t))
	for name, c := range map[string]struct {
		change func(*task.OpenRequest)
		want   task.Ground
	}{
		"control":             {func(*task.OpenRequest) {}, 0},
		"a child":             {func(r *task.OpenRequest) { r.Parent, r.Deadline = parent.ID, parent.Deadline }, 0},
		"of another key":      {func(r *task.OpenRequest) { r.Parent, r.Holder = parent.ID, "jkt:two" }, 0},
		"no client":           {func(r *task.OpenRequest) { r.Client = "" }, task.Malformed},
		"no key":              {func(r *task.OpenRequest) { r.Holder = "" }, task.Malformed},
		"no resource":         {func(r *task.OpenRequest) { r.Resources = nil }, task.Malformed},
		"many resources":      {func(r *task.OpenRequest) { r.Resources = many }, task.Malformed},
		"a bad resource":      {func(r *task.OpenRequest) { r.Resources = []string{"https://Pay.example.test:443/"} }, task.Malformed},
		"long resources":      {func(r *task.OpenRequest) { r.Resources = long(many[1:]) }, task.Malformed},
		"a long label":        {func(r *task.OpenRequest) { r.Label = strings.Repeat("x", task.MaxLabel+1) }, task.Malformed},
		"a label that writes": {func(r *task.OpenRequest) { r.Label = "a\x1b[2J" }, task.Malformed},
		"a label of bytes":    {func(r *task.OpenRequest) { r.Label = "\xff" }, task.Malformed},
		"a short lease":       {func(r *task.OpenRequest) { r.LeaseFor = task.MinLease - 1 }, task.Malformed},
		"a long lease":        {func(r *task.OpenRequest) { r.LeaseFor = task.MaxLease + 1 }, task.Malformed},
		"no time":             {func(r *task.OpenRequest) { r.Deadline = y.now }, task.Malformed},
		"much time":           {func(r *task.OpenRequest) { r.Deadline = y.now.Add(24*time.Hour + 1) }, task.Malformed},
		"after the parent":    {func(r *task.OpenRequest) { r.Parent, r.Deadline = parent.ID, parent.Deadline.Add(1) }, task.Malformed},
		"no parent":           {below("task-none"), task.Unknown},
		"another's parent":    {func(r *task.OpenRequest) { r.Parent, r.Client = parent.ID, "thief" }, task.Unknown},
		"a paused parent":     {below(paused.ID), task.Paused},
		"an ended parent":     {below(ended.ID), task.Over},
		"a lost parent":       {below(late.ID), task.Over},
	} {
		opened, err := y.two.Open(ctx, asks(holder(), c.change))
		wantGround(t, name, err, c.want)
		if c.want == 0 && opened.Parent != "" && !opened.Deadline.Equal(parent.Deadline) {
			t.Errorf("%s: the deadline is %s", name, opened.Deadline)
		}
	}
	if n := len(y.records(t)) - before; n != 3 {
		t.Errorf("%d records of three tasks", n)
	}
	narrow := y.open(t, below(parent.ID), func(r *task.OpenRequest) { r.Resources = []string{crm, crm} })
	if _, err := y.one.Open(ctx, asks(holder(), below(narrow.ID))); ground(err) != task.Malformed || len(narrow.Resources) != 1 {
		t.Errorf("resources widened: %v", err)
	}
}

func long(names []string) []string {
	var all []string
	for _, n := range names {
		all = append(all, n+"/"+strings.Repeat("x", 400))
	}
	return all
}

func TestDepthAndNumbersAreBounded(t *testing.T) {
	y, ctx := newYard(t, func(c *task.Config) { c.MaxPerClient = 300 }), t.Context()
	top := y.open(t)
	for last, depth := top, 2; ; depth++ {
		next, err := y.one.Open(ctx, asks(holder(), below(last.ID)))
		if err != nil {
			wantGround(t, "depth", err, task.Malformed)
			if depth != task.MaxDepth+1 {
				t.Errorf("refused at level %d", depth)
			}
			break
		}
		last = next
	}
	for i := 1; i < task.MaxChildren; i++ { // one is there
		y.open(t, below(top.ID))
	}
	_, err := y.one.Open(ctx, asks(holder(), below(top.ID)))
	wantGround(t, "children", err, task.Crowded)
	living := task.MaxDepth + task.MaxChildren - 1
	for ; living < 300; living++ {
		y.open(t)
	}
	_, err = y.one.Open(ctx, asks(holder()))
	wantGround(t, "tasks", err, task.Crowded)
	if _, err := y.one.Open(ctx, asks(stranger())); err != nil {
		t.Errorf("another client: %v", err)
	}
	if _, err := y.one.Kill(ctx, holder(), top.ID); err != nil {
		t.Fatal(err)
	}
	y.open(t) // there is room at once
	if reads := y.store.reads.Load(); reads > int64(2*living) {
		t.Errorf("%d lists were read for %d tasks", reads, living)
	}
}

// The end of a task is the end of everything below it, in the same call.
func TestTheEndOfAParentEndsAll(t *testing.T) {
	for _, name := range []string{"end", "fail", "kill", "retry"} {
		y, ctx := newYard(t), t.Context()
		top, beside := y.open(t), y.open(t)
		left := y.open(t, below(top.ID))
		leaf := y.open(t, below(left.ID))
		right := y.open(t, below(top.ID))
		if _, err := y.one.Pause(ctx, holder(), right.ID); err != nil { // a paused one ends too
			t.Fatal(err)
		}
		if _, err := verbs()[name](y.one, ctx, holder(), left.ID); err != nil {
			t.Fatal(err)
		}
		if y.get(t, leaf.ID).Outcome != task.Parent || y.get(t, top.ID).Outcome != "" || !y.get(t, right.ID).Ended.IsZero() {
			t.Errorf("%s of the left: leaf %q, top %q", name, y.get(t, leaf.ID).Outcome, y.get(t, top.ID).Outcome)
		}
		if _, err := verbs()[name](y.one, ctx, holder(), top.ID); err != nil {
			t.Fatal(err)
		}
		if y.get(t, right.ID).Outcome != task.Parent || !y.get(t, beside.ID).Ended.IsZero() {
			t.Errorf("%s: right %q, beside %q", name, y.get(t, right.ID).Outcome, y.get(t, beside.ID).Outcome)
		}
	}
}

// A child that is opened while its parent ends is not opened.
func TestNobodyIsBornBelowTheDead(t *testing.T) {
	y, ctx := newYard(t), t.Context()
	top := y.open(t)
	middle := y.open(t, below(top.ID))
	y.store.between = func() { // the desk has seen it running
		if _, err := y.two.Kill(ctx, holder(), middle.ID); err != nil {
			t.Error(err)
		}
	}
	_, err := y.one.Open(ctx, asks(holder(), below(middle.ID)))
	wantGround(t, "opening", err, task.Over)
	if n := len(y.records(t, event.TaskOpened)); n != 2 {
		t.Errorf("%d tasks were opened", n)
	}
	// The number that was not used is used by the next record.
	y.open(t)
	var last uint64
	for _, e := range y.records(t) {
		if e.Writer == "tasks/1" {
			if e.Sequence != last+1 {
				t.Errorf("record %d follows %d", e.Sequence, last)
			}
			last = e.Sequence
		}
	}
}
