package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// handles are one or two stores on the ground of b.
func (b *bench) handles(t *testing.T) []store.Store {
	t.Helper()
	if !b.ground.Shared {
		return []store.Store{b.store}
	}
	other, err := b.ground.Open(b.clock.Now)
	if err != nil {
		t.Fatalf("opening a second time: %v", err)
	}
	t.Cleanup(func() { _ = other.Close() })
	return []store.Store{b.store, other}
}

// race lets writers append what child makes until it is refused, and meanwhile,
// when some were kept, appends death. Nothing that was begun after death was
// answered may be kept, and in the book death is behind all children.
type race struct {
	child func(id string) store.Entry
	want  error
	death func(s store.Store) (store.Record, error)
}

func (r race) run(t *testing.T, stores []store.Store) {
	t.Helper()
	const writers = 12
	var wait sync.WaitGroup
	var dead atomic.Bool
	var kept atomic.Int64
	enough := make(chan struct{})
	for w := range writers {
		wait.Go(func() {
			for i := range 10_000 {
				late := dead.Load()
				_, err := stores[w%len(stores)].Append(context.Background(), r.child(fmt.Sprint(w, "-", i)))
				if err != nil {
					if !errors.Is(err, r.want) {
						t.Errorf("child: %v, want %v", err, r.want)
					}
					return
				}
				if late {
					t.Error("a child was kept after death had been answered")
					return
				}
				if kept.Add(1) == 40 {
					close(enough)
				}
			}
			t.Error("no child was ever refused")
		})
	}
	ended := make(chan struct{})
	go func() { wait.Wait(); close(ended) }()
	select {
	case <-enough:
	case <-ended: // it was reported why
	}
	last, err := r.death(stores[len(stores)-1])
	dead.Store(true)
	if err != nil {
		t.Errorf("death: %v", err)
	}
	<-ended
	children := find(t, stores[0], store.Query{Writer: r.child("").Event.Writer})
	if int64(len(children)) != kept.Load() {
		t.Errorf("%d children were answered, %d are there", kept.Load(), len(children))
	}
	for _, c := range children {
		if c.Number > last.Number {
			t.Errorf("child %d is behind its death, %d", c.Number, last.Number)
		}
	}
}

func nothingComesAfterRevocation(t *testing.T, b *bench) {
	parent := store.Once{Space: "revoked token", ID: "p", Until: dayOne.Add(time.Hour)}
	race{
		child: func(id string) store.Entry {
			return unless(id, store.Once{Space: "revoked token", ID: "root"}, parent)
		},
		want: store.ErrRevoked,
		death: func(s store.Store) (store.Record, error) {
			return s.Append(context.Background(), entry(bare("w", "revoked"), parent))
		},
	}.run(t, b.handles(t))
}

// nothingComesAfterTheEnd: and the lease is renewed all the while, so the one
// who ends the task has to try again.
func nothingComesAfterTheEnd(t *testing.T, b *bench) {
	ctx := context.Background()
	mustKeep(t, b.store, task("a"))
	stores := b.handles(t)
	var wait sync.WaitGroup
	wait.Go(func() {
		for i := range 10_000 {
			_, err := stores[0].Renew(ctx, "a", "key-1", dayOne, dayOne.Add(time.Duration(i)))
			if errors.Is(err, store.ErrEnded) {
				return
			}
			if err != nil {
				t.Errorf("Renew: %v", err)
				return
			}
		}
		t.Error("no renewal was ever refused")
	})
	race{
		child: func(id string) store.Entry { return within(id, "a") },
		want:  store.ErrEnded,
		death: func(s store.Store) (r store.Record, err error) {
			for i := range 10_000 {
				var last store.Task
				if last, err = s.Task(ctx, "a"); err != nil {
					return r, err
				}
				r, err = s.Append(ctx, keeping(fmt.Sprint("end ", i), turned(last, store.TaskEnded)))
				if !errors.Is(err, store.ErrConflict) {
					return r, err
				}
			}
			return r, err
		},
	}.run(t, stores)
	wait.Wait()
}

// oneOfRenewalAndEndWins: of a renewal and an end that follow the same state.
func oneOfRenewalAndEndWins(t *testing.T, b *bench) {
	ctx := context.Background()
	stores := b.handles(t)
	renewed, ended := 0, 0
	for i := range 40 {
		first := task(narrowcast.TaskID(fmt.Sprint("t", i)))
		mustKeep(t, b.store, first)
		var wait sync.WaitGroup
		var renewErr, endErr error
		renew := func() {
			_, renewErr = stores[0].Renew(ctx, first.ID, "key-1", dayOne, dayOne.Add(time.Minute))
		}
		end := func() {
			_, endErr = stores[len(stores)-1].Append(ctx, keeping("end "+string(first.ID), turned(first, store.TaskEnded)))
		}
		for _, do := range [][]func(){{renew, end}, {end, renew}}[i%2] {
			wait.Go(do)
		}
		wait.Wait()
		last, err := b.store.Task(ctx, first.ID)
		switch {
		case err != nil || last.Version != 2:
			t.Fatalf("round %d: version %d, %v", i, last.Version, err)
		case renewErr == nil && errors.Is(endErr, store.ErrConflict) && last.State == store.TaskRunning && !last.Lease.Equal(first.Lease):
			renewed++
		case endErr == nil && errors.Is(renewErr, store.ErrEnded) && last.State == store.TaskEnded && last.Lease.Equal(first.Lease):
			ended++
		default:
			t.Fatalf("round %d: Renew %v, end %v, state %s", i, renewErr, endErr, last.State)
		}
	}
	t.Logf("%d times the renewal was first, %d times the end", renewed, ended)
}

// oneOfManyEnds: many end a task at once, and each has its own reason.
func oneOfManyEnds(t *testing.T, b *bench) {
	stores := b.handles(t)
	first := mustKeep(t, b.store, task("a"))
	var wait sync.WaitGroup
	var won, lost atomic.Int32
	for i := range 32 {
		wait.Go(func() {
			last := turned(first, store.TaskEnded)
			last.Outcome = fmt.Sprint(i)
			switch _, err := stores[i%len(stores)].Append(context.Background(), keeping(fmt.Sprint("end ", i), last)); {
			case err == nil:
				won.Add(1)
			case errors.Is(err, store.ErrConflict):
				lost.Add(1)
			default:
				t.Errorf("end %d: %v", i, err)
			}
		})
	}
	wait.Wait()
	records := find(t, b.store, store.Query{After: 1})
	last, err := b.store.Task(context.Background(), "a")
	if won.Load() != 1 || lost.Load() != 31 || len(records) != 1 || err != nil || records[0].Event.ID != "end "+last.Outcome {
		t.Errorf("%d won, %d lost, %d records, outcome %q, %v", won.Load(), lost.Load(), len(records), last.Outcome, err)
	}
}
