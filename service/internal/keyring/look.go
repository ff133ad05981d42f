package keyring

import (
	"context"
	"errors"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Bounds on what a look may wait for.
const (
	renewWithin = 2 * time.Second // Current, for the store
	openWithin  = 2 * time.Second // one key, at its home
)

// look reads the store and writes down what follows. The turn to change is
// taken. ErrAway does not keep the ring from knowing what it read.
func (r *Ring) look(ctx context.Context) error {
	err := r.lookOnce(ctx)
	if errors.Is(err, store.ErrConflict) {
		// Another process was faster; its state is the one to go on from.
		err = r.lookOnce(ctx)
	}
	return err
}

func (r *Ring) lookOnce(ctx context.Context) error {
	began := r.now()
	keys, err := r.config.Keys.Keys(ctx)
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		return ErrNoKeys
	}
	now := r.now() // after the reading: what is decided now concerns keys that are in the store
	changed := settle(keys, r.config.PublishAhead, r.config.KeepAfter, now)
	all, away, err := r.knowAll(ctx, keys, now)
	if err != nil {
		return err
	}
	for _, i := range changed {
		if err := r.config.Keys.SaveKey(ctx, keys[i]); err != nil {
			return err
		}
	}
	r.state.Store(&state{keys: all, seen: began})
	return errors.Join(away, r.tellAll(ctx, keys, now))
}

// Refresh reads the store, because another process may have changed something,
// writes down what follows, and tells the book what has come to pass. It is
// Tick without a rotation. After an error the ring goes on with what it knew,
// for as long as Config.Lease allows.
func (r *Ring) Refresh(ctx context.Context) error {
	if err := r.change.take(ctx); err != nil {
		return err
	}
	defer r.change.leave()
	return r.look(ctx)
}

func (r *Ring) stale(s *state, now time.Time) bool { return now.Sub(s.seen) >= r.config.Lease }

// renew looks because Current found an old state. While the store fails, one
// caller in Every tries.
func (r *Ring) renew() *state {
	ctx, cancel := context.WithTimeout(context.Background(), renewWithin)
	defer cancel()
	if r.change.take(ctx) != nil {
		return nil
	}
	defer r.change.leave()
	now := r.now()
	if s := r.state.Load(); !r.stale(s, now) {
		return s
	}
	if since := now.Sub(r.failed); since >= 0 && since < r.config.Every {
		return nil
	}
	_ = r.look(ctx) // the caller who can report it is Tick
	if s := r.state.Load(); !r.stale(s, r.now()) {
		return s
	}
	r.failed = now
	return nil
}

// Run looks at the store every Config.Every until ctx ends, and begins the
// rotations that RotateEvery asks for. Looking does not wait for a key that is
// being made. fault is told of errors, possibly from two goroutines at once.
func (r *Ring) Run(ctx context.Context, fault func(error)) {
	rotations := make(chan struct{})
	go func() { defer close(rotations); r.repeat(ctx, fault, r.rotateWhenDue) }()
	r.repeat(ctx, fault, r.Refresh)
	<-rotations
}

func (r *Ring) repeat(ctx context.Context, fault func(error), do func(context.Context) error) {
	ticker := time.NewTicker(r.config.Every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := do(ctx); err != nil && ctx.Err() == nil {
				fault(err)
			}
		}
	}
}
