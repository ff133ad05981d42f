// Package narrowcasttest is the test kit for those who use Narrowcast: an issuer
// in memory, a clock to move by hand, a drawer full of wrong tokens, and Probe,
// which shows all of them to a handler.
//
// The issuer is rude on purpose. It does everything that the standards allow
// and that careless callers do not expect. It keeps its state in memory and can
// be given no database, so it cannot be mistaken for one to run.
package narrowcasttest

import (
	"sync"
	"time"
)

// Start is where a new Clock stands: 2027-01-15T08:00:00Z.
const Start = 1_800_000_000

// Clock is a clock that moves only when told. It may be used by many
// goroutines; its zero value stands at Start.
type Clock struct {
	mu    sync.Mutex
	moved time.Duration
}

// Now returns the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Unix(Start, 0).UTC().Add(c.moved)
}

// Advance moves the clock by d, which may be negative.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moved += d
}
