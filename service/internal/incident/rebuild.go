package incident

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
)

// rebuild makes the verifier that an enforcement point said it is, or an error if
// anything of what it said is not understood: one term less would make another
// verifier.
func (r *Room) rebuild(d *event.Verifier, at time.Time) (*narrowcast.Verifier, error) {
	audience, err := narrowcast.ParseAudience(d.Audience)
	if err != nil {
		return nil, err
	}
	var trusted []narrowcast.TrustedIssuer
	for id, told := range d.Issuers {
		ti, err := r.trusted(id, told)
		if err != nil {
			return nil, err
		}
		trusted = append(trusted, ti)
	}
	var algs []narrowcast.Algorithm
	for _, name := range d.Algorithms {
		algs = append(algs, narrowcast.Algorithm(name))
	}
	c := narrowcast.Config{
		Audience: audience, Issuers: trusted, Algorithms: algs, Tenant: d.Tenant, Environment: d.Environment,
		Skew: d.Skew, MaxLifetime: d.MaxLife, RequireBinding: d.Binding, Now: func() time.Time { return at },
	}
	if d.SingleUse {
		c.Uses = unused{}
	}
	return narrowcast.NewVerifier(c)
}

// trusted reads what event.VerifierOf wrote of an issuer: its class, and behind it
// the terms in which its tokens differ.
func (r *Room) trusted(id, told string) (narrowcast.TrustedIssuer, error) {
	issuer, errIssuer := narrowcast.ParseIssuer(id)
	name, rest, dialect := strings.Cut(told, "; ")
	class, errClass := narrowcast.ParseClass(name)
	ti := narrowcast.TrustedIssuer{Issuer: issuer, Keys: notAtHand{}, Class: class}
	if issuer == r.Issuer {
		ti.Keys = r.Keys
	}
	errs := []error{errIssuer, errClass}
	if dialect {
		for term := range strings.SplitSeq(rest, "; ") {
			errs = append(errs, ti.SetTerm(term))
		}
	}
	return ti, errors.Join(errs...)
}

// notAtHand stands for the keys of an issuer that is not ours. A verifier that
// gets as far as to ask for them would have decided by them.
type notAtHand struct{}

var errNotAtHand = errors.New("the keys of this issuer are not at hand")

func (notAtHand) Key(context.Context, narrowcast.KeyID) (narrowcast.Key, error) {
	return narrowcast.Key{}, errNotAtHand
}
