package task_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/store/storetest"
	"github.com/narrowcast-io/narrowcast/service/internal/task"
)

const (
	pay = "https://pay.example.test"
	crm = "https://crm.example.test"
)

var dayOne = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// tester is what testing.T and rapid.T share.
type tester interface {
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
	Helper()
}

// seam is a store in memory at which something may happen between the reading of
// a task and its change, and which may fail.
type seam struct {
	*storetest.Memory
	between func()                 // happens once, behind the next reading
	fails   func(store.Entry) bool // which appends fail
	reads   atomic.Int64           // of lists
}

var errStore = errors.New("the disk is full")

func (s *seam) Task(ctx context.Context, id narrowcast.TaskID) (store.Task, error) {
	t, err := s.Memory.Task(ctx, id)
	if f := s.between; f != nil {
		s.between = nil
		f()
	}
	return t, err
}

func (s *seam) FindTasks(ctx context.Context, q store.TaskQuery) ([]store.Task, error) {
	s.reads.Add(1)
	return s.Memory.FindTasks(ctx, q)
}

func (s *seam) Append(ctx context.Context, e store.Entry) (store.Record, error) {
	if s.fails != nil && s.fails(e) {
		return store.Record{}, errStore
	}
	return s.Memory.Append(ctx, e)
}

// yard is one store with two desks.
type yard struct {
	now      time.Time
	store    *seam
	one, two *task.Desk
	told     atomic.Int64 // calls of Notify
}

func newYard(t tester, change ...func(*task.Config)) *yard {
	t.Helper()
	y := &yard{now: dayOne}
	clock := func() time.Time { return y.now }
	y.store = &seam{Memory: storetest.NewMemory(clock)}
	desk := func(writer string, kept *seam) *task.Desk {
		c := task.Config{Book: kept, Tasks: kept, Now: clock, Writer: writer, Tenant: "t1", Notify: func() { y.told.Add(1) }}
		for _, f := range change {
			f(&c)
		}
		d, err := task.New(c)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	y.one, y.two = desk("tasks/1", y.store), desk("tasks/2", &seam{Memory: y.store.Memory})
	return y
}

// Callers: a client with two keys, another client that has the key of the
// first, and an administrator.
func holder() task.Caller   { return task.Caller{Client: "runner", Holder: "jkt:one"} }
func otherKey() task.Caller { return task.Caller{Client: "runner", Holder: "jkt:two"} }
func stranger() task.Caller { return task.Caller{Client: "thief", Holder: "jkt:one"} }
func admin() task.Caller    { return task.Caller{Client: "ops", Holder: "jkt:ops", Admin: true} }

func asks(c task.Caller, change ...func(*task.OpenRequest)) task.OpenRequest {
	r := task.OpenRequest{Client: c.Client, Holder: c.Holder, Resources: []string{pay, crm}}
	for _, f := range change {
		f(&r)
	}
	return r
}

func below(id narrowcast.TaskID) func(*task.OpenRequest) {
	return func(r *task.OpenRequest) { r.Parent = id }
}

func (y *yard) open(t tester, change ...func(*task.OpenRequest)) store.Task {
	t.Helper()
	opened, err := y.one.Open(context.Background(), asks(holder(), change...))
	if err != nil {
		t.Fatalf("opening: %v", err)
	}
	return opened
}

func (y *yard) get(t tester, id narrowcast.TaskID) store.Task {
	t.Helper()
	got, err := y.store.Memory.Task(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func (y *yard) records(t tester, types ...event.Type) []event.Event {
	t.Helper()
	var all []event.Event
	for r, err := range y.store.Find(context.Background(), store.Query{Types: types}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r.Event)
	}
	return all
}

func ground(err error) task.Ground {
	var r *task.Refusal
	if errors.As(err, &r) {
		return r.Ground
	}
	return 0
}

func wantGround(t tester, what string, err error, want task.Ground) {
	t.Helper()
	if ground(err) != want {
		t.Errorf("%s: %v, want ground %d", what, err, want)
	}
}

// verb is a method of a desk.
type verb func(*task.Desk, context.Context, task.Caller, narrowcast.TaskID) (store.Task, error)

func verbs() map[string]verb {
	return map[string]verb{
		"renew": (*task.Desk).Renew, "end": (*task.Desk).End, "fail": (*task.Desk).Fail, "kill": (*task.Desk).Kill,
		"pause": (*task.Desk).Pause, "resume": (*task.Desk).Resume, "retry": (*task.Desk).Retry, "get": (*task.Desk).Get,
	}
}

func mentions(t *testing.T, e event.Event, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(e.Detail, text) {
			t.Errorf("the detail %q does not say %q", e.Detail, text)
		}
	}
}
