package report

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

const syncEvery = time.Second

// Run delivers until ctx is done and returns its error. One Run, or one Drain,
// works at a time.
func (r *Reporter) Run(ctx context.Context) error {
	syncing := make(chan struct{})
	go func() {
		defer close(syncing)
		r.keepSyncing(ctx)
	}()
	defer func() { <-syncing }()
	failures := 0
	for ctx.Err() == nil {
		err := r.deliverAll(ctx)
		if err == nil {
			failures = 0
			r.waitForEvents(ctx)
			continue
		}
		failures++
		pause(ctx, r.backoff(failures, err))
	}
	return ctx.Err()
}

// Drain delivers what waits and returns when the spool is empty, at the first
// failure, or when ctx is done. It is for the end of a process.
func (r *Reporter) Drain(ctx context.Context) error { return r.deliverAll(ctx) }

func (r *Reporter) keepSyncing(ctx context.Context) {
	tick := time.NewTicker(syncEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := r.spool.sync(); err != nil {
				r.failed(err)
			}
		}
	}
}

// deliverAll sends batch after batch. When the issuer refuses a batch for good,
// the batch is halved until the one bad event is found, which is put aside.
func (r *Reporter) deliverAll(ctx context.Context) error {
	r.sending.Lock()
	defer r.sending.Unlock()
	most := r.limits.events
	for {
		b, err := r.spool.front(most, r.limits.bytes)
		if b == nil || err != nil {
			return r.noted(err)
		}
		var refused refusal
		switch err := r.send(ctx, b); {
		case err == nil:
			r.succeeded(len(b.lines))
			most = min(2*most, r.limits.events)
		case !errors.As(err, &refused):
			return r.noted(err)
		case len(b.lines) > 1:
			most = len(b.lines) / 2
			continue
		default:
			r.refused()
			r.noted(errors.Join(err, r.dead.park(b.lines[0])))
		}
		if err := r.spool.done(b); err != nil {
			return r.noted(err)
		}
	}
}

func (r *Reporter) noted(err error) error {
	if err != nil {
		r.failed(err)
	}
	return err
}

// waitForEvents returns at once for a rejection, and after the linger for folded
// presentations.
func (r *Reporter) waitForEvents(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-r.urge:
	case <-r.some:
		timer := time.NewTimer(r.linger)
		defer timer.Stop()
		select {
		case <-ctx.Done():
		case <-r.urge:
		case <-timer.C:
		}
	}
}

// backoff doubles with each failure up to a ceiling and varies by half, so that
// a thousand guards do not come back in the same instant.
func (r *Reporter) backoff(failures int, err error) time.Duration {
	wait := r.limits.ceiling
	if failures < 16 {
		wait = min(wait, r.limits.backoff<<(failures-1))
	}
	wait = wait/2 + rand.N(wait/2+1)
	var l later
	if errors.As(err, &l) {
		wait = max(wait, l.wait)
	}
	return wait
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
