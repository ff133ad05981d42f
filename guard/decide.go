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
	nonce    string // for the DPoP-Nonce header of the answer; empty for none
	asks     bool   // the refusal is the demand for a nonce
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
	key := foldKey{token: token.Fingerprint(), peer: k.peer, minute: minuteOf(now), degraded: g.isDegraded(token)}
	if key.degraded {
		g.counts.degraded.Add(1)
	}
	if _, oldest := g.folds.add(key, token, nil, now); oldest != nil {
		g.book.record(g.presented(oldest))
	}
	if k.shown.scheme {
		g.senders.proved.Add(1)
	}
	return verdict{opens: true, token: token, nonce: g.nextNonce(k, true)}
}

// verify refuses a token in a form even when a good one is in the header. It
// reads the body last but one: for nobody whose token is refused already. Last it
// uses up the proof of possession.
func (g *Guard) verify(k *knock, need narrowcast.Scope) (*narrowcast.Token, *narrowcast.Rejection) {
	token, rej := g.verifyHeader(k, need)
	if k.inForm {
		return nil, malformed("a token in the form body")
	}
	nothing := rej != nil && rej.Reason == narrowcast.TokenMissing && len(k.authorization) == 0
	passes := rej == nil || rej.OnlyAboutAudience() && g.observing(g.now())
	if (nothing || passes) && k.carriesForm() {
		return nil, malformed("a token in the form body")
	}
	if passes {
		if rej = g.use(k, token, rej); rej != nil {
			token = nil
		}
	}
	k.explain(rej)
	return token, rej
}

func (g *Guard) verifyHeader(k *knock, need narrowcast.Scope) (*narrowcast.Token, *narrowcast.Rejection) {
	text, rej := k.credentials(g.possession.checker != nil)
	if rej != nil {
		return nil, rej
	}
	p := narrowcast.Presentation{Need: need, Certificate: k.certificate, Request: g.requestOf(k)}
	if k.shown.scheme {
		p.Prove = func() (string, narrowcast.Reason) { return g.prove(k, text) }
	}
	p.Last = func() narrowcast.Reason { return g.last(k) }
	token, err := g.verifier.Verify(k.request.Context(), text, p)
	if err == nil {
		return token, nil
	}
	if !errors.As(err, &rej) {
		rej = &narrowcast.Rejection{Reason: narrowcast.NotConfigured, Cause: err}
	}
	g.namePassthrough(k, text, rej)
	return nil, rej
}

// last is what the guard itself has to say before a token for one use is used up:
// the body has no token, and the proof of possession was not shown before.
func (g *Guard) last(k *knock) narrowcast.Reason {
	if k.inForm = k.carriesForm(); k.inForm {
		return narrowcast.RequestMalformed
	}
	k.shown.used = true
	return g.useProof(k)
}

func (g *Guard) turnAway(k *knock, rej *narrowcast.Rejection, need narrowcast.Scope, now time.Time) verdict {
	v := verdict{rej: rej, need: need, decision: newDecision()}
	v.opens = g.observing(now) && rej.OnlyAboutAudience()
	v.asks, v.nonce = k.shown.ask, g.nextNonce(k, v.opens)
	g.senders.count(k, rej)
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
	g.recordRefusal(g.turnedAway(kind, k, v, now), k.peer, now)
	return v
}

// recordRefusal bounds what one caller can write. Of a genuine token the first few
// refusals of a kind are recorded at once, and the others of that minute together
// when it is over. The rest is noise.
func (g *Guard) recordRefusal(e event.Event, peer string, now time.Time) {
	if !e.Genuine {
		if g.book.noise.allow(now) {
			g.book.record(e)
		} else {
			g.counts.unrecorded.Add(1)
		}
		return
	}
	key := foldKey{peer: peer, minute: minuteOf(now), kind: e.Type, reason: e.Reason, passed: strings.HasPrefix(e.Detail, passedThrough)}
	if e.Token != nil {
		key.token = e.Token.Fingerprint
	}
	alone, oldest := g.refusals.add(key, nil, &e, now)
	if oldest != nil {
		g.recordRefusals(oldest)
	}
	if alone {
		g.book.record(e)
	}
}

// recordRefusals records the refusals behind the first few, if there were any.
// The event is that of the last one, under whose decision it is found.
func (g *Guard) recordRefusals(f *fold) {
	if f.count == 0 {
		return
	}
	e := *f.refused
	e.Fold = &event.Fold{Count: f.count, First: f.first.UTC(), Last: f.last.UTC()}
	g.book.record(e)
}

// newDecision returns an id with 130 random bits. Its length is the same for
// all, so that answers differ in nothing else.
func newDecision() string { return strings.ToLower(rand.Text()) }
