package storetest

import (
	"context"
	"errors"
	"reflect"
	"time"

	"pgregory.net/rapid"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

func someTask(r *rapid.T) narrowcast.TaskID {
	return rapid.SampledFrom([]narrowcast.TaskID{"a", "b", "c"}).Draw(r, "task")
}

// sameError wants the same answer, as far as callers can tell.
func sameError(r *rapid.T, what string, got, want error) {
	r.Helper()
	same := (got == nil) == (want == nil)
	for _, one := range []error{store.ErrUsed, store.ErrRevoked, store.ErrEnded, store.ErrConflict, store.ErrNotFound} {
		same = same && errors.Is(got, one) == errors.Is(want, one)
	}
	if !same {
		r.Fatalf("%s: %v, the model says %v", what, got, want)
	}
}

// keepTask opens a task, or keeps a next state of one, mostly a fitting one.
func (p *pair) keepTask(r *rapid.T) {
	t := task(someTask(r))
	t.Opened, t.Lease = someTime(r, "opened"), p.clock.Now().Add(time.Duration(rapid.IntRange(-1, 1).Draw(r, "lease")))
	if parent := someTask(r); parent != t.ID && rapid.Bool().Draw(r, "child") {
		t.Parent = parent
	}
	if last, err := p.model.Task(context.Background(), t.ID); err == nil {
		t = last
		t.Version += rapid.SampledFrom([]uint64{0, 1, 1, 1, 1}).Draw(r, "step")
	}
	t.State = rapid.SampledFrom([]store.TaskState{store.TaskRunning, store.TaskPaused, store.TaskEnded}).Draw(r, "state")
	if t.Ended = (time.Time{}); t.State == store.TaskEnded {
		t.Ended = someTime(r, "ended")
	}
	e := entry(p.event(r))
	e.Task = &t
	p.appendBoth(r, e)
}

func (p *pair) renew(r *rapid.T) {
	id, holder := someTask(r), rapid.SampledFrom([]string{"key-1", "key-1", "key-2"}).Draw(r, "holder")
	now := p.clock.Now()
	until := now.Add(time.Duration(rapid.IntRange(-2, 2).Draw(r, "until")))
	got, gotErr := p.driver.Renew(context.Background(), id, holder, now, until)
	want, wantErr := p.model.Renew(context.Background(), id, holder, now, until)
	sameError(r, "Renew", gotErr, wantErr)
	if !reflect.DeepEqual(got, want) {
		r.Fatalf("Renew: %+v, the model says %+v", got, want)
	}
}

func (p *pair) drop(r *rapid.T) {
	before, limit := someTime(r, "before"), rapid.IntRange(0, 2).Draw(r, "limit")
	got, gotErr := p.driver.DropTasks(context.Background(), before, limit)
	want, wantErr := p.model.DropTasks(context.Background(), before, limit)
	sameError(r, "DropTasks", gotErr, wantErr)
	if got != want {
		r.Fatalf("DropTasks: %d, the model says %d", got, want)
	}
}

func (p *pair) findTasks(r *rapid.T) {
	q := store.TaskQuery{Live: rapid.Bool().Draw(r, "live"), Limit: rapid.IntRange(0, 2).Draw(r, "limit")}
	if rapid.Bool().Draw(r, "by parent") {
		q.Parent = someTask(r)
	}
	if rapid.Bool().Draw(r, "by time") {
		q.Due = p.clock.Now().Add(time.Duration(rapid.IntRange(-90, 1).Draw(r, "due")))
	}
	got, gotErr := p.driver.FindTasks(context.Background(), q)
	want, wantErr := p.model.FindTasks(context.Background(), q)
	sameError(r, "FindTasks", gotErr, wantErr)
	if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		r.Fatalf("FindTasks(%+v): %+v, the model says %+v", q, got, want)
	}
}
