package guard_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/dpop"
	"github.com/narrowcast-io/narrowcast/guard"
)

// proverOf makes a sender's key.
func proverOf(t testing.TB) *dpop.Prover {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p, err := dpop.NewProver(narrowcast.ES256, private)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// certificate makes a certificate that signs itself.
func certificate(t testing.TB) *x509.Certificate {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: at, NotAfter: at.Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w *town) checker(t testing.TB, change func(*dpop.Config)) *dpop.Checker {
	t.Helper()
	c := dpop.Config{Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, Now: w.now}
	if change != nil {
		change(&c)
	}
	checker, err := dpop.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return checker
}

const proxyAddress = "10.0.0.7"

// demanding is a guard that demands a sender, by DPoP or by a certificate that
// comes with the connection or from a proxy.
func (w *town) demanding(t testing.TB, change func(*guard.Config)) *guard.Guard {
	t.Helper()
	v, err := narrowcast.NewVerifier(narrowcast.Config{
		Audience: narrowcast.MustAudience(pay), Algorithms: []narrowcast.Algorithm{narrowcast.Ed25519}, Now: w.now, RequireBinding: true,
		Issuers: []narrowcast.TrustedIssuer{{Issuer: narrowcast.MustIssuer(issuer), Keys: w.keys}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return w.door(t, pay, func(c *guard.Config) {
		c.Verifier, c.Sender, c.DPoP = v, guard.SenderRequired, guard.DPoP{Checker: w.checker(t, nil)}
		c.Certificates = guard.Certificates{Asked: true, Header: guard.ClientCert, From: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}}
		if change != nil {
			change(c)
		}
	})
}

// attempt is one request, whichever way the guard is asked about it.
type attempt struct {
	method, target string
	header         http.Header
	peer           string
	connection     *x509.Certificate
}

// entrances are the three ways to stand in front of a service.
func entrances(t testing.TB, g *guard.Guard, service http.Handler) map[string]func(attempt) *httptest.ResponseRecorder {
	t.Helper()
	upstream := httptest.NewServer(service)
	t.Cleanup(upstream.Close)
	address, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := g.Proxy(guard.ProxyConfig{Upstream: address})
	if err != nil {
		t.Fatal(err)
	}
	forward, err := g.ForwardAuth(guard.ForwardConfig{Original: guard.FromXForwarded})
	if err != nil {
		t.Fatal(err)
	}
	send := func(h http.Handler, a attempt, r *http.Request) *httptest.ResponseRecorder {
		for name, values := range a.header {
			r.Header[name] = values
		}
		if a.peer != "" {
			r.RemoteAddr = a.peer + ":1234"
		}
		if a.connection != nil {
			r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{a.connection}}
		}
		return serve(h, r)
	}
	direct := func(h http.Handler) func(attempt) *httptest.ResponseRecorder {
		return func(a attempt) *httptest.ResponseRecorder {
			r := httptest.NewRequest(a.method, a.target, nil)
			r.Host = "whatever.example.test"
			return send(h, a, r)
		}
	}
	return map[string]func(attempt) *httptest.ResponseRecorder{
		"Wrap": direct(g.Wrap(service)), "Proxy": direct(proxy),
		"ForwardAuth": func(a attempt) *httptest.ResponseRecorder {
			r := httptest.NewRequest("GET", "/auth", nil)
			r.Header.Set("X-Forwarded-Method", a.method)
			r.Header.Set("X-Forwarded-Uri", a.target)
			r.Header.Set("X-Forwarded-Host", "evil.example.test")
			return send(forward, a, r)
		},
	}
}

// caller is somebody with a key and a token bound to it.
type caller struct {
	w      *town
	prover *dpop.Prover
	token  string
}

func (w *town) caller(t testing.TB) *caller {
	t.Helper()
	c := &caller{w: w, prover: proverOf(t)}
	c.token = w.sign(t, map[string]any{"cnf": map[string]any{"jkt": c.prover.Thumbprint()}})
	return c
}

func (c *caller) proof(t testing.TB, method, uri, nonce string) string {
	t.Helper()
	p, err := c.prover.Prove(method, uri, c.token, nonce, c.w.now())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const (
	chargePath = "/charge/7?amount=1"
	chargeURI  = pay + "/charge/7"
)

// right is a request that is let in.
func (c *caller) right(t testing.TB) attempt {
	t.Helper()
	return attempt{method: "POST", target: chargePath, header: http.Header{
		"Authorization": {"DPoP " + c.token}, "Dpop": {c.proof(t, "POST", chargeURI, "")}}}
}

// TestEveryTheftHasItsReason: a token or a proof in other hands opens nothing, by
// none of the three ways in, and the event says which check it was.
func TestEveryTheftHasItsReason(t *testing.T) {
	w := newTown(t)
	me, thief := w.caller(t), w.caller(t)
	for name, c := range map[string]struct {
		change func(a *attempt)
		reason narrowcast.Reason
		detail string
		count  func(guard.Senders) uint64
	}{
		"stolen token, another key": {func(a *attempt) {
			forged, err := thief.prover.Prove("POST", chargeURI, me.token, "", w.now())
			if err != nil {
				t.Fatal(err)
			}
			a.header.Set("DPoP", forged)
		}, narrowcast.SenderMismatch, "another key", func(s guard.Senders) uint64 { return s.OtherSender }},
		"stolen proof, own token": {func(a *attempt) {
			a.header.Set("Authorization", "DPoP "+thief.token)
		}, narrowcast.ProofInvalid, "ath", func(s guard.Senders) uint64 { return s.OtherToken }},
		"wrong method": {func(a *attempt) {
			a.method = "DELETE"
		}, narrowcast.ProofInvalid, "htm", func(s guard.Senders) uint64 { return s.OtherMethod }},
		"wrong path": {func(a *attempt) {
			a.target = "/refund/7"
		}, narrowcast.ProofInvalid, "htu", func(s guard.Senders) uint64 { return s.OtherURI }},
		"address of another house": {func(a *attempt) {
			a.header.Set("DPoP", me.proof(t, "POST", crm+"/charge/7", ""))
		}, narrowcast.ProofInvalid, "htu", func(s guard.Senders) uint64 { return s.OtherURI }},
		"address that the request claims": {func(a *attempt) {
			a.header.Set("DPoP", me.proof(t, "POST", "https://whatever.example.test/charge/7", ""))
		}, narrowcast.ProofInvalid, "htu", func(s guard.Senders) uint64 { return s.OtherURI }},
		"plain http": {func(a *attempt) {
			a.header.Set("DPoP", me.proof(t, "POST", "http://pay.example.test/charge/7", ""))
		}, narrowcast.ProofInvalid, "htu", func(s guard.Senders) uint64 { return s.OtherURI }},
		"old proof": {func(a *attempt) {
			p, err := me.prover.Prove("POST", chargeURI, me.token, "", w.now().Add(-2*time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			a.header.Set("DPoP", p)
		}, narrowcast.ProofInvalid, "iat", func(s guard.Senders) uint64 { return s.OtherTime }},
		"proof without a token": {func(a *attempt) {
			p, err := me.prover.Prove("POST", chargeURI, "", "", w.now())
			if err != nil {
				t.Fatal(err)
			}
			a.header.Set("DPoP", p)
		}, narrowcast.ProofInvalid, "ath", func(s guard.Senders) uint64 { return s.OtherToken }},
		"missing proof": {func(a *attempt) {
			a.header.Del("DPoP")
		}, narrowcast.ProofInvalid, "0 DPoP header fields", func(s guard.Senders) uint64 { return s.Malformed }},
		"two proofs": {func(a *attempt) {
			a.header["Dpop"] = append(a.header["Dpop"], me.proof(t, "POST", chargeURI, ""))
		}, narrowcast.ProofInvalid, "2 DPoP header fields", func(s guard.Senders) uint64 { return s.Malformed }},
		"two in one": {func(a *attempt) {
			a.header.Set("DPoP", a.header.Get("DPoP")+", "+me.proof(t, "POST", chargeURI, ""))
		}, narrowcast.ProofInvalid, "compact form", func(s guard.Senders) uint64 { return s.Malformed }},
		"changed signature": {func(a *attempt) {
			a.header.Set("DPoP", tampered(a.header.Get("DPoP")))
		}, narrowcast.ProofInvalid, "signature", func(s guard.Senders) uint64 { return s.Malformed }},
		"the token as its own proof": {func(a *attempt) {
			a.header.Set("DPoP", me.token)
		}, narrowcast.ProofInvalid, "typ", func(s guard.Senders) uint64 { return s.Malformed }},
		"downgrade": {func(a *attempt) {
			a.header.Set("Authorization", "Bearer "+me.token)
		}, narrowcast.Downgrade, "no proof came", func(s guard.Senders) uint64 { return s.Downgraded }},
		"downgrade without a proof": {func(a *attempt) {
			a.header.Set("Authorization", "bearer "+me.token)
			a.header.Del("DPoP")
		}, narrowcast.Downgrade, "no proof came", func(s guard.Senders) uint64 { return s.Downgraded }},
		"a bearer token as DPoP": {func(a *attempt) {
			a.header.Set("Authorization", "DPoP "+w.sign(t, nil))
		}, narrowcast.BindingRequired, "", nil},
		"a bearer token": {func(a *attempt) {
			a.header = http.Header{"Authorization": {"Bearer " + w.sign(t, nil)}}
		}, narrowcast.BindingRequired, "", nil},
		"two headers": {func(a *attempt) {
			a.header["Authorization"] = append(a.header["Authorization"], "Bearer "+me.token)
		}, narrowcast.RequestMalformed, "more than one", nil},
	} {
		g := w.demanding(t, nil)
		for entrance, ask := range entrances(t, g, hello) {
			t.Run(name+"/"+entrance, func(t *testing.T) {
				before := g.State().Senders
				a := me.right(t)
				c.change(&a)
				got := ask(a)
				e := w.book.last(t)
				if got.Code != 401 && e.Reason != narrowcast.RequestMalformed || e.Reason != c.reason || !strings.Contains(e.Detail, c.detail) {
					t.Errorf("%d %s %q, want %s %q", got.Code, e.Reason, e.Detail, c.reason, c.detail)
				}
				if c.count != nil && c.count(g.State().Senders) != c.count(before)+1 {
					t.Errorf("not counted: %+v", g.State().Senders)
				}
				if got := ask(me.right(t)); got.Code != 200 {
					t.Errorf("the control: %d %s", got.Code, w.book.last(t).Detail)
				}
			})
		}
	}
	_, signature, _ := strings.Cut(me.token[strings.IndexByte(me.token, '.')+1:], ".")
	if text := w.book.text(t); strings.Contains(text, signature) || strings.Contains(text, "eyJ0eXAiOiJkcG9w") { // how proofs begin
		t.Error("an event holds a token or a proof")
	}
}

// TestAProofOpensOnce: the same bytes a second time, by any way in.
func TestAProofOpensOnce(t *testing.T) {
	w := newTown(t)
	me, g := w.caller(t), w.demanding(t, nil)
	all := entrances(t, g, hello)
	for first, ask := range all {
		a := me.right(t)
		if got := ask(a); got.Code != 200 {
			t.Fatalf("%s: %d %s", first, got.Code, w.book.last(t).Detail)
		}
		for second, ask := range all {
			if got := ask(a); got.Code != 401 || w.book.last(t).Reason != narrowcast.Replayed || !w.book.last(t).Genuine {
				t.Errorf("%s after %s: %d %s", second, first, got.Code, w.book.last(t).Reason)
			}
		}
	}
	if s := g.State().Senders; s.Proved != 3 || s.Replayed != 9 {
		t.Errorf("%+v", s)
	}
}

// TestSchemesInAnyCase, and a proof is not asked of a request that needs none.
func TestSchemesInAnyCase(t *testing.T) {
	w := newTown(t)
	me := w.caller(t)
	g := w.door(t, pay, func(c *guard.Config) {
		c.Sender, c.DPoP.Checker = guard.SenderPreferred, w.checker(t, nil)
	})
	for _, scheme := range []string{"DPoP", "dpop", "DPOP"} {
		a := me.right(t)
		a.header.Set("Authorization", scheme+" "+me.token)
		for entrance, ask := range entrances(t, g, hello) {
			a.header.Set("DPoP", me.proof(t, "POST", chargeURI, ""))
			if got := ask(a); got.Code != 200 {
				t.Errorf("%s %s: %d", scheme, entrance, got.Code)
			}
		}
	}
	for entrance, ask := range entrances(t, g, hello) {
		for name, c := range map[string]struct {
			scheme string
			want   int
			reason narrowcast.Reason
		}{"bearer token": {"Bearer ", 200, 0}, "bearer token as DPoP": {"DPoP ", 401, narrowcast.SenderMismatch}} {
			a := me.right(t)
			a.header.Set("Authorization", c.scheme+w.sign(t, nil))
			if got := ask(a); got.Code != c.want || c.reason != 0 && w.book.last(t).Reason != c.reason {
				t.Errorf("%s by %s: %d %s", name, entrance, got.Code, w.book.last(t).Reason)
			}
		}
	}
}

// thumb is the member of cnf for a certificate.
func (w *town) boundTo(t testing.TB, c *x509.Certificate) string {
	t.Helper()
	return w.sign(t, map[string]any{"cnf": map[string]any{"x5t#S256": thumbprint(c)}})
}

func clientCert(c *x509.Certificate) string {
	return ":" + base64.StdEncoding.EncodeToString(c.Raw) + ":"
}
