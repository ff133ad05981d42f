package issuer

import (
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
)

// Survival is how long a token can still open its door after it should have
// died, at worst: by the state of the verifier there.
type Survival struct {
	Connected time.Duration // it hears of revocations within connectedLag
	Stale     time.Duration // it did, and has heard nothing for a while
	Offline   time.Duration // it follows no feed
}

// connectedLag is how old the feed of a verifier may be that counts as connected.
const connectedLag = 2 * time.Second

// survival counts from now. A token of a task dies with its runner when nobody
// renews the lease; how long that takes is part of it.
func (v *visit) survival() Survival {
	expiry := v.rule.Lifetime + narrowcast.MaxSkew
	if v.transaction() { // nobody who reads one follows the feed
		return Survival{Connected: expiry, Stale: expiry, Offline: expiry}
	}
	var lease time.Duration
	if v.task != nil {
		lease = v.task.LeaseFor
	}
	s := Survival{Connected: min(expiry, lease+connectedLag), Stale: expiry, Offline: expiry}
	if v.rule.Stale.When != policy.Accept {
		s.Stale = min(expiry, lease+max(v.rule.Stale.After, connectedLag))
	}
	return s
}
