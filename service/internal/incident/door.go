package incident

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// door judges one door by what its enforcement points last said of themselves.
// The registry alone is configuration, and configuration is not evidence.
func (r *Room) door(ctx context.Context, door registry.Resource, text string, said narrowcast.Claimed, a *Answer) (Finding, error) {
	f := Finding{Resource: door.Audience.String(), Name: door.Name, Owner: door.Owner}
	for _, aud := range said.Audience {
		f.Own = f.Own || door.Audience.Names(aud)
	}
	if acted := actedAt(door.Audience, a.Showings); acted != nil {
		f.Verdict, f.Evidence = Accepts, Observed
		f.Basis = fmt.Sprintf("it was accepted there at %s by %s", acted.Time.UTC().Format(time.RFC3339), acted.Writer)
		return f, nil
	}
	seen, err := r.enforcers(ctx, door.Audience, a.AsOf)
	if err != nil {
		return Finding{}, err
	}
	if len(seen) == 0 {
		f.Verdict, f.Evidence = Unknown, Declared
		f.Basis = "registered, but no verifier has reported for it around that time"
		return f, nil
	}
	f.Evidence = Observed
	for i, e := range seen {
		one := r.judge(ctx, e, text, said, a.AsOf)
		if i == 0 || worse(one.verdict, f.Verdict) {
			f.Verdict, f.Reason, f.Near, f.Basis = one.verdict, one.reason, one.near, one.basis
		}
	}
	return f, nil
}

// actedAt finds an acceptance in the book: nothing outweighs what happened.
func actedAt(door narrowcast.Audience, showings []Showing) *Showing {
	for i, s := range showings {
		if (s.Outcome == event.Presented || s.Outcome == event.WouldReject) && door.Names(s.Door) {
			return &showings[i]
		}
	}
	return nil
}

// worse orders verdicts by what a responder must fear.
func worse(a, b Verdict) bool {
	rank := map[Verdict]int{Refuses: 0, Unknown: 1, Accepts: 2}
	return rank[a] > rank[b]
}

// enforcers returns the last report of each enforcement point of a door that is
// fresh at the given instant.
func (r *Room) enforcers(ctx context.Context, door narrowcast.Audience, at time.Time) ([]event.Event, error) {
	fresh := r.Fresh
	if fresh == 0 {
		fresh = 5 * time.Minute
	}
	q := store.Query{
		Audience: door.String(), Types: []event.Type{event.VerifierSeen},
		From: at.Add(-fresh), To: at.Add(fresh), Newest: true, Limit: maxReports,
	}
	last := map[string]bool{}
	var seen []event.Event
	for rec, err := range r.Book.Find(ctx, q) {
		if err != nil {
			return nil, fmt.Errorf("reading the book: %w", err)
		}
		if e := rec.Event; e.Verifier != nil && !last[e.Writer] {
			last[e.Writer] = true
			seen = append(seen, e)
		}
	}
	return seen, nil
}

// maxReports bounds how many reports of one door are read.
const maxReports = 10_000

type judgement struct {
	verdict Verdict
	reason  narrowcast.Reason
	near    string
	basis   string
}

// judge builds the verifier that an enforcement point says it is, and asks it.
func (r *Room) judge(ctx context.Context, e event.Event, text string, said narrowcast.Claimed, at time.Time) judgement {
	basis := fmt.Sprintf("%s reported mode %s, configuration %.12s at %s",
		e.Writer, e.Verifier.Mode, e.Verifier.Digest, e.Time.UTC().Format(time.RFC3339))
	if _, trusts := e.Verifier.Issuers[said.Issuer]; trusts && said.Issuer != r.Issuer.String() {
		return judgement{verdict: Unknown, basis: basis + "; it trusts this issuer, whose keys are not at hand"}
	}
	v, err := r.rebuild(e.Verifier, at)
	if err != nil {
		return judgement{verdict: Unknown, basis: basis + "; its configuration cannot be rebuilt here"}
	}
	_, err = v.Verify(ctx, text, narrowcast.Presentation{})
	var rej *narrowcast.Rejection
	switch {
	case err == nil:
		return judgement{verdict: Accepts, basis: basis}
	case !errors.As(err, &rej):
		return judgement{verdict: Unknown, basis: basis}
	case e.Verifier.Mode != event.Enforce && rej.OnlyAboutAudience():
		return judgement{verdict: Accepts, reason: rej.Reason, near: rej.Near, basis: basis + "; observe mode lets it pass"}
	}
	return judgement{verdict: Refuses, reason: rej.Reason, near: rej.Near, basis: basis}
}

func (r *Room) rebuild(d *event.Verifier, at time.Time) (*narrowcast.Verifier, error) {
	audience, err := narrowcast.ParseAudience(d.Audience)
	if err != nil {
		return nil, err
	}
	var trusted []narrowcast.TrustedIssuer
	for id, class := range d.Issuers {
		issuer, err := narrowcast.ParseIssuer(id)
		if err != nil {
			return nil, err
		}
		c, err := narrowcast.ParseClass(class)
		if err != nil {
			return nil, err
		}
		ti := narrowcast.TrustedIssuer{Issuer: issuer, Keys: noKeys{}, Class: c}
		if issuer == r.Issuer {
			ti.Keys = r.Keys
		}
		trusted = append(trusted, ti)
	}
	var algs []narrowcast.Algorithm
	for _, name := range d.Algorithms {
		algs = append(algs, narrowcast.Algorithm(name))
	}
	return narrowcast.NewVerifier(narrowcast.Config{
		Audience: audience, Issuers: trusted, Algorithms: algs, Tenant: d.Tenant, Environment: d.Environment,
		Skew: d.Skew, MaxLifetime: d.MaxLife, Now: func() time.Time { return at },
	})
}

// noKeys stands for an issuer whose keys are not at hand.
type noKeys struct{}

func (noKeys) Key(context.Context, narrowcast.KeyID) (narrowcast.Key, error) {
	return narrowcast.Key{}, narrowcast.ErrKeyUnknown
}
