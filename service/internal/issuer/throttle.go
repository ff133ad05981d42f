package issuer

import (
	"sync"
	"time"
)

// throttle is a bucket that fills steadily. It bounds how many refusals are kept
// in the book.
type throttle struct {
	perSecond, burst float64

	mu      sync.Mutex
	full    float64
	since   time.Time
	skipped uint64
}

// take reports whether one more may pass, and how many did not since the last
// one that did.
func (t *throttle) take(now time.Time) (skipped uint64, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch passed := now.Sub(t.since); {
	case t.since.IsZero():
		t.full, t.since = t.burst, now
	case passed > 0:
		t.full, t.since = min(t.burst, t.full+passed.Seconds()*t.perSecond), now
	}
	if t.full < 1 {
		t.skipped++
		return 0, false
	}
	t.full--
	skipped, t.skipped = t.skipped, 0
	return skipped, true
}

// idle reports whether the bucket is full again and nothing waits to be told.
func (t *throttle) idle(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.skipped == 0 && t.full+now.Sub(t.since).Seconds()*t.perSecond >= t.burst
}
