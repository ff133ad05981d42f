package policy

import "time"

// WhenStale says what a verifier does when it no longer knows well enough what
// was revoked.
type WhenStale string

// The choices. An empty one refuses.
const (
	Refuse WhenStale = "refuse"
	Accept WhenStale = "accept"
)

// Stale is when news of revocations counts as too old at a door, and what
// follows then.
type Stale struct {
	After time.Duration
	When  WhenStale
}

// Looser reports whether a token that was revoked could be accepted for longer
// than before.
func (s Stale) Looser(was Stale) bool {
	if was.When == Accept {
		return false
	}
	return s.When == Accept || s.After > was.After
}
