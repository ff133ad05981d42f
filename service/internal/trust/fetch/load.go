package fetch

import (
	"context"
	"time"
)

// begin returns the load under way. It starts one unless the last was too short
// a time ago; then it returns nil and how the last one ended. A load outlives
// the call that began it, because others wait for it too.
func (k *Keeper[T]) begin() (*flight, error) {
	now := k.c.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.life.Err() != nil:
		return nil, ErrClosed
	case k.flight != nil:
		return k.flight, nil
	case now.Before(k.next):
		return nil, k.stats.LastError
	}
	f := &flight{done: make(chan struct{})}
	k.flight = f
	k.next = now.Add(k.c.Between)
	k.stats.Loads++
	k.stats.LastAttempt = now
	go k.load(f, now)
	return f, nil
}

func (k *Keeper[T]) load(f *flight, now time.Time) {
	ctx, cancel := context.WithTimeout(k.life, k.c.Timeout)
	defer cancel()
	value, fresh, err := k.c.Load(ctx)
	k.mu.Lock()
	k.stats.LastError = err
	switch _, ok := k.current(); {
	case k.life.Err() != nil:
		err = ErrClosed
	case err == nil:
		k.held = &held[T]{value: value, since: now, due: now.Add(fresh), until: now.Add(k.c.KeepFor)}
		k.stats.LastSuccess = now
	default:
		k.stats.Failures++
		if !ok {
			k.next = now.Add(k.c.Cold)
		}
	}
	again := k.again
	f.err, k.flight, k.again = err, nil, false
	close(f.done)
	k.mu.Unlock()
	k.notice(err)
	if again {
		k.Nudge()
	}
}

func (k *Keeper[T]) notice(err error) {
	if k.c.Notice != nil {
		k.c.Notice(err)
	}
}

// Nudge loads anew at once, because something outside has said that the value
// changed. A load that is under way may have missed that: another follows it.
func (k *Keeper[T]) Nudge() {
	k.mu.Lock()
	k.next = time.Time{}
	k.again = k.flight != nil
	k.mu.Unlock()
	k.begin()
}

// Run loads now and whenever the value is due, until ctx ends or the Keeper is
// closed.
func (k *Keeper[T]) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.life.Done():
			return
		case <-timer.C:
		}
		if k.pause() <= 0 {
			if f, _ := k.begin(); f != nil {
				_ = f.wait(ctx) // kept in Stats
			}
		}
		timer.Reset(max(k.pause(), k.c.Cold))
	}
}

// pause is the time until the next load is worth trying.
func (k *Keeper[T]) pause() time.Duration {
	now := k.c.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	at := k.next
	if k.held != nil && k.held.due.After(at) {
		at = k.held.due
	}
	return at.Sub(now)
}

// Stats returns the state of the source.
func (k *Keeper[T]) Stats() Stats {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.stats
	_, s.Usable = k.current()
	if k.held != nil {
		s.Age = k.c.Now().Sub(k.held.since)
	}
	return s
}
