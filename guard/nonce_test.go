package guard_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/dpop"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/guard"
)

func nonces(t testing.TB) *dpop.Nonces {
	t.Helper()
	n, err := dpop.NewNonces(nil, 4*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (w *town) withNonces(t testing.TB, n *dpop.Nonces) func(*guard.Config) {
	return func(c *guard.Config) { c.DPoP.Checker = w.checker(t, func(d *dpop.Config) { d.Nonces = n }) }
}

// TestANonceIsAskedFor: without a good one, a request that is right otherwise is
// told the next (RFC 9449 section 9), and a success renews an ageing one.
func TestANonceIsAskedFor(t *testing.T) {
	w := newTown(t)
	me, n := w.caller(t), nonces(t)
	for _, entrance := range []string{"Wrap", "ForwardAuth", "Proxy"} {
		g := w.demanding(t, w.withNonces(t, n))
		ask := entrances(t, g, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Served", "yes")
		}))[entrance]
		with := func(nonce string) *httptest.ResponseRecorder {
			a := me.right(t)
			a.header.Set("DPoP", me.proof(t, "POST", chargeURI, nonce))
			return ask(a)
		}
		given := ""
		for _, wrong := range []string{"", "made-up", n.New(w.now().Add(-5 * time.Minute)), nonces(t).New(w.now())} {
			got := with(wrong)
			given = got.Header().Get("DPoP-Nonce")
			challenge := got.Header().Get("WWW-Authenticate")
			if got.Code != 401 || given == "" || !strings.HasPrefix(challenge, `DPoP error="use_dpop_nonce"`) || strings.Contains(challenge, "Bearer") ||
				got.Header().Get("Cache-Control") != "no-store" {
				t.Fatalf("%s %q: %d %v", entrance, wrong, got.Code, got.Header())
			}
			if e := w.book.last(t); e.Reason != narrowcast.ProofInvalid || !strings.Contains(e.Detail, "nonce") {
				t.Errorf("%s: %s %s", entrance, e.Reason, e.Detail)
			}
		}
		if got := with(given); got.Code != 200 || got.Header().Get("DPoP-Nonce") != "" {
			t.Errorf("%s: with the nonce: %d %v", entrance, got.Code, got.Header())
		}
		got := with(n.New(w.now().Add(-3 * time.Minute)))
		if fresh := got.Header().Get("DPoP-Nonce"); got.Code != 200 || fresh == "" || with(fresh).Code != 200 {
			t.Errorf("%s: with an ageing nonce: %d %v", entrance, got.Code, got.Header())
		}
		if s := g.State().Senders; s.NonceAsked != 4 || s.Proved != 3 {
			t.Errorf("%s: %+v", entrance, s)
		}
	}
}

// TestANonceIsToldToTheSenderAlone: whoever shows somebody else's token does not
// learn from the demand that the token is good, and cannot fill the memory.
func TestANonceIsToldToTheSenderAlone(t *testing.T) {
	w := newTown(t)
	me, thief := w.caller(t), w.caller(t)
	g := w.demanding(t, w.withNonces(t, nonces(t)))
	for entrance, ask := range entrances(t, g, hello) {
		a := me.right(t)
		forged, err := thief.prover.Prove("POST", chargeURI, me.token, "", w.now())
		if err != nil {
			t.Fatal(err)
		}
		a.header.Set("DPoP", forged)
		if got := ask(a); got.Header().Get("DPoP-Nonce") != "" || strings.Contains(got.Body.String(), "nonce") || w.book.last(t).Reason != narrowcast.SenderMismatch {
			t.Errorf("%s: %v", entrance, got.Header())
		}
		if got := ask(me.right(t)); got.Header().Get("DPoP-Nonce") == "" {
			t.Errorf("%s: the control: %v", entrance, got.Header())
		}
	}
}

