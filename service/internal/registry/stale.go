package registry

import (
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/policy"
	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

// How old news of revocations may be.
const (
	DefaultStale     = time.Minute
	DefaultStaleHigh = 10 * time.Second // of resources of criticality high
	minStale         = 2 * time.Second
	maxStale         = time.Hour
)

// settleStale fills in what the file does not say. Where little depends on a
// resource it goes on working while the issuer is away.
func (d *draftResource) settleStale(when sy.Value) {
	s := &d.Stale
	if d.Criticality == High && s.When == policy.Accept {
		when.Fault("is accept, and a resource of criticality high must not take tokens while it does not know what was revoked")
	}
	if s.After == 0 {
		s.After = DefaultStale
		if d.Criticality == High {
			s.After = DefaultStaleHigh
		}
	}
	if s.When == "" {
		s.When = policy.Refuse
		if d.Criticality == Low {
			s.When = policy.Accept
		}
	}
}
