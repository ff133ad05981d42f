package introspect

import (
	"context"
	"errors"
	"fmt"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// keep records what was asked before anybody is told. A proof of identity that is
// good once is used up by the record, so there is one in any case then; the rest
// is bounded.
func (d *Desk) keep(ctx context.Context, a *ask, what event.Type, detail string) error {
	skipped := uint64(0)
	if len(a.who.Once) == 0 {
		var record bool
		if skipped, record = d.worth(a, what); !record {
			return nil
		}
	}
	if skipped > 0 {
		detail += fmt.Sprintf(" [%d more before this one were only counted]", skipped)
	}
	_, err := d.config.Ledger.Append(ctx, store.Entry{Event: d.event(a, what, detail), Once: a.who.Once})
	switch {
	case errors.Is(err, store.ErrUsed):
		// Without a decision: there is no record of it yet.
		return &issuer.Refusal{Ground: issuer.Unauthenticated, Client: a.who.Client, Detail: "the client assertion was used before"}
	case err != nil:
		return &issuer.Refusal{Ground: issuer.Unavailable, Client: a.who.Client, Decision: a.decision, Detail: "the book did not take the record: " + err.Error()}
	}
	return nil
}

// worth reports whether a question is recorded that need not be: a good token
// once a minute for each that asks, the others within the bounds of the client.
func (d *Desk) worth(a *ask, what event.Type) (skipped uint64, record bool) {
	if what == event.Presented {
		return 0, d.said.first(a.claimed.Fingerprint, a.who.Client, a.at)
	}
	return d.limits.take(a.who.Client, what, a.at)
}

func (d *Desk) event(a *ask, what event.Type, detail string) event.Event {
	e := event.Event{
		Version: event.Version, ID: a.decision, Type: what, Time: a.at.UTC(), Tenant: d.config.Tenant,
		Writer: d.config.Writer, Sequence: d.sequence.Add(1), Decision: a.decision,
		Genuine: a.known, Detail: detail, Token: a.facts(),
	}
	if from := a.request.From; from != (event.Request{}) {
		e.Request = &from
	}
	for _, audience := range a.claimed.Audience[:min(1, len(a.claimed.Audience))] {
		e.Received = []string{short(audience)}
	}
	switch what {
	case event.Presented:
		e.Expected, e.Mode = a.resource.String(), event.Enforce
	case event.OffTarget:
		e.Expected, e.Reason, e.Mode = a.request.From.Path, narrowcast.AudienceMismatch, event.Enforce
		if a.reason != 0 {
			e.Also = []narrowcast.Reason{a.reason}
		}
	case event.Rejected:
		e.Reason, e.Mode = a.reason, event.Enforce
	}
	return e
}

// facts are those of the token. Of one that nobody vouches for there is the
// fingerprint and little else.
func (a *ask) facts() *event.Token {
	if a.known {
		return event.TokenOf(a.claimed)
	}
	return &event.Token{Fingerprint: a.claimed.Fingerprint, ID: short(a.claimed.TokenID), Issuer: short(a.claimed.Issuer)}
}

func broken(a *ask, err error) error {
	return &issuer.Refusal{Ground: issuer.Broken, Client: a.who.Client, Decision: a.decision, Detail: err.Error()}
}
