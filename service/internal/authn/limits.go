package authn

import (
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
)

// limits counts wrong secrets per client. All ids that are not in the registry
// share one count, so that the memory is bounded by the registry. A client that
// is held back can still use a secret that was right a moment ago, so guessing
// does not lock out a client that is at work.
type limits struct {
	mu      sync.Mutex
	clients map[narrowcast.ClientID]*failures
	unknown failures
}

// failures leak away over time.
type failures struct {
	count float64
	since time.Time
}

// After a burst of wrong secrets a client gets one more try every so often.
const (
	burstFailures = 10
	oneMoreTry    = 6 * time.Second
)

func newLimits() *limits { return &limits{clients: map[narrowcast.ClientID]*failures{}} }

func (l *limits) of(id narrowcast.ClientID, known bool) *failures {
	if !known {
		return &l.unknown
	}
	f := l.clients[id]
	if f == nil {
		f = &failures{}
		l.clients[id] = f
	}
	return f
}

func (f *failures) leak(now time.Time) {
	if passed := now.Sub(f.since); passed > 0 {
		f.count, f.since = max(0, f.count-float64(passed)/float64(oneMoreTry)), now
	}
}

// reserve takes a try before the work is done, so that parallel guesses do not
// slip through. It reports false when there is none left.
func (l *limits) reserve(id narrowcast.ClientID, known bool, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.of(id, known)
	f.leak(now)
	if f.count+1 > burstFailures {
		return false
	}
	f.count++
	return true
}

// refund gives the try back: the secret was right, or was not looked at.
func (l *limits) refund(id narrowcast.ClientID, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.of(id, known)
	f.count = max(0, f.count-1)
}

// keepOnly forgets clients that left the registry.
func (l *limits) keepOnly(clients map[narrowcast.ClientID]*registry.Client) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id := range l.clients {
		if clients[id] == nil {
			delete(l.clients, id)
		}
	}
}
