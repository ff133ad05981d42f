package task

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

const (
	sweepEvery  = 250 * time.Millisecond
	sweepBatch  = 200
	sweepAtOnce = 8
	sweepRounds = 10 // of one sweep

	forgetEvery = time.Minute
	forgetAfter = 24 * time.Hour // an ended task is remembered for as long; the book remembers it for good
	forgetBatch = 1000
)

// Sweep ends what is due: tasks whose lease or deadline has passed, and those
// whose parent has ended. It returns how many it ended. Sweepers of several
// replicas do not disturb each other: of two that end one task, one does.
func (d *Desk) Sweep(ctx context.Context) (ended int, err error) {
	if err := d.ready(); err != nil {
		return 0, err
	}
	var faults []error
	stuck := map[narrowcast.TaskID]bool{}
	for range sweepRounds {
		n, more, err := d.sweepBatch(ctx, stuck)
		ended += n
		if err != nil {
			faults = append(faults, err)
		}
		if !more || ctx.Err() != nil {
			break
		}
	}
	return ended, errors.Join(append(faults, ctx.Err())...)
}

// sweepBatch goes on with the next task when one cannot be ended, and remembers
// that one: what stands first would otherwise keep all others alive. It ends
// several at a time, since a store writes many records as fast as one. The error
// is the first one.
func (d *Desk) sweepBatch(ctx context.Context, stuck map[narrowcast.TaskID]bool) (ended int, more bool, err error) {
	now, limit := d.now(), sweepBatch+len(stuck)
	tasks, err := d.config.Tasks.FindTasks(ctx, store.TaskQuery{Due: now, Limit: limit})
	if err != nil {
		return 0, false, err
	}
	more = len(tasks) == limit
	tasks = slices.DeleteFunc(tasks, func(t store.Task) bool { return stuck[t.ID] })
	errs := d.expireAll(ctx, tasks, now)
	for i, e := range errs {
		switch {
		case e == nil:
			ended++
		case !errors.Is(e, store.ErrConflict): // otherwise somebody was faster: the next sweep looks again
			err = cmp.Or(err, e)
			fallthrough
		default:
			stuck[tasks[i].ID] = true
		}
	}
	return ended, more && len(tasks) > 0, err
}

// expireAll ends tasks, and says of each what became of it.
func (d *Desk) expireAll(ctx context.Context, tasks []store.Task, now time.Time) []error {
	errs := make([]error, len(tasks))
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(sweepAtOnce, len(tasks)) {
		wait.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(tasks)); i = next.Add(1) - 1 {
				if errs[i] = ctx.Err(); errs[i] == nil {
					_, errs[i] = d.expire(ctx, tasks[i], now)
				}
			}
		})
	}
	wait.Wait()
	return errs
}

// Forget drops tasks that ended a day ago, a bounded number of them.
func (d *Desk) Forget(ctx context.Context) (int, error) {
	if err := d.ready(); err != nil {
		return 0, err
	}
	return d.config.Tasks.DropTasks(ctx, d.now().Add(-forgetAfter), forgetBatch)
}

// Run sweeps four times a second and forgets every minute, until ctx ends. fault
// is told of errors.
func (d *Desk) Run(ctx context.Context, fault func(error)) {
	sweep, forget := time.NewTicker(sweepEvery), time.NewTicker(forgetEvery)
	defer sweep.Stop()
	defer forget.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-sweep.C:
			_, err = d.Sweep(ctx)
		case <-forget.C:
			_, err = d.Forget(ctx)
		}
		if err != nil && ctx.Err() == nil {
			fault(err)
		}
	}
}