func TestAServiceCannotHandOutANonce(t *testing.T) {
	w := newTown(t)
	me, n := w.caller(t), nonces(t)
	ask := entrances(t, w.demanding(t, w.withNonces(t, n)), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("DPoP-Nonce", "of-the-service")
		w.Header().Set("Cache-Control", "max-age=60")
	}))["Proxy"]
	for age, want := range map[time.Duration]int{0: 0, 3 * time.Minute: 1} {
		a := me.right(t)
		a.header.Set("DPoP", me.proof(t, "POST", chargeURI, n.New(w.now().Add(-age))))
		got := ask(a)
		if values := got.Header().Values("DPoP-Nonce"); got.Code != 200 || len(values) != want || slices.Contains(values, "of-the-service") {
			t.Errorf("%s: %d %v", age, got.Code, got.Header())
		}
		if cache := got.Header().Get("Cache-Control"); (cache == "no-store") != (want == 1) {
			t.Errorf("%s: %s", age, cache)
		}
	}
}

// TestTheMemoryOfProofsIsBounded: when it is full, requests are refused and counted;
// requests that are refused anyway take no place.
func TestTheMemoryOfProofsIsBounded(t *testing.T) {
	w := newTown(t)
	me, thief := w.caller(t), w.caller(t)
	g := w.demanding(t, func(c *guard.Config) {
		c.DPoP.Checker = w.checker(t, func(d *dpop.Config) { d.Capacity = 1 })
		c.ScopeFor = func(r *http.Request) narrowcast.Scope {
			if r.Header.Get("DPoP") != "" {
				t.Error("the scope rule sees the proof")
			}
			if r.Method == "DELETE" {
				return narrowcast.MustScope("refund")
			}
			return narrowcast.Scope{}
		}
	})
	ask := entrances(t, g, hello)["Wrap"]
	for range 5 {
		a := me.right(t)
		forged, err := thief.prover.Prove("POST", chargeURI, me.token, "", w.now())
		if err != nil {
			t.Fatal(err)
		}
		a.header.Set("DPoP", forged)
		ask(a)
		a = me.right(t)
		a.method = "DELETE"
		a.header.Set("DPoP", me.proof(t, "DELETE", chargeURI, ""))
		if got := ask(a); got.Code != 403 || !strings.Contains(got.Header().Get("WWW-Authenticate"), `DPoP error="insufficient_scope"`) {
			t.Fatalf("%d %v", got.Code, got.Header())
		}
	}
	if got := ask(me.right(t)); got.Code != 200 {
		t.Fatalf("the control: %d %s", got.Code, w.book.last(t).Detail)
	}
	if got := ask(me.right(t)); got.Code != 401 || w.book.last(t).Reason != narrowcast.ProofInvalid || !strings.Contains(w.book.last(t).Detail, "too many proofs") {
		t.Errorf("%d %+v", got.Code, w.book.last(t))
	}
	w.pass(245 * time.Second)
	if got := ask(me.right(t)); got.Code != 200 || g.State().Senders.MemoryFull != 1 {
		t.Errorf("when there is room: %d %+v", got.Code, g.State().Senders)
	}
}

