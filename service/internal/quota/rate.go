// Package quota bounds what one tenant may take of the machine, so that its
// storm leaves the others alone.
package quota

import (
	"sync/atomic"
	"time"
)

// Rate lets so many things through in a second, and as many at once after a
// quiet second. It may be used by many goroutines. Nil and the zero Rate let
// everything through.
type Rate struct {
	interval int64 // nanoseconds between two things
	began    atomic.Pointer[time.Time]
	due      atomic.Int64 // when the next one would be due at an even pace, in nanoseconds since began
}

// NewRate makes a Rate. Zero or less means no bound.
func NewRate(perSecond int) *Rate {
	if perSecond <= 0 {
		return nil
	}
	return &Rate{interval: int64(time.Second) / int64(perSecond)}
}

// Take asks whether one more may pass now.
func (r *Rate) Take(now time.Time) bool { return r.TakeMany(1, now) }

// TakeMany asks for n at once: all pass, or none. A batch larger than a second's
// worth passes after a quiet second, and makes the following ones wait.
func (r *Rate) TakeMany(n int, now time.Time) bool {
	if r == nil || r.interval == 0 || n <= 0 {
		return true
	}
	at := r.since(now)
	for {
		old := r.due.Load()
		due := max(old, at)
		if due-at > int64(time.Second)-r.interval {
			return false
		}
		if r.due.CompareAndSwap(old, due+int64(n)*r.interval) {
			return true
		}
	}
}

// since is the time that has passed since the first question, by the clock that
// nobody can set when now has a reading of it.
func (r *Rate) since(now time.Time) int64 {
	if r.began.Load() == nil {
		r.began.CompareAndSwap(nil, &now)
	}
	return int64(now.Sub(*r.began.Load()))
}
