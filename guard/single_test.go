package guard_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/guard"
	"github.com/narrowcast-io/narrowcast/once"
)

// singular is a guard for pay that takes tokens for one use.
func (w *town) singular(t testing.TB, change func(*guard.Config)) http.Handler {
	t.Helper()
	m, err := once.NewMemory(once.MemoryConfig{Now: w.now, Most: 10})
	if err != nil {
		t.Fatal(err)
	}
	v, err := narrowcast.NewVerifier(narrowcast.Config{
		Audience: narrowcast.MustAudience(pay), Algorithms: []narrowcast.Algorithm{narrowcast.Ed25519}, Now: w.now, Uses: m,
		Issuers: []narrowcast.TrustedIssuer{{Issuer: narrowcast.MustIssuer(issuer), Keys: w.keys}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return w.door(t, pay, func(c *guard.Config) {
		c.Verifier = v
		if change != nil {
			change(c)
		}
	}).Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
}

// TestAskingForANonceUsesNoToken: whoever is told to come again must be let in then.
func TestAskingForANonceUsesNoToken(t *testing.T) {
	w, n := newTown(t), nonces(t)
	me := &caller{w: w, prover: proverOf(t)}
	me.token = w.sign(t, map[string]any{"single_use": true, "cnf": map[string]any{"jkt": me.prover.Thumbprint()}})
	h := w.singular(t, func(c *guard.Config) {
		c.Sender = guard.SenderPreferred
		c.DPoP = guard.DPoP{Checker: w.checker(t, nil)}
		w.withNonces(t, n)(c)
	})
	send := func(proof string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", chargePath, nil)
		r.Header.Set("Authorization", "DPoP "+me.token)
		r.Header.Set("DPoP", proof)
		return serve(h, r)
	}
	first := send(me.proof(t, "POST", chargeURI, ""))
	nonce := first.Header().Get("DPoP-Nonce")
	if first.Code != 401 || nonce == "" || w.book.last(t).Reason != narrowcast.ProofInvalid {
		t.Fatalf("%d %v", first.Code, w.book.last(t))
	}
	proof := me.proof(t, "POST", chargeURI, nonce)
	if got := send(proof); got.Code != 200 {
		t.Errorf("with the nonce: %d %s", got.Code, w.book.last(t).Reason)
	}
	for name, again := range map[string]string{"the same proof": proof, "another proof": me.proof(t, "POST", chargeURI, nonce)} {
		if got := send(again); got.Code != 401 || w.book.last(t).Reason != narrowcast.Replayed {
			t.Errorf("%s: %d %s", name, got.Code, w.book.last(t).Reason)
		}
	}
}

func TestATokenInAFormUsesNoToken(t *testing.T) {
	w := newTown(t)
	h, token := w.singular(t, nil), w.sign(t, map[string]any{"single_use": true})
	form := post("/a", "access_token=x", token)
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if got := serve(h, form); got.Code != 400 || w.book.last(t).Reason != narrowcast.RequestMalformed {
		t.Errorf("%d %s", got.Code, w.book.last(t).Reason)
	}
	for n, want := range []int{200, 401} {
		if got := serve(h, post("/a", "", token)); got.Code != want {
			t.Errorf("use %d: %d, want %d", n+1, got.Code, want)
		}
	}
}

// TestObserveModeDoesNotSetTheContentAside: it sets the audience aside and nothing else.
func TestObserveModeDoesNotSetTheContentAside(t *testing.T) {
	w := newTown(t)
	g := w.door(t, pay, func(c *guard.Config) {
		c.DangerouslyObserveAudience = guard.Observe{Owner: "team-payments", Until: at.Add(time.Hour)}
	})
	claims := forRequest("POST", "/charges", "good")
	claims["aud"] = crm
	if got := serve(g.Wrap(echo), post("/charges", "evil", w.sign(t, claims))); got.Code != 401 {
		t.Errorf("another content: %d", got.Code)
	}
	if got := serve(g.Wrap(echo), post("/charges", "evil", w.sign(t, map[string]any{"aud": crm}))); got.Code != 200 {
		t.Errorf("the control: %d", got.Code)
	}
}
