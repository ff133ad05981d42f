package httpapi_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/dpop"
	"github.com/narrowcast-io/narrowcast/service/internal/httpapi"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
)

// The proof of RFC 9449 section 5, figure 4, by the key of section 6.1.
const (
	rfc9449Issuer = "https://server.example.com"
	rfc9449Time   = 1562262616
	rfc9449ID     = "-BwC3ESc6acc2lTc"
	rfc9449Key    = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
	rfc9449Proof  = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)

// proofs is the memory of proofs as the issuer wires it.
type proofs struct {
	*dpop.Checker
	uri string
}

func (p proofs) Check(headers []string) (issuer.Proof, error) {
	key, err := p.Checker.Check(dpop.Shown{Proofs: headers, Method: http.MethodPost, URI: p.uri})
	var fault *dpop.Fault
	if errors.As(err, &fault) {
		ground := map[dpop.Kind]issuer.Ground{dpop.NonceNeeded: issuer.NonceNeeded, dpop.Replayed: issuer.ProofReplayed, dpop.Invalid: issuer.ProofInvalid}[fault.Kind]
		return issuer.Proof{}, &issuer.Refusal{Ground: ground, Detail: fault.Error()}
	}
	return issuer.Proof{Thumbprint: key, ID: rfc9449ID, Until: time.Unix(rfc9449Time+60, 0)}, err
}

// openBound is a house that takes the proof of the standard, at its time.
func openBound(t testing.TB, nonces *dpop.Nonces) *house {
	t.Helper()
	return openBoundAt(t, rfc9449Issuer, nonces)
}

func openBoundAt(t testing.TB, base string, nonces *dpop.Nonces) *house {
	t.Helper()
	var h *house
	checker, err := dpop.New(dpop.Config{Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, Now: func() time.Time { return h.now }, Nonces: nonces})
	if err != nil {
		t.Fatal(err)
	}
	h = openWith(t, base, func(c *issuer.Config) { c.Proofs = proofs{checker, rfc9449Issuer + "/token"} }, func(c *httpapi.Config) {
		c.Offers.ProofAlgorithms = checker.Algorithms()
		if nonces != nil {
			c.Nonce = func() string { return nonces.New(h.now) }
		}
	})
	h.now = time.Unix(rfc9449Time, 0)
	return h
}

func proving(values ...string) func(*http.Request) {
	return func(r *http.Request) { r.Header["Dpop"] = values }
}

const vault = "https://vault.example.test" // takes bound tokens only

// claimsOf are the claims of the token in an answer.
func claimsOf(t testing.TB, w *httptest.ResponseRecorder) (answer, claims map[string]any) {
	t.Helper()
	answer = object(t, w.Body)
	text, _ := answer["access_token"].(string)
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		t.Fatalf("%d %v", w.Code, answer)
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	return answer, object(t, strings.NewReader(string(payload)))
}

func TestDPoPBoundToken(t *testing.T) {
	h := openBound(t, nil)
	w := h.post(h.form(t, "resource", vault).Encode(), proving(rfc9449Proof))
	answer, claims := claimsOf(t, w)
	if cnf, _ := claims["cnf"].(map[string]any); w.Code != 200 || answer["token_type"] != "DPoP" || len(cnf) != 1 || cnf["jkt"] != rfc9449Key || w.Header().Get("DPoP-Nonce") != "" {
		t.Errorf("%d %v %v", w.Code, answer, claims)
	}
	if e := h.book.last(t); !e.Token.Bound || !strings.Contains(e.Detail, rfc9449Key) {
		t.Errorf("event = %+v", e)
	}
	for name, c := range map[string]struct {
		edit   func(*http.Request)
		status int
		code   string
	}{
		"again":          {proving(rfc9449Proof), 400, "invalid_dpop_proof"},
		"twice":          {proving(rfc9449Proof, rfc9449Proof), 400, "invalid_dpop_proof"},
		"in one field":   {proving(rfc9449Proof + ", " + rfc9449Proof), 400, "invalid_dpop_proof"},
		"an empty field": {proving(""), 400, "invalid_dpop_proof"},
		"a changed one":  {proving(rfc9449Proof[:len(rfc9449Proof)-4] + "AAAA"), 400, "invalid_dpop_proof"},
		"none":           {func(*http.Request) {}, 400, "invalid_request"},
	} {
		w := h.post(h.form(t, "resource", vault).Encode(), c.edit)
		if answer := object(t, w.Body); w.Code != c.status || answer["error"] != c.code || w.Header().Get("WWW-Authenticate") != "" {
			t.Errorf("%s: %d %v", name, w.Code, answer)
		}
	}
	h.now = h.now.Add(2 * time.Minute)
	if w := h.post(h.form(t, "resource", vault).Encode(), proving(rfc9449Proof)); object(t, w.Body)["error"] != "invalid_dpop_proof" {
		t.Errorf("an old one: %d", w.Code)
	}
	// A stranger with a good proof is a stranger.
	if w := openBound(t, nil).post(h.form(t, "client_assertion", "").Encode(), proving(rfc9449Proof)); w.Code != 401 {
		t.Errorf("a stranger: %d", w.Code)
	}
}

// A proof for the token endpoint of another issuer is none for ours.
func TestAProofIsForOneAddress(t *testing.T) {
	h := openBoundAt(t, ours, nil)
	if w := h.post(h.form(t).Encode(), proving(rfc9449Proof)); w.Code != 200 {
		t.Fatalf("control: %d %s", w.Code, w.Body)
	}
	checker, err := dpop.New(dpop.Config{Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, Now: h.clock})
	if err != nil {
		t.Fatal(err)
	}
	other := openWith(t, ours, func(c *issuer.Config) { c.Proofs = proofs{checker, ours + "/token"} }, func(*httpapi.Config) {})
	other.now = h.now
	if w := other.post(other.form(t).Encode(), proving(rfc9449Proof)); w.Code != 400 || object(t, w.Body)["error"] != "invalid_dpop_proof" {
		t.Errorf("%d", w.Code)
	}
}

// The nonce comes with the refusal, which uses nothing up, and with answers to
// requests that prove a key (RFC 9449 section 8).
func TestDPoPNonce(t *testing.T) {
	nonces, err := dpop.NewNonces(nil, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	h := openBound(t, nonces)
	body := h.form(t).Encode()
	w := h.post(body, proving(rfc9449Proof))
	if answer := object(t, w.Body); w.Code != 400 || answer["error"] != "use_dpop_nonce" || w.Header().Get("DPoP-Nonce") == "" || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v %v", w.Code, answer, w.Header())
	}
	if n := len(h.book.events()); n != 0 || h.desk.Counts().Challenged != 1 {
		t.Errorf("%d records, counts = %+v", n, h.desk.Counts())
	}
	if w := h.post(body); w.Code != 200 || w.Header().Get("DPoP-Nonce") != "" {
		t.Errorf("the same assertion, without a proof: %d %v", w.Code, w.Header())
	}
	free := openWith(t, ours, func(*issuer.Config) {}, func(c *httpapi.Config) {
		c.Nonce, c.Offers.ProofAlgorithms = func() string { return "n1" }, []string{"ES256"}
	})
	if w := free.post(free.form(t).Encode(), proving("x")); w.Code != 200 || w.Header().Get("DPoP-Nonce") != "n1" {
		t.Errorf("success: %d %v", w.Code, w.Header())
	}
}
