package jwks

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// keeper holds the last good set of one issuer and decides when to load it
// again. Reading a key that is held takes no lock.
type keeper struct {
	load    func(ctx context.Context) (loaded, error)
	now     func() time.Time
	between time.Duration // least time between two loads
	cold    time.Duration // the same while nothing is held
	keepFor time.Duration // how long a set is used after it was loaded
	spread  bool          // lengthen waits at random, so that many verifiers do not ask at once
	patient bool          // a load that is due is awaited also for a key that is held

	held atomic.Pointer[held]

	mu     sync.Mutex
	flight *flight
	next   time.Time // no load before this instant
	stats  Stats
}

// loaded is what one load brought.
type loaded struct {
	keys   []narrowcast.Key
	maxAge time.Duration // load again after this time
}

type held struct {
	keys  map[narrowcast.KeyID]narrowcast.Key
	since time.Time
	due   time.Time
	until time.Time
}

// flight is one load under way. err is set before done is closed.
type flight struct {
	done chan struct{}
	err  error
}

func (k *keeper) current(now time.Time) *held {
	if h := k.held.Load(); h != nil && now.Before(h.until) {
		return h
	}
	return nil
}

func (k *keeper) key(ctx context.Context, id narrowcast.KeyID) (narrowcast.Key, error) {
	now := k.now()
	if h := k.current(now); h != nil {
		if key, ok := h.keys[id]; ok && now.Before(h.due) {
			return key, nil
		} else if ok && !k.patient {
			k.begin(ctx, now)
			return key, nil
		}
	}
	failed := k.refresh(ctx, now)
	if h := k.current(now); h != nil {
		if key, ok := h.keys[id]; ok {
			return key, nil
		}
	}
	if failed != nil {
		return narrowcast.Key{}, fmt.Errorf("jwks: refreshing keys: %w", failed)
	}
	return narrowcast.Key{}, narrowcast.ErrKeyUnknown
}

func (k *keeper) peek(id narrowcast.KeyID) (narrowcast.Key, bool) {
	h := k.current(k.now())
	if h == nil {
		return narrowcast.Key{}, false
	}
	key, ok := h.keys[id]
	return key, ok
}

// refresh waits for the load that is under way, or for a new one if that is
// allowed by now. The error says why the newest state could not be had.
func (k *keeper) refresh(ctx context.Context, now time.Time) error {
	f, last := k.begin(ctx, now)
	if f == nil {
		return last
	}
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// begin returns the load under way. It starts one unless the last was too short
// a time ago; then it returns nil and how the last one ended. A load outlives
// the call that began it, because others wait for it too, and ends within its
// own time limit.
func (k *keeper) begin(ctx context.Context, now time.Time) (*flight, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.flight != nil {
		return k.flight, nil
	}
	if now.Before(k.next) {
		return nil, k.stats.LastError
	}
	f := &flight{done: make(chan struct{})}
	k.flight = f
	k.next = now.Add(k.wait(k.between))
	k.stats.Loads++
	k.stats.LastAttempt = now
	go k.run(context.WithoutCancel(ctx), f, now)
	return f, nil
}

func (k *keeper) run(ctx context.Context, f *flight, now time.Time) {
	got, err := k.load(ctx)
	var byID map[narrowcast.KeyID]narrowcast.Key
	if err == nil {
		byID, err = index(got.keys)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stats.LastError = err
	if err == nil {
		k.held.Store(&held{keys: byID, since: now, due: now.Add(k.early(got.maxAge)), until: now.Add(k.keepFor)})
		k.stats.LastSuccess = now
	} else {
		k.stats.Failures++
		if k.current(now) == nil {
			k.next = now.Add(k.cold)
		}
	}
	f.err, k.flight = err, nil
	close(f.done)
}

// wait lengthens d by up to a quarter.
func (k *keeper) wait(d time.Duration) time.Duration {
	if !k.spread || d < 4 {
		return d
	}
	return d + rand.N(d/4)
}

// early shortens d by up to a tenth.
func (k *keeper) early(d time.Duration) time.Duration {
	if !k.spread || d < 10 {
		return d
	}
	return d - rand.N(d/10)
}
