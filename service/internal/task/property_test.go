package task_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/task"
)

// Any sequence of verbs by anybody at two desks of one store, with changes in
// between and a store that fails at times.
func TestNoSequenceOfVerbsBreaksALaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &chaos{yard: newYard(t), ended: map[narrowcast.TaskID]store.Task{}}
		top := c.open(t, func(r *task.OpenRequest) { r.LeaseFor, r.Deadline = 20*time.Second, dayOne.Add(30*time.Second) })
		c.ids = []narrowcast.TaskID{top.ID, c.open(t, below(top.ID)).ID, c.open(t).ID}
		t.Repeat(map[string]func(*rapid.T){
			"open": func(t *rapid.T) { c.opens(t, c.desk(t)) },
			"race": func(t *rapid.T) { // the parent may end when it was looked at
				c.store.between = func() { c.does(t, c.two) }
				c.opens(t, c.one)
				c.store.between = nil
			},
			"verbs": func(t *rapid.T) {
				for range 4 {
					c.does(t, c.desk(t))
				}
			},
			"wait": func(t *rapid.T) {
				c.now = c.now.Add(time.Duration(rapid.SampledFrom([]int{1, 500, 2000, 6000}).Draw(t, "ms")) * time.Millisecond)
			},
			"sweep": c.sweeps,
			"meddle": func(t *rapid.T) {
				c.store.between = func() { c.does(t, c.two) }
				c.does(t, c.one)
				c.store.between = nil
			},
			"break": func(t *rapid.T) { // a crash between the end of a task and that of its children
				left := rapid.IntRange(0, 2).Draw(t, "appends")
				c.store.fails = func(store.Entry) bool { left--; return left < 0 }
				c.does(t, c.one)
				c.store.fails = nil
			},
			"": c.laws,
		})
	})
}

type chaos struct {
	*yard
	ids   []narrowcast.TaskID
	ended map[narrowcast.TaskID]store.Task // as they were when they were seen to have ended
}

func (c *chaos) desk(t *rapid.T) *task.Desk {
	if rapid.Bool().Draw(t, "the other desk") {
		return c.two
	}
	return c.one
}

func (c *chaos) caller(t *rapid.T) task.Caller {
	return rapid.SampledFrom([]task.Caller{holder(), holder(), holder(), holder(), holder(), otherKey(), stranger(), admin(), {}}).Draw(t, "caller")
}

func (c *chaos) opens(t *rapid.T, d *task.Desk) {
	r := asks(c.caller(t), func(r *task.OpenRequest) {
		r.LeaseFor = time.Duration(rapid.SampledFrom([]int{1, 2, 5, 20}).Draw(t, "lease")) * time.Second
		if after := rapid.SampledFrom([]int{0, -1, 10, 40}).Draw(t, "deadline"); after != 0 {
			r.Deadline = c.now.Add(time.Duration(after) * time.Second)
		}
		if rapid.SampledFrom([]bool{false, true, true}).Draw(t, "with a parent") {
			r.Parent = rapid.SampledFrom(c.ids).Draw(t, "parent")
		}
		if rapid.Bool().Draw(t, "narrow") {
			r.Resources = []string{pay}
		}
	})
	if opened, err := d.Open(context.Background(), r); err == nil {
		c.ids = append(c.ids, opened.ID)
	} else if ground(err) == 0 {
		t.Fatal(err)
	}
}

// does lets somebody do something with a task.
func (c *chaos) does(t *rapid.T, d *task.Desk) {
	names := []string{"renew", "renew", "end", "fail", "kill", "pause", "resume", "retry"}
	name, who, id := rapid.SampledFrom(names).Draw(t, "verb"), c.caller(t), rapid.SampledFrom(c.ids).Draw(t, "task")
	before := c.get(t, id)
	after, err := verbs()[name](d, context.Background(), who, id)
	if name == "retry" && err == nil && !slices.Contains(c.ids, after.ID) {
		c.ids = append(c.ids, after.ID)
	}
	if err != nil {
		return
	}
	holds := who.Client == before.Client && who.Holder == before.Holder
	if slices.Contains([]string{"renew", "end", "fail", "retry"}, name) && !holds {
		t.Fatalf("%s was done by %s, who does not hold the task", name, who)
	}
	if slices.Contains([]string{"renew", "pause", "resume"}, name) && (before.State == store.TaskEnded || !before.Due().After(c.now)) {
		t.Fatalf("%s was done with a task that was over", name)
	}
}

// sweeps: afterwards nothing is due, and nothing lives below what has ended.
func (c *chaos) sweeps(t *rapid.T) {
	c.sweep(t, c.desk(t))
	for _, id := range c.ids {
		kept := c.get(t, id)
		if kept.State == store.TaskEnded {
			continue
		}
		if !kept.Due().After(c.now) {
			t.Fatalf("%s outlives its time", id)
		}
		if kept.Parent != "" && c.get(t, kept.Parent).State == store.TaskEnded {
			t.Fatalf("%s outlives its parent", id)
		}
	}
}

// laws hold after every step.
func (c *chaos) laws(t *rapid.T) {
	for _, id := range c.ids {
		kept := c.get(t, id)
		if seen, ended := c.ended[id]; ended && seen.Version != kept.Version {
			t.Fatalf("%s changed after its end", id)
		}
		if kept.State == store.TaskEnded {
			c.ended[id] = kept
		}
		if kept.Parent != "" && kept.Deadline.After(c.get(t, kept.Parent).Deadline) {
			t.Fatalf("%s may outlive its parent", id)
		}
	}
	told := map[string]event.Event{} // the last record of each task
	for _, e := range c.records(t) {
		if wrong := follows(told, e); wrong != "" {
			t.Fatalf("%s of %s: %s", e.Type, e.Task.ID, wrong)
		}
		told[e.Task.ID] = e
	}
	for _, id := range c.ids {
		kept, said := c.get(t, id), told[string(id)]
		if (kept.State == store.TaskEnded) != (said.Type == event.TaskEnded) || (kept.State == store.TaskPaused) != (said.Type == event.TaskPaused) {
			t.Fatalf("%s is %s, and the book says %s", id, kept.State, said.Type)
		}
		if kept.State == store.TaskEnded && kept.Outcome != said.Task.Outcome {
			t.Fatalf("%s is %s, and the book says %s", id, kept.Outcome, said.Task.Outcome)
		}
	}
}

// follows is what is wrong with a record of a task behind the one before, or "".
func follows(told map[string]event.Event, e event.Event) string {
	before, known := told[e.Task.ID]
	switch {
	case known == (e.Type == event.TaskOpened):
		return "a task is opened once, and first of all"
	case before.Type == event.TaskEnded:
		return "it has ended"
	case (e.Task.Outcome != "") != (e.Type == event.TaskEnded):
		return fmt.Sprintf("outcome %q", e.Task.Outcome)
	case e.Type == event.TaskResumed && before.Type != event.TaskPaused:
		return "it was not paused"
	case e.Type != event.TaskOpened || e.Task.Parent == "":
		return ""
	}
	for id := e.Task.Parent; id != ""; id = told[id].Task.Parent {
		if above := told[id]; above.Type != event.TaskOpened && above.Type != event.TaskResumed {
			return "a task above it was not running"
		}
	}
	for _, r := range e.Task.Resources {
		if !slices.Contains(told[e.Task.Parent].Task.Resources, r) {
			return "it has more resources than its parent"
		}
	}
	return ""
}
