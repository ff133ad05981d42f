package jwks

import "time"

// Stats is the state of a source, for health pages and metrics.
type Stats struct {
	Keys        int           // keys that are held and may be used now
	Age         time.Duration // of the set that is held; 0 without one
	Usable      bool          // a set is held that is not too old
	Loads       uint64        // loads begun
	Failures    uint64        // loads that failed
	LastAttempt time.Time     // when the last load began
	LastSuccess time.Time     // when the last load that succeeded began
	LastError   error         // how the last load failed; nil when it succeeded
}

func (k *keeper) report() Stats {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, now := k.stats, k.now()
	if h := k.held.Load(); h != nil {
		s.Age = now.Sub(h.since)
	}
	if h := k.current(now); h != nil {
		s.Keys, s.Usable = len(h.keys), true
	}
	return s
}
