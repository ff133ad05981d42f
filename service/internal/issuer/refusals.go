package issuer

import (
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// How many refusals of one client that proved who it is are kept one by one. A
// client that asks for the wrong thing in a loop is told so in the book; it does
// not fill the book.
const (
	clientPerSecond, clientBurst = 5, 200
	maxClients                   = 10_000
	maxSpent                     = 65_536
)

// refusals bounds the records of refusals by client, and remembers the ids that
// a proof used up when no record of it is kept. That memory is bounded too: when
// it is full, refusals are recorded again, and the book remembers. It ends with
// the process; a proof in it never brought a token, so what a restart forgives
// is a first use.
type refusals struct {
	mu      sync.Mutex
	clients map[narrowcast.ClientID]*throttle
	spent   map[onceID]time.Time // until
}

type onceID struct{ space, id string }

// take reports whether a refusal is to be recorded, and how many of the same
// client were not since the last one that was. When it is not, once is used up
// here; used says that it was used up before.
func (r *refusals) take(client narrowcast.ClientID, once []store.Once, now time.Time) (skipped uint64, record, used bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.anySpent(once, now) {
		return 0, false, true
	}
	if len(r.spent)+len(once) > maxSpent {
		r.forget(now)
	}
	limit := r.of(client, now)
	if limit == nil || len(r.spent)+len(once) > maxSpent {
		return 0, true, false
	}
	if skipped, record = limit.take(now); record {
		return skipped, true, false
	}
	if r.spent == nil {
		r.spent = map[onceID]time.Time{}
	}
	for _, o := range once {
		r.spent[onceID{o.Space, o.ID}] = o.Until
	}
	return 0, false, false
}

// used reports whether an id was used up by a refusal without a record.
func (r *refusals) used(once []store.Once, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.anySpent(once, now)
}

func (r *refusals) anySpent(once []store.Once, now time.Time) bool {
	for _, o := range once {
		if until, ok := r.spent[onceID{o.Space, o.ID}]; ok && now.Before(until) {
			return true
		}
	}
	return false
}

func (r *refusals) forget(now time.Time) {
	for id, until := range r.spent {
		if !now.Before(until) {
			delete(r.spent, id)
		}
	}
}

// of returns the bound of a client, nil when there is no room for another one.
func (r *refusals) of(client narrowcast.ClientID, now time.Time) *throttle {
	if known := r.clients[client]; known != nil {
		return known
	}
	if len(r.clients) >= maxClients {
		for id, limit := range r.clients {
			if limit.idle(now) {
				delete(r.clients, id)
			}
		}
	}
	if len(r.clients) >= maxClients {
		return nil
	}
	if r.clients == nil {
		r.clients = map[narrowcast.ClientID]*throttle{}
	}
	limit := &throttle{perSecond: clientPerSecond, burst: clientBurst}
	r.clients[client] = limit
	return limit
}
