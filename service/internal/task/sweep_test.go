package task_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/store/storetest"
	"github.com/narrowcast-io/narrowcast/service/internal/task"
)

func (y *yard) sweep(t tester, d *task.Desk) int {
	t.Helper()
	n, err := d.Sweep(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSweepEndsWhatIsDue(t *testing.T) {
	y := newYard(t)
	lost := y.open(t)
	lives := y.open(t, func(r *task.OpenRequest) { r.LeaseFor = task.MaxLease })
	child := y.open(t, below(lost.ID), func(r *task.OpenRequest) { r.LeaseFor = task.MaxLease })
	overdue := y.open(t, func(r *task.OpenRequest) { r.Deadline = dayOne.Add(10 * time.Second) })
	y.now = dayOne.Add(10*time.Second - 1)
	if n := y.sweep(t, y.one); n != 0 {
		t.Errorf("%d ended too early", n)
	}
	y.now = dayOne.Add(10 * time.Second)
	if n := y.sweep(t, y.two); n != 2 {
		t.Errorf("%d ended, want 2", n)
	}
	if got := y.get(t, lives.ID); got.State != store.TaskRunning {
		t.Errorf("the living one: %q", got.Outcome)
	}
	outcomes := map[string]string{}
	for _, e := range y.records(t, event.TaskEnded) {
		outcomes[e.Task.ID] = e.Task.Outcome
		mentions(t, e, "never renewed")
	}
	if len(outcomes) != 3 || outcomes[string(lost.ID)] != task.Lost || outcomes[string(child.ID)] != task.Parent || outcomes[string(overdue.ID)] != task.Overdue {
		t.Errorf("%v", outcomes)
	}
	if y.sweep(t, y.one)+y.sweep(t, y.two) != 0 {
		t.Error("ended again")
	}
}

// The end of a parent got into the book, and nothing after it.
func TestSweepHealsACrash(t *testing.T) {
	y, ctx := newYard(t), t.Context()
	top := y.open(t)
	child := y.open(t, below(top.ID))
	leaf := y.open(t, below(child.ID))
	dead := y.get(t, top.ID)
	dead.State, dead.Outcome, dead.Ended, dead.Version = store.TaskEnded, task.Killed, y.now, dead.Version+1
	if _, err := y.store.Append(ctx, store.Entry{Task: &dead, Event: event.Event{
		Version: event.Version, ID: "e", Writer: "w", Type: event.TaskEnded, Time: y.now, Task: &event.Task{ID: string(top.ID), Outcome: task.Killed},
	}}); err != nil {
		t.Fatal(err)
	}
	if _, err := y.one.Open(ctx, asks(holder(), below(leaf.ID))); ground(err) != task.Over {
		t.Errorf("opened below a task that has ended: %v", err)
	}
	y.sweep(t, y.two)
	if a, b := y.get(t, child.ID), y.get(t, leaf.ID); a.Outcome != task.Parent || b.Outcome != task.Parent {
		t.Errorf("%q and %q", a.Outcome, b.Outcome)
	}
}

// Tasks that cannot be ended do not keep the others alive, however many there are.
func TestSweepGoesRoundWhatIsStuck(t *testing.T) {
	y := newYard(t)
	stuck := map[string]bool{}
	for range 450 {
		stuck[string(y.open(t).ID)] = true
	}
	y.now = y.now.Add(time.Second)
	for range 300 {
		y.open(t)
	}
	y.store.fails = func(e store.Entry) bool { return e.Event.Type == event.TaskEnded && stuck[e.Event.Task.ID] }
	y.now = y.now.Add(time.Minute)
	if n, err := y.one.Sweep(t.Context()); n != 300 || !errors.Is(err, errStore) {
		t.Errorf("%d ended, want 300: %v", n, err)
	}
	y.store.fails = nil
	if n := y.sweep(t, y.one); n != 450 {
		t.Errorf("control: %d ended, want 450", n)
	}
}

// Two sweepers, runners that renew and people who kill, all at once: one end
// each.
func TestManyAtOnce(t *testing.T) {
	y, ctx := newYard(t, func(c *task.Config) { c.Notify = nil }), t.Context()
	const tasks = 20
	var all []store.Task
	for range tasks {
		all = append(all, y.open(t))
	}
	plain := []*task.Desk{deskOn(t, y.store.Memory, y, "tasks/2"), deskOn(t, y.store.Memory, y, "tasks/3")}
	var wait sync.WaitGroup
	for i, d := range plain {
		wait.Go(func() {
			for _, opened := range all {
				_, _ = d.Renew(ctx, holder(), opened.ID)
				if _, err := d.Kill(ctx, otherKey(), opened.ID); err != nil && ground(err) != task.Over {
					t.Errorf("%d: %v", i, err)
				}
			}
		})
		wait.Go(func() {
			for _, opened := range all {
				_, _ = d.Pause(ctx, holder(), opened.ID)
				if _, err := d.End(ctx, holder(), opened.ID); err != nil && ground(err) != task.Over {
					t.Errorf("%d: %v", i, err)
				}
			}
		})
		wait.Go(func() {
			for range 20 {
				if _, err := d.Sweep(ctx); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	ends := map[string]int{}
	for _, e := range y.records(t, event.TaskEnded) {
		ends[e.Task.ID]++
	}
	for _, opened := range all {
		if ends[string(opened.ID)] != 1 {
			t.Errorf("%d ends", ends[string(opened.ID)])
		}
	}
}

func deskOn(t *testing.T, s *storetest.Memory, y *yard, writer string) *task.Desk {
	t.Helper()
	d, err := task.New(task.Config{Book: s, Tasks: s, Now: func() time.Time { return y.now }, Writer: writer})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestRunSweepsAndForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := storetest.NewMemory(time.Now)
		d, err := task.New(task.Config{Book: s, Tasks: s, Now: time.Now, Writer: "w"})
		if err != nil {
			t.Fatal(err)
		}
		opened, err := d.Open(t.Context(), asks(holder()))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); d.Run(ctx, func(err error) { t.Error(err) }) }()
		time.Sleep(10*time.Second + 300*time.Millisecond)
		if kept, err := s.Task(ctx, opened.ID); err != nil || kept.Outcome != task.Lost || kept.Ended.Sub(kept.Lease) > 250*time.Millisecond {
			t.Errorf("%v, %q after %s", err, kept.Outcome, kept.Ended.Sub(kept.Lease))
		}
		time.Sleep(24 * time.Hour)
		if _, err := s.Task(ctx, opened.ID); err != nil {
			t.Errorf("forgotten within a day: %v", err)
		}
		time.Sleep(2 * time.Minute)
		if _, err := d.Get(ctx, holder(), opened.ID); ground(err) != task.Unknown {
			t.Errorf("remembered after a day: %v", err)
		}
		cancel()
		<-done
	})
}
