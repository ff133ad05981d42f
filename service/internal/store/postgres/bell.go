package postgres

import (
	"context"
	"time"
)

// bellPause bounds how often other processes are told: many changes in a row
// are one.
const bellPause = 10 * time.Millisecond

// bell tells other processes that a revision or a key was saved. It does so
// outside the transaction that saved it, because a NOTIFY in there would make
// all commits of the server wait for each other.
type bell struct {
	struck chan struct{}
	stop   chan struct{}
	done   chan struct{}
}

func newBell() *bell {
	return &bell{struck: make(chan struct{}, 1), stop: make(chan struct{})}
}

func (b *bell) start(ring func()) {
	b.done = make(chan struct{})
	go func() {
		defer close(b.done)
		for b.await() {
			ring()
			(&backoff{next: bellPause / 2}).pause(context.Background(), b.stop)
		}
	}()
}

// await returns false when the bell is closed and nothing is left to tell.
func (b *bell) await() bool {
	select {
	case <-b.struck:
		return true
	default:
	}
	select {
	case <-b.struck:
		return true
	case <-b.stop:
		return len(b.struck) > 0
	}
}

// strike never waits.
func (b *bell) strike() {
	select {
	case b.struck <- struct{}{}:
	default:
	}
}

// close lets the last strike be heard.
func (b *bell) close() {
	close(b.stop)
	if b.done != nil {
		<-b.done
	}
}

// ring is a hint, nothing more: when it is lost, others see the change with
// their next look.
func (s *Store) ring() {
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	_, _ = s.pool.Exec(ctx, sqlNotify, s.link.channel)
}
