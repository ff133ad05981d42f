package incident

import (
	"context"
	"fmt"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Survival is for how many seconds more a token may be accepted at most if it is
// called back now, or its task ends: by what the verifier at its door knows of
// revocations. A missing number is not known, and Depends says on what it depends.
type Survival struct {
	Connected *int64 `json:"connected,omitempty"` // its news is at most connectedLag old
	Stale     *int64 `json:"stale,omitempty"`     // it had news, and then for a while none
	Offline   *int64 `json:"offline,omitempty"`   // it never hears of revocations
	Depends   string `json:"depends_on,omitempty"`
}

// connectedLag is how old the news of a verifier may be that counts as connected.
const connectedLag = 2 * time.Second

// survival is what can be said by the token alone: when it ends by itself. The
// clocks of verifiers may be behind by narrowcast.MaxSkew.
func survival(said narrowcast.Claimed, verdict Signature, now time.Time) *Survival {
	switch {
	case verdict == Wrong:
		return nil // no verifier takes it
	case said.Expires.IsZero():
		return &Survival{Depends: "the verifiers: by itself it never ends"}
	}
	return &Survival{Offline: seconds(rest(said.Expires, now)), Depends: "what its issuer knows: how old news of revocations may become at its door, and the lease of its task"}
}

// rest is how long a verifier may go on that hears nothing.
func rest(expires, now time.Time) time.Duration {
	return max(0, expires.Add(narrowcast.MaxSkew).Sub(now))
}

// seconds rounds up: less would be a promise.
func seconds(d time.Duration) *int64 {
	n := int64((d + time.Second - 1) / time.Second)
	return &n
}

// Survival completes an inspection of a genuine token of this house by what the
// registry says now of its resource and the book of its task.
func (r *Room) Survival(ctx context.Context, i *Inspection) error {
	t := &i.Token
	if i.Signature != Right || t.Issuer != r.Issuer.String() || t.Expires.IsZero() || len(t.Audience) != 1 {
		return nil
	}
	lease, known, err := r.lease(ctx, t.Task)
	if err != nil || !known {
		if err == nil {
			i.Survival.Depends = "the lease of its task, which the book does not have"
		}
		return err
	}
	left := rest(t.Expires, r.Now())
	s := &Survival{
		Connected: seconds(min(left, lease+connectedLag)), Offline: seconds(left),
		Depends: "how old news of revocations may become at its door: the resource is not in the registry",
	}
	for _, door := range r.Doors {
		if !door.Audience.Names(t.Audience[0]) {
			continue
		}
		s.Depends, s.Stale = "", s.Offline
		if after, when := door.Stale.After, string(door.Stale.When); when != "accept" {
			s.Stale = seconds(min(left, lease+max(after, connectedLag)))
		}
	}
	i.Survival = s
	return nil
}

// lease is for how long a task goes on whose runner is gone.
func (r *Room) lease(ctx context.Context, task string) (lease time.Duration, known bool, err error) {
	if task == "" {
		return 0, true, nil
	}
	for rec, err := range r.Book.Find(ctx, store.Query{Task: task, Types: []event.Type{event.TaskOpened}, Limit: 1}) {
		if err != nil {
			return 0, false, fmt.Errorf("reading the book: %w", err)
		}
		if t := rec.Event.Task; t != nil && t.ID == task && t.Lease > 0 {
			return t.Lease, true, nil
		}
	}
	return 0, false, nil
}

// survival says it in words, from the best case to the worst.
func (p *printer) survival(s *Survival) {
	p.line("survival   so long at most it is accepted if it is called back now:")
	for _, one := range []struct {
		n     *int64
		where string
	}{
		{s.Connected, "where the verifier is connected to the feed"}, {s.Stale, "where its feed is stale"}, {s.Offline, "where it follows none"},
	} {
		if one.n != nil {
			p.line("           %s %s", time.Duration(*one.n)*time.Second, one.where)
		}
	}
	if s.Depends != "" {
		p.line("           the rest depends on %s", s.Depends)
	}
}
