package issuer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// refuse records the refusal of a client that proved who it is. The proof is
// used up by it, so that it cannot be tried again. Beyond the bound of the client
// it is counted, and the next record says how many were.
func (d *Desk) refuse(ctx context.Context, v *visit, r *Refusal) *Refusal {
	r.Client, r.Decision = v.who.Client, v.decision
	skipped, record, used := d.refusals.take(v.who.Client, v.who.Once, v.at)
	switch {
	case used:
		return d.turnAway(ctx, v, v.replayed())
	case !record:
		d.counts.refused.Add(1)
		d.counts.unrecorded.Add(1)
		return r
	}
	_, err := d.config.Ledger.Append(ctx, store.Entry{Event: more(d.refused(v, r), skipped), Once: v.who.Once})
	switch {
	case errors.Is(err, store.ErrUsed):
		return d.turnAway(ctx, v, v.replayed())
	case err != nil:
		return d.unkept(v, err)
	}
	d.counts.refused.Add(1)
	return r
}

// more tells in an event how many like it were not recorded.
func more(e event.Event, skipped uint64) event.Event {
	if skipped > 0 {
		note := fmt.Sprintf(" [%d more before this one were only counted]", skipped)
		e.Detail = cut(e.Detail, maxDetail-len(note)) + note
	}
	return e
}

// turnAway records the refusal of somebody who did not prove who it is. Beyond
// the bound it is counted, and the next record says how many were.
func (d *Desk) turnAway(ctx context.Context, v *visit, r *Refusal) *Refusal {
	if r.Client == "" {
		r.Client = v.who.Client
	}
	r.Decision = v.decision
	d.counts.refused.Add(1)
	limit := &d.strange
	if r.signed() {
		limit = &d.genuine
	}
	skipped, ok := limit.take(v.at)
	if !ok {
		d.counts.unrecorded.Add(1)
		return r
	}
	e := more(d.refused(v, r), skipped)
	if _, err := d.config.Ledger.Append(ctx, store.Entry{Event: e}); err != nil {
		return d.unkept(v, err)
	}
	return r
}

// unkept is the answer when the book does not take a record.
func (d *Desk) unkept(v *visit, err error) *Refusal {
	d.counts.failed.Add(1)
	return &Refusal{
		Ground: Unavailable, Detail: "the book did not take the record: " + err.Error(),
		Decision: v.decision, Client: v.who.Client,
	}
}

// replayed is the refusal of a proof that was used before. It is signed: that
// somebody shows it twice is worth knowing.
func (v *visit) replayed() *Refusal {
	return &Refusal{
		Ground: Unauthenticated, Detail: "the client assertion was used before", Client: v.who.Client,
		Assertion: &narrowcast.Rejection{Genuine: true, Claimed: v.who.Assertion},
	}
}

// event starts the record of a visit. A visit has one number, however often its
// record is attempted, so that gaps mean loss.
func (d *Desk) event(v *visit, what event.Type) event.Event {
	if v.sequence == 0 {
		v.sequence = d.sequence.Add(1)
	}
	e := event.Event{
		Version: event.Version, ID: v.decision, Type: what, Time: v.at.UTC(), Tenant: d.config.Tenant,
		Writer: d.config.Writer, Sequence: v.sequence, Decision: v.decision,
	}
	if v.request.From != (event.Request{}) {
		from := v.request.From
		e.Request = &from
	}
	return e
}

// issued describes the token that was really minted, read back from its text.
func (d *Desk) issued(v *visit) (event.Event, error) {
	claimed, err := narrowcast.Inspect(v.token)
	if err != nil {
		return event.Event{}, fmt.Errorf("reading back what was minted: %w", err)
	}
	e := d.event(v, event.Issued)
	e.Genuine = true
	e.Expected = v.rule.Audience.String()
	e.Detail = cut(v.who.Method+"; "+explain(v.rule), maxDetail)
	e.Token = event.TokenOf(claimed)
	return e, nil
}

// refused describes a refusal. What strangers wrote is cut so short that no
// token fits.
func (d *Desk) refused(v *visit, r *Refusal) event.Event {
	e := d.event(v, event.Refused)
	e.Refusal, e.Expected = r.Ground.Code(), v.asked
	e.Detail = cut(r.Detail, maxDetail)
	if r.Edge {
		e.Detail = cut("edge_denied: "+e.Detail, maxDetail)
	}
	e.Genuine = v.who.Client != ""
	client := string(r.Client)
	if !e.Genuine {
		client = hearsay(client)
	}
	e.Token = &event.Token{Client: client, Subject: client, Scope: v.rule.Scope.String()}
	if rej := r.Assertion; rej != nil {
		e.Genuine = rej.Genuine
		e.Reason, e.Also, e.Near = rej.Reason, rej.Also, cut(rej.Near, maxDetail)
		for _, audience := range rej.Received[:min(len(rej.Received), maxReceived)] {
			e.Received = append(e.Received, hearsay(audience))
		}
		e.Token = assertionFacts(rej.Claimed)
	}
	return e
}

// assertionFacts are what an assertion says of itself, bounded.
func assertionFacts(c narrowcast.Claimed) *event.Token {
	return &event.Token{
		Fingerprint: c.Fingerprint, ID: hearsay(c.TokenID), Issuer: hearsay(c.Issuer), Subject: hearsay(c.Subject),
		Client: hearsay(c.Issuer), KeyID: hearsay(c.KeyID), IssuedAt: c.IssuedAt, Expires: c.Expires,
	}
}

// Bounds on the text of an event.
const (
	maxDetail   = 1024
	maxReceived = 4
	maxHearsay  = 100 // an ES256 token of one claim is longer
)

func hearsay(s string) string { return cut(s, maxHearsay) }

// cut bounds a text and takes out what would write on a terminal.
func cut(s string, most int) string {
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most-len("…")], "") + "…"
	}
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