// TestObserveModeRelaxesNoSender: with the audience set aside, everything about the
// sender is enforced, replays too.
func TestObserveModeRelaxesNoSender(t *testing.T) {
	w := newTown(t)
	me, n := w.caller(t), nonces(t)
	me.token = w.sign(t, map[string]any{"aud": crm, "cnf": map[string]any{"jkt": me.prover.Thumbprint()}})
	g := w.demanding(t, func(c *guard.Config) { observing(c); w.withNonces(t, n)(c) })
	for entrance, ask := range entrances(t, g, hello) {
		w.pass(time.Minute) // so that refusals are not folded
		with := func(change func(*attempt)) *httptest.ResponseRecorder {
			a := me.right(t)
			a.header.Set("DPoP", me.proof(t, "POST", chargeURI, n.New(w.now())))
			if change != nil {
				change(&a)
			}
			return ask(a)
		}
		if got := with(nil); got.Code != 200 || w.book.last(t).Type != event.WouldReject {
			t.Errorf("%s: the control: %d %s", entrance, got.Code, w.book.last(t).Type)
		}
		for name, change := range map[string]func(*attempt){
			"downgrade": func(a *attempt) { a.header.Set("Authorization", "Bearer "+me.token) },
			"method":    func(a *attempt) { a.method = "PUT" },
			"replay":    func(a *attempt) { ask(*a) },
			"nonce":     func(a *attempt) { a.header.Set("DPoP", me.proof(t, "POST", chargeURI, "")) },
		} {
			got := with(change)
			if e := w.book.last(t); got.Code != 401 || e.Type != event.OffTarget || len(e.Also) != 1 {
				t.Errorf("%s, %s: %d %s %v", name, entrance, got.Code, e.Type, e.Also)
			}
			if asked := got.Header().Get("DPoP-Nonce") != ""; asked != (name == "nonce") {
				t.Errorf("%s, %s: nonce %t", name, entrance, asked)
			}
		}
	}
}

// TestRefusalsLookAlike: a caller cannot tell a stolen token from a stolen proof,
// a replay or a forgery.
func TestRefusalsLookAlike(t *testing.T) {
	w := newTown(t)
	me, thief := w.caller(t), w.caller(t)
	g := w.demanding(t, nil)
	decision := regexp.MustCompile(`[a-z0-9]{26}`)
	for entrance, ask := range entrances(t, g, hello) {
		seen := map[string][]string{}
		for name, change := range map[string]func(*attempt){
			"forged token": func(a *attempt) { a.header.Set("Authorization", "DPoP "+tampered(me.token)) },
			"other door": func(a *attempt) {
				a.header.Set("Authorization", "DPoP "+w.sign(t, map[string]any{"aud": crm, "cnf": map[string]any{"jkt": me.prover.Thumbprint()}}))
			},
			"other key":  func(a *attempt) { a.header.Set("Authorization", "DPoP "+thief.token) },
			"downgrade":  func(a *attempt) { a.header.Set("Authorization", "Bearer "+me.token) },
			"two proofs": func(a *attempt) { a.header["Dpop"] = append(a.header["Dpop"], "x") },
			"no proof":   func(a *attempt) { a.header.Del("DPoP") },
			"replay":     func(a *attempt) { ask(*a) },
			"bearer":     func(a *attempt) { a.header.Set("Authorization", "Bearer "+w.sign(t, nil)) },
			"method":     func(a *attempt) { a.method = "PUT" },
		} {
			a := me.right(t)
			change(&a)
			got := ask(a)
			var text strings.Builder
			_ = got.Result().Header.Write(&text)
			body, _ := io.ReadAll(got.Result().Body)
			face := decision.ReplaceAllString(text.String()+string(body), "id")
			seen[face] = append(seen[face], name)
			if got.Code != 401 {
				t.Errorf("%s, %s: %d", name, entrance, got.Code)
			}
		}
		if len(seen) != 1 {
			t.Errorf("%s: %d faces: %v", entrance, len(seen), seen)
		}
	}
}

