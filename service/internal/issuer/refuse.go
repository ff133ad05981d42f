package issuer

import (
	"context"
	"errors"
	"fmt"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// refuse records the refusal of a client that proved who it is. The proof is
// used up by it, so that it cannot be tried again. Beyond the bound of the client
// it is counted, and the next record says how many were.
func (d *Desk) refuse(ctx context.Context, v *visit, r *Refusal) *Refusal {
	r.Client, r.Decision = v.who.Client, v.decision
	once := v.once()
	skipped, record, used := d.refusals.take(v.who.Client, once, v.at)
	switch {
	case used:
		return d.replayed(ctx, v)
	case !record:
		d.counts.refused.Add(1)
		d.counts.unrecorded.Add(1)
		return r
	}
	_, err := d.config.Ledger.Append(ctx, store.Entry{Event: more(d.refused(v, r), skipped), Once: once})
	switch {
	case errors.Is(err, store.ErrUsed):
		return d.replayed(ctx, v)
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
	switch {
	case v.who.Client != "" && r.Ground.later():
		limit = &d.later
	case r.signed() && r.Client == "":
		limit = &d.foreign
	case r.signed():
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

// replayed answers a visit that showed something a second time. The book does
// not say which of two, so what is left without the proof of possession is tried
// as a refusal: when the proof of identity is fresh, it was the other one.
func (d *Desk) replayed(ctx context.Context, v *visit) *Refusal {
	if v.proof.Thumbprint == "" {
		return d.turnAway(ctx, v, v.reused())
	}
	detail := "the proof of possession by key " + v.proof.Thumbprint + " was used before, perhaps at another replica"
	v.proof = Proof{}
	return d.refuse(ctx, v, &Refusal{Ground: ProofReplayed, Detail: detail})
}

// reused is the refusal of a proof of identity that was used before. It is
// signed: that somebody shows it twice is worth knowing.
func (v *visit) reused() *Refusal {
	r := v.unaccepted("the client assertion was used before")
	if v.foreign() {
		r.Detail = "the token, or the client assertion beside it, was used before"
	}
	r.Client, r.Assertion = v.who.Client, &narrowcast.Rejection{Genuine: true, Claimed: v.who.Assertion}
	return r
}
