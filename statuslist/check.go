package statuslist

import (
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// Check says whether a token lives, from memory: it implements
// [narrowcast.Liveness]. Invalid is Revoked, Suspended is TaskPaused, any other
// status but Valid is Revoked. A place that its list does not have is Revoked
// too (section 8.3 of the draft).
func (f *Follower) Check(t *narrowcast.Token) narrowcast.Reason {
	if t == nil {
		return narrowcast.Stale
	}
	said := t.Describe()
	return f.Status(said.StatusList, said.StatusAt)
}

// Status is Check for a token that names this place of this list; an empty uri
// stands for a token that names none.
func (f *Follower) Status(uri string, index uint64) narrowcast.Reason {
	if f == nil || f.config.Now == nil {
		return narrowcast.Stale
	}
	if uri == "" {
		if f.config.DangerouslyAcceptUnlisted {
			return 0
		}
		return narrowcast.Stale
	}
	name, ours := f.base.name(uri)
	if !ours {
		return f.unknown()
	}
	h := (*f.lists.Load())[name]
	if h == nil {
		f.ask(name)
		return f.unknown()
	}
	if reason := h.says(index); reason != 0 {
		return reason // an old list is right about what it calls dead
	}
	return f.aged(h)
}

// says is what the list says, at whatever age.
func (h *held) says(index uint64) narrowcast.Reason {
	value, err := h.token.Status(index)
	switch {
	case err != nil:
		return narrowcast.Revoked
	case value == Valid:
		return 0
	case value == Suspended:
		return narrowcast.TaskPaused
	}
	return narrowcast.Revoked
}

func (f *Follower) unknown() narrowcast.Reason {
	if f.config.WhenOld == DangerouslyAccept {
		return 0
	}
	return narrowcast.Stale
}

// aged applies the fail mode to a list that calls the token valid.
func (f *Follower) aged(h *held) narrowcast.Reason {
	now := f.config.Now()
	switch {
	case f.config.WhenOld == DangerouslyAccept:
		return 0
	case !now.Before(h.token.Expires):
		return narrowcast.Stale
	case f.config.WhenOld == Refuse && h.age(now) > h.ttl():
		return narrowcast.Stale
	}
	return 0
}

// age is how old a list is, by our receipt and by the issuer's word. The
// issuer's clock may differ, so its word counts with a tolerance.
func (h *held) age(now time.Time) time.Duration {
	return max(now.Sub(h.received), now.Sub(h.token.IssuedAt)-narrowcast.DefaultSkew)
}

func (h *held) ttl() time.Duration {
	if h.token.TTL == 0 {
		return DefaultTTL
	}
	return h.token.TTL
}

// State is what a Follower knows.
type State struct {
	Lists    int           // that are kept
	Bytes    int           // of them, unpacked
	Oldest   time.Duration // the age of the oldest one
	Degraded bool          // a list is older than its ttl, or the last poll failed
	Polls    uint64        // that were completed, with or without faults
	Fault    error         // of the last poll
}

// State returns what the follower knows now.
func (f *Follower) State() State {
	if f == nil || f.config.Now == nil {
		return State{Degraded: true, Fault: errNotMade}
	}
	f.mu.Lock()
	s := State{Fault: f.fault, Polls: f.polls}
	f.mu.Unlock()
	s.Degraded = s.Fault != nil || s.Polls == 0
	now := f.config.Now()
	for _, h := range *f.lists.Load() {
		s.Lists++
		s.Bytes += len(h.token.list.packed)
		s.Oldest = max(s.Oldest, h.age(now))
		s.Degraded = s.Degraded || h.age(now) > h.ttl()
	}
	return s
}