// TestChallengesAndMetadataSayWhatIsAccepted (RFC 9449 section 7.1, RFC 9728
// section 2).
func TestChallengesAndMetadataSayWhatIsAccepted(t *testing.T) {
	w := newTown(t)
	const pointer = `resource_metadata="https://pay.example.test/.well-known/oauth-protected-resource"`
	preferred := func(c *guard.Config) { c.Sender, c.DPoP.Checker = guard.SenderPreferred, w.checker(t, nil) }
	for name, c := range map[string]struct {
		g         *guard.Guard
		challenge string
		metadata  []string
		not       []string
	}{
		"bearer": {w.door(t, pay, nil), `Bearer ` + pointer, nil, []string{"dpop", "tls"}},
		"preferred": {w.door(t, pay, preferred), `DPoP algs="ES256", ` + pointer + `, Bearer ` + pointer,
			[]string{`"dpop_signing_alg_values_supported":["ES256"]`}, []string{"required", "tls"}},
		"required": {w.demanding(t, func(c *guard.Config) { c.Certificates = guard.Certificates{} }), `DPoP algs="ES256", ` + pointer,
			[]string{`"dpop_bound_access_tokens_required":true`, `"dpop_signing_alg_values_supported":["ES256"]`}, []string{"tls"}},
		"required, by either": {w.demanding(t, nil), `DPoP algs="ES256", ` + pointer + `, Bearer ` + pointer,
			[]string{`"tls_client_certificate_bound_access_tokens":true`}, []string{"required"}},
		"required, by certificate": {w.demanding(t, func(c *guard.Config) { c.DPoP.Checker = nil }), `Bearer ` + pointer,
			[]string{`"tls_client_certificate_bound_access_tokens":true`}, []string{"dpop"}},
	} {
		if got := serve(c.g.Wrap(hello), request("GET", "/", "")).Header().Get("WWW-Authenticate"); got != c.challenge {
			t.Errorf("%s:\n%s\n%s", name, got, c.challenge)
		}
		body := serve(c.g.Metadata(), request("GET", "/", "")).Body.String()
		for _, want := range c.metadata {
			if !strings.Contains(body, want) {
				t.Errorf("%s: %s is missing in %s", name, want, body)
			}
		}
		for _, not := range c.not {
			if strings.Contains(body, not) {
				t.Errorf("%s: %s is in %s", name, not, body)
			}
		}
	}
	got := serve(w.door(t, pay, preferred).Wrap(hello), request("GET", "/", "x.y.z")).Header().Get("WWW-Authenticate")
	if strings.Count(got, `error="invalid_token"`) != 2 || !strings.HasPrefix(got, "DPoP error=") || !strings.Contains(got, ", Bearer error=") {
		t.Error(got)
	}
}

// TestTheAddressComesFromConfiguration: the origin of the audience, or the one that
// is named; the path is that of the request as it was sent.
func TestTheAddressComesFromConfiguration(t *testing.T) {
	w := newTown(t)
	me := w.caller(t)
	const outside = "https://edge.example.test:8443"
	preferred := func(origin string) func(*guard.Config) {
		return func(c *guard.Config) {
			c.Sender, c.DPoP = guard.SenderPreferred, guard.DPoP{Checker: w.checker(t, nil), Origin: origin}
		}
	}
	show := func(h http.Handler, target, uri string) int {
		r := httptest.NewRequest("GET", target, nil)
		r.Header = http.Header{"Authorization": {"DPoP " + me.token}, "Dpop": {me.proof(t, "GET", uri, "")}}
		return serve(h, r).Code
	}
	moved, plain := w.door(t, pay, preferred(outside)).Wrap(hello), w.door(t, pay, preferred("")).Wrap(hello)
	for name, got := range map[string]bool{
		"configured":            show(moved, "/a", outside+"/a") == 200,
		"not the audience then": show(moved, "/a", pay+"/a") == 401,
		"audience":              show(plain, "/a", pay+"/a") == 200,
		"not another":           show(plain, "/a", outside+"/a") == 401,
		"prefix was cut off":    show(http.StripPrefix("/api", plain), "/api/a", pay+"/api/a") == 200,
		"what is left of it":    show(http.StripPrefix("/api", plain), "/api/a", pay+"/a") == 401,
		"encoded":               show(plain, "/a%2Fb", pay+"/a%2fb") == 200,
		"decoded":               show(plain, "/a%2Fb", pay+"/a/b") == 401,
		"absolute form":         show(plain, "https://evil.example.test/a", pay+"/a") == 200,
	} {
		if !got {
			t.Error(name)
		}
	}
	envoy, err := w.door(t, pay, preferred("")).ForwardAuth(guard.ForwardConfig{Original: guard.FromRequestLine})
	if err != nil {
		t.Fatal(err)
	}
	if show(http.StripPrefix("/ask", envoy), "/ask/a", pay+"/a") != 200 || show(http.StripPrefix("/ask", envoy), "/ask/a", pay+"/ask/a") != 401 {
		t.Error("the prefix of the proxy that asks is in the way")
	}
	forward, err := w.door(t, pay, preferred("")).ForwardAuth(guard.ForwardConfig{Original: guard.FromXForwarded})
	if err != nil {
		t.Fatal(err)
	}
	if show(forward, "/", pay+"/") != 400 { // the proxy names neither method nor path
		t.Error("a proof about no request was looked at")
	}
}

