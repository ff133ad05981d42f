package narrowcast_test

import (
	"context"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// register remembers uses by issuer and id.
type register struct {
	used  map[string]bool
	asked int
	fail  narrowcast.Reason
}

func (r *register) Use(_ context.Context, t *narrowcast.Token) narrowcast.Reason {
	r.asked++
	name := t.Issuer().String() + " " + string(t.ID())
	switch {
	case r.fail != 0:
		return r.fail
	case r.used[name]:
		return narrowcast.Replayed
	case r.used == nil:
		r.used = map[string]bool{}
	}
	r.used[name] = true
	return 0
}

func once() string { return with(right, `"single_use":true`) }

func TestATokenForOneUseOpensOnce(t *testing.T) {
	for name, cached := range map[string]int{"without memory": 0, "with memory": 100} {
		t.Run(name, func(t *testing.T) {
			uses := &register{}
			d := newDoor(t, func(c *narrowcast.Config) { c.Uses, c.Cache = uses, cached })
			plain, text := d.pen.sign(t, goodHead, right), d.pen.sign(t, goodHead, once())
			for range 3 {
				mustAccept(t, d.Verifier, plain, narrowcast.Presentation{})
			}
			if uses.asked != 0 {
				t.Errorf("asked about a token for many uses")
			}
			if token := mustAccept(t, d.Verifier, text, narrowcast.Presentation{}); !token.SingleUse() || !token.Describe().SingleUse {
				t.Error("the token does not say that it is for one use")
			}
			for range 2 {
				mustRefuse(t, d.Verifier, text, narrowcast.Presentation{}, narrowcast.Replayed)
			}
			mustRefuse(t, d.Verifier, twin(t, text), narrowcast.Presentation{}, narrowcast.Replayed)
		})
	}
}

// TestARefusedRequestUsesNothingUp: whoever cannot use a token cannot spoil it.
func TestARefusedRequestUsesNothingUp(t *testing.T) {
	uses, live := &register{}, &liveness{}
	d := newDoor(t, func(c *narrowcast.Config) { c.Uses, c.Liveness = uses, live })
	text := d.pen.sign(t, goodHead, with(right, `"single_use":true,"cnf":{"x5t#S256":"abc"}`))
	good := narrowcast.Presentation{Certificate: "abc"}
	mustRefuse(t, d.Verifier, text, narrowcast.Presentation{}, narrowcast.Downgrade)
	mustRefuse(t, d.Verifier, text, narrowcast.Presentation{Certificate: "abc", Need: narrowcast.MustScope("audit")}, narrowcast.InsufficientScope)
	live.says = narrowcast.TaskPaused
	mustRefuse(t, d.Verifier, text, good, narrowcast.TaskPaused)
	live.says = 0
	d.clock.now = at.Add(time.Hour)
	mustRefuse(t, d.Verifier, text, good, narrowcast.Expired)
	d.clock.now = at
	if uses.asked != 0 {
		t.Errorf("asked %d times", uses.asked)
	}
	mustAccept(t, d.Verifier, text, good)
	mustRefuse(t, d.Verifier, text, good, narrowcast.Replayed)
}

func TestAUseThatNobodyRemembersIsRefused(t *testing.T) {
	nobody, uses := newDoor(t), &register{}
	mustAccept(t, nobody.Verifier, nobody.pen.sign(t, goodHead, with(right, `"single_use":false`)), narrowcast.Presentation{})
	mustRefuse(t, nobody.Verifier, nobody.pen.sign(t, goodHead, once()), narrowcast.Presentation{}, narrowcast.UseUnknown)
	d := newDoor(t, func(c *narrowcast.Config) { c.Uses = uses })
	text := d.pen.sign(t, goodHead, once())
	for _, uses.fail = range []narrowcast.Reason{narrowcast.UseUnknown, narrowcast.Stale, narrowcast.Expired, 255} {
		mustRefuse(t, d.Verifier, text, narrowcast.Presentation{}, narrowcast.UseUnknown)
	}
	uses.fail = 0
	mustAccept(t, d.Verifier, text, narrowcast.Presentation{})
}

// TestObserveModeDoesNotLetTokensForOneUsePass: they would be good for any number
// of requests, because a refused token is not used up.
func TestObserveModeDoesNotLetTokensForOneUsePass(t *testing.T) {
	uses := &register{}
	d := newDoor(t, func(c *narrowcast.Config) { c.Uses = uses })
	control := mustRefuse(t, d.Verifier, d.pen.sign(t, goodHead, swap(t, right, pay, crm)), narrowcast.Presentation{}, narrowcast.AudienceMismatch)
	rej := mustRefuse(t, d.Verifier, d.pen.sign(t, goodHead, swap(t, once(), pay, crm)), narrowcast.Presentation{}, narrowcast.AudienceMismatch)
	if !control.OnlyAboutAudience() || rej.OnlyAboutAudience() || !rej.Failed(narrowcast.UseUnknown) || uses.asked != 0 {
		t.Errorf("control %v, rejection %v also %v, asked %d", control, rej, rej.Also, uses.asked)
	}
}

func TestAVerifierTellsWhetherItRemembersUses(t *testing.T) {
	plain, remembering := newDoor(t), newDoor(t, func(c *narrowcast.Config) { c.Uses = &register{} })
	if plain.Describe().SingleUse || !remembering.Describe().SingleUse || plain.Digest() == remembering.Digest() {
		t.Error("the descriptions do not differ")
	}
}
