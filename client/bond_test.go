package client_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/client"
	"github.com/narrowcast-io/narrowcast/dpop"
)

var start = time.Unix(1_800_000_000, 0)

func fixed() time.Time { return start }

func newProver(t testing.TB) *dpop.Prover {
	t.Helper()
	p, err := dpop.NewProver(narrowcast.ES256, newSigner(t))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newChecker(t testing.TB, n *dpop.Nonces) *dpop.Checker {
	t.Helper()
	c, err := dpop.New(dpop.Config{Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, Now: fixed, Nonces: n})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newNonces(t testing.TB) *dpop.Nonces {
	t.Helper()
	n, err := dpop.NewNonces(nil, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// strict is an issuer, or a resource server, that checks proofs.
type strict struct {
	t       testing.TB
	checker *dpop.Checker
	prover  *dpop.Prover // whose key it must be
	proofs  []string
}

// look returns the status of a request with its nonce, 0 for a right one.
func (s *strict) look(req *http.Request, uri, token string) answer {
	proofs := req.Header.Values("DPoP")
	s.proofs = append(s.proofs, proofs...)
	thumbprint, err := s.checker.Check(dpop.Shown{Proofs: proofs, Method: req.Method, URI: uri, Token: token})
	var fault *dpop.Fault
	switch {
	case err == nil && thumbprint == s.prover.Thumbprint():
		return answer{}
	case errors.As(err, &fault) && fault.Kind == dpop.NonceNeeded:
		return answer{status: 401, body: `{"error":"use_dpop_nonce"}`, header: http.Header{
			"Dpop-Nonce": {s.checker.NextNonce(nil)}, "Www-Authenticate": {`DPoP error="use_dpop_nonce", algs="ES256"`}}}
	}
	s.t.Errorf("%s %s: %v, by %s", req.Method, req.URL, err, thumbprint)
	return answer{status: 400, body: `{"error":"invalid_dpop_proof"}`}
}

// boundDesk is an issuer that binds tokens to the key of the proof.
func boundDesk(t testing.TB, prover *dpop.Prover, n *dpop.Nonces) (*desk, *strict) {
	s := &strict{t: t, checker: newChecker(t, n), prover: prover}
	d := &desk{}
	d.reply = func(form url.Values, count int) answer {
		if a := s.look(d.asked[count-1], "https://issuer.example.test/token", ""); a.status != 0 {
			if a.status == 401 {
				a.status = 400 // RFC 9449 section 8
			}
			return a
		}
		return changed(form, count, func(m map[string]any) { m["token_type"] = "DPoP" })
	}
	return d, s
}

func bound(p *dpop.Prover) func(*client.Config) {
	return func(c *client.Config) { c.DPoP, c.Now = p, fixed }
}

func TestATokenIsBoundToTheKeyOfItsSource(t *testing.T) {
	for name, n := range map[string]*dpop.Nonces{"without nonces": nil, "with nonces": newNonces(t)} {
		p := newProver(t)
		d, issuerSide := boundDesk(t, p, n)
		source := newSource(t, d, bound(p))
		token := get(t, source, pay)
		get(t, source, crm)
		if !token.Bound() {
			t.Errorf("%s: the token is not bound", name)
		}
		asked := 2
		if n != nil {
			asked = 3 // the nonce is remembered for the second token
		}
		if d.minted() != asked || len(issuerSide.proofs) != asked {
			t.Errorf("%s: the issuer was asked %d times", name, d.minted())
		}
	}
}

// TestAnIssuerIsAskedOnceMoreWithItsNonce, and not for ever.
func TestAnIssuerIsAskedOnceMoreWithItsNonce(t *testing.T) {
	for name, c := range map[string]struct {
		header http.Header
		asked  int
	}{
		"always another nonce": {http.Header{"Dpop-Nonce": {"n"}}, 2},
		"no nonce":             {nil, 1},
		"two nonces":           {http.Header{"Dpop-Nonce": {"n", "m"}}, 1},
		"no characters for it": {http.Header{"Dpop-Nonce": {`a"b`}}, 1},
		"huge":                 {http.Header{"Dpop-Nonce": {strings.Repeat("n", 2000)}}, 1},
	} {
		d := &desk{reply: func(url.Values, int) answer {
			return answer{status: 400, body: `{"error":"use_dpop_nonce"}`, header: c.header}
		}}
		_, err := newSource(t, d, bound(newProver(t))).Token(t.Context(), pay, charge)
		var refused *client.Error
		if !errors.As(err, &refused) || refused.Code != "use_dpop_nonce" || d.minted() != c.asked {
			t.Errorf("%s: %v, asked %d times", name, err, d.minted())
		}
	}
}

// TestABearerAnswerIsNoBoundToken (RFC 9449 section 5).
func TestABearerAnswerIsNoBoundToken(t *testing.T) {
	encode := func(claims string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","typ":"at+jwt"}`)) + "." +
			base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".AAAA"
	}
	for name, c := range map[string]struct {
		prover      *dpop.Prover
		kind, token string
		want        error // nil: accepted
		says        string
	}{
		"bound":                      {newProver(t), "DPoP", "", nil, ""},
		"in lower case":              {newProver(t), "dpop", "", nil, ""},
		"with cnf":                   {newProver(t), "DPoP", encode(`{"aud":"https://pay.example.test","cnf":{"jkt":"x"}}`), nil, ""},
		"bearer":                     {newProver(t), "Bearer", "", client.ErrNotBound, "Bearer"},
		"bearer that says otherwise": {newProver(t), "DPoP", encode(`{"aud":"https://pay.example.test"}`), client.ErrNotBound, "no cnf"},
		"another type":               {newProver(t), "mac", "", errAny, "not DPoP"},
		"a proof was not asked for":  {nil, "DPoP", "", errAny, "not Bearer"},
	} {
		d := &desk{reply: func(form url.Values, n int) answer {
			return changed(form, n, func(m map[string]any) {
				m["token_type"] = c.kind
				if c.token != "" {
					m["access_token"] = c.token
				}
			})
		}}
		_, err := newSource(t, d, bound(c.prover)).Token(t.Context(), pay, charge)
		switch {
		case c.want == nil && err != nil, c.want != nil && err == nil:
			t.Errorf("%s: %v", name, err)
		case c.want == nil:
		case c.want != errAny && !errors.Is(err, c.want), !strings.Contains(err.Error(), c.says):
			t.Errorf("%s: %v", name, err)
		}
	}
}

var errAny = errors.New("any")

// boundCaller is an http.Client with a bound source, and a street that checks.
func boundCaller(t testing.TB, n *dpop.Nonces) (*http.Client, *street, *strict) {
	t.Helper()
	p := newProver(t)
	d, _ := boundDesk(t, p, nil)
	s := &strict{t: t, checker: newChecker(t, n), prover: p}
	road := &street{}
	road.reply = func(req *http.Request, _ int) answer {
		scheme, token, _ := strings.Cut(req.Header.Get("Authorization"), " ")
		if scheme != "DPoP" || strings.HasPrefix(token, "DPoP") {
			t.Errorf("Authorization begins with %s", scheme)
		}
		u := *req.URL
		u.RawQuery = ""
		if a := s.look(req, u.String(), token); a.status != 0 {
			return a
		}
		return answer{status: 200}
	}
	transport, err := client.NewTransport(client.TransportConfig{
		Tokens: newSource(t, d, bound(p)), Base: road,
		Doors: map[string]narrowcast.Audience{"https://pay.example.test": pay, "https://crm.example.test": crm},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Transport: transport}, road, s
}

func TestEachRequestHasItsOwnProof(t *testing.T) {
	c, road, s := boundCaller(t, nil)
	for _, address := range []string{"https://pay.example.test", "https://pay.example.test/a%2Fb?x=1", "https://PAY.example.test:443/a", "https://pay.example.test/a"} {
		if status, err := do(c, request(t, address)); err != nil || status != 200 {
			t.Errorf("%s: %d %v", address, status, err)
		}
	}
	if len(road.visits) != 4 || len(s.proofs) != 4 || s.proofs[2] == s.proofs[3] {
		t.Errorf("%d visits", len(road.visits))
	}
}

// TestANonceIsLearntOnceForEachOrigin: the request goes out once more, with its body.
func TestANonceIsLearntOnceForEachOrigin(t *testing.T) {
	c, road, _ := boundCaller(t, newNonces(t))
	post := func(body io.Reader) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://pay.example.test/charge", body)
		if err != nil {
			t.Fatal(err)
		}
		status, err := do(c, req)
		if err != nil {
			t.Fatal(err)
		}
		return status
	}
	if got := post(io.MultiReader(strings.NewReader("once"))); got != 401 || len(road.visits) != 1 {
		t.Errorf("a body that cannot be had again: %d, %d visits", got, len(road.visits))
	}
	if got := post(strings.NewReader("amount=1")); got != 200 || len(road.visits) != 2 || road.visits[1].body != "amount=1" {
		t.Errorf("with the nonce learnt: %d, %+v", got, road.visits)
	}
	status, err := do(c, request(t, "https://crm.example.test/people"))
	if err != nil || status != 200 || len(road.visits) != 4 {
		t.Errorf("another origin has a nonce of its own: %d %v, %d visits", status, err, len(road.visits))
	}
	c, road, _ = boundCaller(t, newNonces(t))
	if got := post(strings.NewReader("amount=2")); got != 200 || len(road.visits) != 2 || road.visits[1].body != "amount=2" {
		t.Errorf("the body was not sent again: %d %+v", got, road.visits)
	}
}

// TestANonceIsNotAskedForForEver: a server that is never content gets two requests.
func TestANonceIsNotAskedForForEver(t *testing.T) {
	c, road, _ := boundCaller(t, nil)
	count := 0
	road.reply = func(*http.Request, int) answer {
		count++
		return answer{status: 401, header: http.Header{"Dpop-Nonce": {fmt.Sprint(count)}, "Www-Authenticate": {`DPoP error="use_dpop_nonce"`}}}
	}
	if status, err := do(c, request(t, "https://pay.example.test/")); err != nil || status != 401 || count != 2 {
		t.Errorf("%d %v after %d requests", status, err, count)
	}
}

// TestARedirectTakesNoProofAlong: what is sent on is a new request, with a proof for
// its own address or with none.
func TestARedirectTakesNoProofAlong(t *testing.T) {
	for to, mapped := range map[string]bool{"https://evil.example.test/charge": false, "http://pay.example.test/charge": false, "https://crm.example.test/people": true} {
		c, road, s := boundCaller(t, nil)
		check := road.reply
		road.reply = func(req *http.Request, n int) answer {
			switch {
			case n == 1:
				return answer{status: 307, header: http.Header{"Location": {to}, "Dpop-Nonce": {"of-pay"}}}
			case mapped:
				return check(req, n)
			case req.Header.Get("Authorization") != "" || req.Header.Get("DPoP") != "":
				t.Errorf("%s: a token or a proof went along", to)
			}
			return answer{status: 200}
		}
		if status, err := do(c, request(t, "https://pay.example.test/charge")); err != nil || status != 200 || len(road.visits) != 2 || (len(s.proofs) == 1) != mapped {
			t.Errorf("%s: %d %v, %d proofs", to, status, err, len(s.proofs))
		}
	}
}

func TestAProofIsNeverOverwritten(t *testing.T) {
	c, road, _ := boundCaller(t, nil)
	req := request(t, "https://pay.example.test/")
	req.Header["dpop"] = []string{"x"}
	if _, err := do(c, req); !errors.Is(err, client.ErrProofSet) || len(road.visits) != 0 {
		t.Errorf("%v, %d visits", err, len(road.visits))
	}
}

// foreign is a token of somebody else, addressed as given.
func foreign(t testing.TB, audience any) string {
	t.Helper()
	payload, err := json.Marshal(map[string]any{"sub": "spiffe://corp.example.test/checkout", "aud": audience, "exp": start.Unix() + 60, "x": secretWord})
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"ES256","kid":"1"}`)) + "." + encode(payload) + ".AAAA"
}

// TestBorrowedTokens: what somebody else issued is shown to the issuer if it is
// addressed to it alone.
func TestBorrowedTokens(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	svid := ""
	fetch := func(_ context.Context, audience string) (string, error) {
		if audience != issuer.String() {
			t.Errorf("asked for %s", audience)
		}
		return svid, nil
	}
	byFile := func(use client.TokenUse) client.Authenticator {
		a, err := client.NewTokenFile(client.TokenFileConfig{Path: file, Use: use})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	bySVID, err := client.NewJWTSVID(client.JWTSVIDConfig{Fetch: fetch, ClientID: "checkout"})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		authenticate client.Authenticator
		want         map[string]string
	}{
		"JWT-SVID": {bySVID, map[string]string{"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe",
			"client_assertion": "TOKEN", "client_id": "checkout", "grant_type": "client_credentials"}},
		"file as assertion": {byFile(client.AsAssertion), map[string]string{"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
			"client_assertion": "TOKEN", "client_id": "", "grant_type": "client_credentials"}},
		"file as grant": {byFile(client.AsGrant), map[string]string{"assertion": "TOKEN", "client_assertion": "",
			"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "resource": pay.String(), "scope": "charge"}},
	} {
		for audience, good := range map[string]bool{
			foreign(t, issuer.String()): true, foreign(t, []string{issuer.String()}): true, foreign(t, []string{issuer.String(), "https://kubernetes.default.svc"}): false,
			foreign(t, crm.String()): false, foreign(t, issuer.String()+"/"): false, foreign(t, nil): false, "opaque": false, "": false, strings.Repeat("a", 20<<10): false,
		} {
			svid = audience
			write(audience + "\n")
			d := &desk{}
			s := newSource(t, d, func(config *client.Config) { config.Authenticate = c.authenticate })
			_, err := s.Token(t.Context(), pay, charge)
			if !good {
				if err == nil || d.minted() != 0 || len(audience) > 20 && strings.Contains(err.Error(), audience[:20]) {
					t.Errorf("%s: %.20s: %v, issuer asked %d times", name, audience, err, d.minted())
				}
				continue
			}
			if err != nil || d.minted() != 1 {
				t.Errorf("%s: %v", name, err)
				continue
			}
			for parameter, want := range c.want {
				if want == "TOKEN" {
					want = audience
				}
				if got := d.forms[0].Get(parameter); got != want {
					t.Errorf("%s: %s is %.40q, want %.40q", name, parameter, got, want)
				}
			}
		}
		for _, verb := range []string{"%v", "%+v", "%#v"} {
			if text := fmt.Sprintf(verb, c.authenticate); strings.Contains(text, "0x") || strings.Contains(text, "eyJ") {
				t.Errorf("%s prints %s", name, text)
			}
		}
	}
}

// TestATokenFileIsReadAnew: whoever writes it replaces it before it expires.
func TestATokenFileIsReadAnew(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	a, err := client.NewTokenFile(client.TokenFileConfig{Path: file, Use: client.AsGrant})
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{}
	source := newSource(t, d, func(c *client.Config) { c.Authenticate = a })
	if _, err := source.Token(t.Context(), pay, charge); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without the file: %v", err)
	}
	for i, audience := range []narrowcast.Audience{pay, crm} {
		text := foreign(t, issuer.String()) + strings.Repeat("AAAA", i)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		get(t, source, audience)
		if got := d.forms[i].Get("assertion"); got != text {
			t.Errorf("%d: an old token was shown", i)
		}
	}
}

// TestAClientCertificateIsShownWhereItIsAskedFor (RFC 8705 sections 2 and 5).
func TestAClientCertificateIsShownWhereItIsAskedFor(t *testing.T) {
	a, err := client.NewClientCertificate("spiffe://corp.example.test/checkout")
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{}
	aliased := carrier(func(req *http.Request) (*http.Response, error) {
		if strings.Contains(req.URL.Path, ".well-known") {
			return response(req, answer{status: 200, body: `{"issuer":"https://issuer.example.test","token_endpoint":"https://issuer.example.test/token",` +
				`"mtls_endpoint_aliases":{"token_endpoint":"https://mtls.issuer.example.test/token"}}`}), nil
		}
		return d.RoundTrip(req)
	})
	get(t, newSource(t, d, func(c *client.Config) { c.Authenticate, c.Transport = a, aliased }), pay)
	form := d.forms[0]
	if d.seen[0] != "https://mtls.issuer.example.test/token" || form.Get("client_id") != "spiffe://corp.example.test/checkout" || form.Has("client_assertion") || form.Has("client_secret") {
		t.Errorf("%v %v", d.seen, form)
	}
	d.seen = nil
	get(t, newSource(t, d, func(c *client.Config) { c.Transport = aliased }), pay)
	if d.seen[0] != "https://issuer.example.test/token" {
		t.Errorf("without a certificate: %v", d.seen)
	}
	if _, err := client.NewSource(client.Config{Issuer: issuer, Authenticate: a, Now: time.Now}); err == nil || !strings.Contains(err.Error(), "Transport is required") {
		t.Error(err)
	}
}

type carrier func(*http.Request) (*http.Response, error)

func (c carrier) RoundTrip(req *http.Request) (*http.Response, error) { return c(req) }

func TestNewAuthenticatorsNameAllFaults(t *testing.T) {
	_, err := client.NewTokenFile(client.TokenFileConfig{ClientID: "a\nb"})
	for _, want := range []string{"Path", "Use", "client"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
	if _, err := client.NewJWTSVID(client.JWTSVIDConfig{}); err == nil {
		t.Error("a source of SVIDs that is none")
	}
	if _, err := client.NewClientCertificate(""); err == nil {
		t.Error("a client without a name")
	}
	if _, err := client.NewSource(client.Config{Issuer: issuer, Authenticate: bySecret(t), Now: time.Now, DPoP: new(dpop.Prover)}); err == nil || !strings.Contains(err.Error(), "DPoP") {
		t.Error(err)
	}
}

// Nobody waits for ever at a pipe that stands where a token should be.
func TestATokenFileIsAFile(t *testing.T) {
	a, err := client.NewTokenFile(client.TokenFileConfig{Path: t.TempDir(), Use: client.AsGrant})
	if err != nil {
		t.Fatal(err)
	}
	err = a.Authenticate(t.Context(), &client.Request{Issuer: narrowcast.MustIssuer("https://issuer.example.test"), Form: url.Values{}})
	if err == nil || !strings.Contains(err.Error(), "regular file") {
		t.Error(err)
	}
}