func TestSenderNamesAllFaults(t *testing.T) {
	w := newTown(t)
	build := func(audience string, change func(*guard.Config)) error {
		c := guard.Config{Verifier: w.verifier(t, audience, 0), Sink: &w.book, Now: w.now, Name: "g"}
		change(&c)
		_, err := guard.New(c)
		return err
	}
	checker := w.checker(t, nil)
	for want, err := range map[string]error{
		"make it with RequireBinding":           build(pay, func(c *guard.Config) { c.Sender = guard.SenderRequired }),
		"Sender is unknown":                     build(pay, func(c *guard.Config) { c.Sender = 9 }),
		"choose SenderPreferred":                build(pay, func(c *guard.Config) { c.DPoP.Checker = checker }),
		"choose SenderPreferred or":             build(pay, func(c *guard.Config) { c.DPoP.Checker, c.Sender = checker, guard.SenderBearer }),
		"DPoP.Origin is required":               build("urn:example:pay", func(c *guard.Config) { c.DPoP.Checker, c.Sender = checker, guard.SenderPreferred }),
		"https, or http on a loopback":          build(pay, func(c *guard.Config) { c.DPoP = guard.DPoP{Checker: checker, Origin: "http://pay.example.test"} }),
		"scheme, host and port alone":           build(pay, func(c *guard.Config) { c.DPoP = guard.DPoP{Checker: checker, Origin: pay + "/a"} }),
		"DPoP.Checker is not":                   build(pay, func(c *guard.Config) { c.DPoP.Origin = pay }),
		"never configured":                      build(pay, func(c *guard.Config) { c.DPoP.Checker, c.Sender = new(dpop.Checker), guard.SenderPreferred }),
		"verifier was made with RequireBinding": buildBound(t, w, func(c *guard.Config) { c.Sender = guard.SenderBearer }),
		"no way to show one":                    buildBound(t, w, func(c *guard.Config) { c.Sender = guard.SenderRequired }),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
	if err := buildBound(t, w, func(*guard.Config) {}); err != nil {
		t.Errorf("the default of Sender: %v", err)
	}
	if err := build("urn:example:pay", func(c *guard.Config) {
		c.Sender, c.DPoP = guard.SenderPreferred, guard.DPoP{Checker: checker, Origin: "http://127.0.0.1:8470"}
	}); err != nil {
		t.Error(err)
	}
}

func buildBound(t *testing.T, w *town, change func(*guard.Config)) error {
	t.Helper()
	v, err := narrowcast.NewVerifier(narrowcast.Config{
		Audience: narrowcast.MustAudience(pay), Algorithms: []narrowcast.Algorithm{narrowcast.Ed25519}, Now: w.now, RequireBinding: true,
		Issuers: []narrowcast.TrustedIssuer{{Issuer: narrowcast.MustIssuer(issuer), Keys: w.keys}},
	})
	if err != nil {
		t.Fatal(err)
	}
	c := guard.Config{Verifier: v, Sink: &w.book, Now: w.now, Name: "g"}
	change(&c)
	_, err = guard.New(c)
	return err
}
