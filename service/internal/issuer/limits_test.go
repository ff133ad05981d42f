package issuer_test

import (
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/uses"
)

func (w *works) uses() *uses.Desk {
	w.t.Helper()
	desk, err := uses.New(uses.Config{Ledger: w.book, Now: func() time.Time { return w.now }, Writer: "uses"})
	if err != nil {
		w.t.Fatal(err)
	}
	return desk
}

// use is what the guard of a door does when it is shown a token for one use.
func (w *works) use(token string) (first bool) {
	w.t.Helper()
	c := claims(w.t, token)
	first, err := w.uses().Use(w.t.Context(), uses.Use{
		Audience: narrowcast.MustAudience(c.Audience[0]), Token: narrowcast.TokenID(c.TokenID), By: "guard", Until: c.Expires.Add(narrowcast.MaxSkew),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return first
}

// Tokens for data are good for one use, those for crm are not.
func TestATokenForOneUseIsExchangedOnce(t *testing.T) {
	w := openWorks(t)
	token := w.grant(asking("other", data)).Token
	child := claims(t, w.grant(exchanging("store", token, crm)).Token)
	if !child.SingleUse || !w.last().Token.SingleUse {
		t.Errorf("what came of a token for one use is not one: %+v", child)
	}
	_, err := w.Grant(t.Context(), exchanging("store", token, crm))
	if ground(t, err) != issuer.SubjectTokenRefused || !strings.Contains(err.Error(), "was exchanged before") {
		t.Error(err)
	}
	if e := w.last(); e.Type != event.Refused || e.Refusal != "invalid_request" || !strings.Contains(e.Detail, child.Parent) || e.Check() != nil {
		t.Errorf("event = %+v", e)
	}
	// One that was shown at its door, as it must be before whoever is behind it has
	// it, is exchanged once like any other.
	shown := w.grant(asking("other", data)).Token
	if !w.use(shown) || w.use(shown) {
		t.Error("its door counts otherwise")
	}
	w.grant(exchanging("store", shown, crm))
	if _, err := w.Grant(t.Context(), exchanging("store", shown, crm)); ground(t, err) != issuer.SubjectTokenRefused {
		t.Error(err)
	}
	// The control: a token for any number of uses.
	free := w.grant(asking("job", orch)).Token
	w.grant(exchanging("orch", free, data))
	w.grant(exchanging("orch", free, data))
}

// Two exchanges at once: the book lets one of them pass.
func TestAnExchangeInTheMeantime(t *testing.T) {
	w := openWorks(t)
	token := w.grant(asking("other", data)).Token
	w.before = func() { w.grant(exchanging("store", token, crm)) }
	if _, err := w.Grant(t.Context(), exchanging("store", token, crm)); ground(t, err) != issuer.SubjectTokenRefused {
		t.Error(err)
	}
}

// An exchange that is refused uses nothing up, and a replayed proof is told apart
// from a used token.
func TestWhatUsesNothingUp(t *testing.T) {
	w := openWorks(t)
	proving := func(proof string) func(*issuer.Request) {
		return func(r *issuer.Request) { r.Proofs = []string{proof} }
	}
	token := w.grant(asking("other", data)).Token
	if _, err := w.Grant(t.Context(), exchanging("store", token, orch)); ground(t, err) != issuer.TargetRefused {
		t.Error(err)
	}
	w.grant(exchanging("store", token, crm, proving("proof 1")))
	if _, err := w.Grant(t.Context(), exchanging("store", token, crm, proving("proof 2"))); ground(t, err) != issuer.SubjectTokenRefused {
		t.Error(err)
	}
	if _, err := w.Grant(t.Context(), exchanging("store", token, crm, proving("proof 1"))); ground(t, err) != issuer.ProofReplayed {
		t.Error(err)
	}
}

// A token for one exact request does not become one for others.
func TestAnExchangeLosesNoLimit(t *testing.T) {
	request := `{"type":"urn:narrowcast:request","method":"GET","target":"/"}`
	for name, c := range map[string]struct {
		details, target string
		want            issuer.Ground
	}{
		"one request":                       {details: "[" + request + "]", target: crm, want: issuer.DelegationRefused},
		"one request among others":          {details: `[{"type":"payment"},` + request + "]", target: crm, want: issuer.DelegationRefused},
		"a payment at the same resource":    {details: `[{"type":"payment"}]`, target: data, want: issuer.DelegationRefused},
		"a payment, for another resource":   {details: `[{"type":"payment"}]`, target: crm},
		"no details, at the same resource":  {target: data},
		"no details, for another resource":  {target: crm},
		"one request, by the wrong client":  {details: "[" + request + "]", target: "-", want: issuer.NotAddressed},
		"one request, for no such resource": {details: "[" + request + "]", target: "https://nowhere.example.test", want: issuer.TargetRefused},
	} {
		t.Run(name, func(t *testing.T) {
			w := openWorks(t)
			token := w.grant(asking("other", data, detailed(c.details))).Token
			client, target := "store", c.target
			if target == "-" {
				client, target = "orch", crm
			}
			_, err := w.Grant(t.Context(), exchanging(client, token, target))
			last := w.last()
			switch {
			case c.want == 0 && err == nil:
			case c.want == 0:
				t.Error(err)
			case ground(t, err) != c.want || last.Type != event.Refused || last.Check() != nil:
				t.Errorf("%v, %+v", err, last)
			case !w.use(token):
				t.Error("a refused exchange used the token up")
			}
		})
	}
}
