package fetch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrClosed is returned by a Keeper that was closed, and by the zero Keeper.
var ErrClosed = errors.New("the source is closed or was never opened")

// KeeperConfig is what a Keeper is made of. Every field is required.
type KeeperConfig[T any] struct {
	// Load brings the newest value and says for how long it counts as fresh. It
	// gives up when its context ends.
	Load func(ctx context.Context) (T, time.Duration, error)
	Now  func() time.Time
	// Between is the least time between two loads, Cold the same while nothing
	// is held. KeepFor is how long the last good value is used while no newer
	// one can be had. Timeout bounds one load.
	Between, Cold, KeepFor, Timeout time.Duration
	// Patient makes a load that is due be awaited also when a value is held.
	Patient bool
	// Notice, if set, is called after each load, with its fault or nil. It must not
	// wait for the Keeper.
	Notice func(err error)
}

// Keeper holds the last good value of something that is outside. There is one
// load at a time, whoever asked for it, and no more often than Between. It may
// be used by many goroutines.
type Keeper[T any] struct {
	c    KeeperConfig[T]
	life context.Context
	end  context.CancelFunc

	mu     sync.Mutex
	held   *held[T]
	flight *flight
	again  bool      // another load follows the one under way
	next   time.Time // no load before this instant
	stats  Stats
}

type held[T any] struct {
	value             T
	since, due, until time.Time
}

// flight is one load under way. err is set before done is closed.
type flight struct {
	done chan struct{}
	err  error
}

// Stats is the state of a source, for health pages and metrics.
type Stats struct {
	Usable      bool          // a value is held that is not too old
	Age         time.Duration // of the value that is held; 0 without one
	Loads       uint64        // loads begun
	Failures    uint64        // loads that failed
	LastAttempt time.Time     // when the last load began
	LastSuccess time.Time     // when the last value came
	LastError   error         // how the last load failed; nil when it succeeded
}

// NewKeeper makes a Keeper. It loads nothing yet.
func NewKeeper[T any](c KeeperConfig[T]) *Keeper[T] {
	life, end := context.WithCancel(context.Background())
	return &Keeper[T]{c: c, life: life, end: end}
}

// Close ends the load that is under way; no other begins. What is held is
// dropped.
func (k *Keeper[T]) Close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.end()
	k.held = nil
}

// Held returns the value that may be used now. It causes no load.
func (k *Keeper[T]) Held() (value T, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.current()
}

func (k *Keeper[T]) current() (value T, ok bool) {
	if k.held == nil || !k.c.Now().Before(k.held.until) {
		return value, false
	}
	return k.held.value, true
}

// Get returns the value that is held, or waits for one as long as ctx allows.
// A value that is due is loaded anew beside the call.
func (k *Keeper[T]) Get(ctx context.Context) (T, error) {
	k.mu.Lock()
	value, ok := k.current()
	due := ok && !k.c.Now().Before(k.held.due)
	k.mu.Unlock()
	if ok && !due {
		return value, nil
	}
	if ok && !k.c.Patient {
		k.begin()
		return value, nil
	}
	value, ok, failed := k.refreshed(ctx)
	if !ok {
		return value, failed
	}
	return value, nil
}

// Renew waits for a new value, if Between allows one by now, and returns the
// newest that is held. The error says why a newer one could not be had.
func (k *Keeper[T]) Renew(ctx context.Context) (T, error) {
	value, _, failed := k.refreshed(ctx)
	return value, failed
}

func (k *Keeper[T]) refreshed(ctx context.Context) (value T, ok bool, failed error) {
	f, last := k.begin()
	if f != nil {
		last = f.wait(ctx)
	}
	value, ok = k.Held()
	if last == nil && !ok {
		last = errors.New("what was held is too old")
	}
	if last != nil {
		last = fmt.Errorf("%w: %w", ErrUnavailable, last)
	}
	return value, ok, last
}

func (f *flight) wait(ctx context.Context) error {
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctx.Err()
	}
}
