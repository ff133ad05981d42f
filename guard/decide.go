package guard

import (
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
)

// verdict is what the guard decided about one knock.
type verdict struct {
	opens    bool
	token    *narrowcast.Token     // nil when refused, and when observe mode lets pass
	rej      *narrowcast.Rejection // nil when accepted
	need     narrowcast.Scope
	decision string
}

// decide is the one place where a door opens.
func (g *Guard) decide(k *knock) verdict {
	if g.verifier == nil {
		return verdict{rej: &narrowcast.Rejection{Reason: narrowcast.NotConfigured}, decision: newDecision()}
	}
	need := g.need(k)
	token, rej := g.verify(k, need)
	now := g.now()
	if rej != nil {
		return g.turnAway(k, rej, need, now)
	}
	g.counts.accepted.Add(1)
	if oldest := g.folds.add(token, k.peer, now); oldest != nil {
		g.book.record(g.presented(oldest))
	}
	return verdict{opens: true, token: token}
}

func (g *Guard) verify(k *knock, need narrowcast.Scope) (*narrowcast.Token, *narrowcast.Rejection) {
	text, rej := k.bearer()
	if rej != nil {
		return nil, rej
	}
	token, err := g.verifier.Verify(k.request.Context(), text, narrowcast.Presentation{Need: need, Certificate: k.certificate})
	if err == nil {
		return token, nil
	}
	if !errors.As(err, &rej) {
		rej = &narrowcast.Rejection{Reason: narrowcast.NotConfigured, Cause: err}
	}
	return nil, rej
}

func (g *Guard) turnAway(k *knock, rej *narrowcast.Rejection, need narrowcast.Scope, now time.Time) verdict {
	v := verdict{rej: rej, need: need, decision: newDecision()}
	v.opens = g.observing(now) && rej.OnlyAboutAudience()
	kind := event.Rejected
	switch {
	case v.opens:
		kind = event.WouldReject
		g.counts.wouldReject.Add(1)
	case rej.OffTarget():
		kind = event.OffTarget
		g.counts.offTarget.Add(1)
	}
	if !v.opens {
		g.counts.rejected.Add(1)
	}
	if !rej.Genuine && !g.book.noise.allow(now) {
		g.counts.unrecorded.Add(1)
		return v
	}
	g.book.record(g.turnedAway(kind, k, v, now))
	return v
}

// newDecision returns an id with 130 random bits. Its length is the same for
// all, so that answers differ in nothing else.
func newDecision() string { return strings.ToLower(rand.Text()) }
