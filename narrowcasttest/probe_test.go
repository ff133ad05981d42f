package narrowcasttest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/narrowcasttest"
)

// recorder is a testing.TB that keeps what it is told.
type recorder struct {
	testing.TB
	failures, logs []string
}

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}
func (r *recorder) Logf(format string, args ...any) {
	r.logs = append(r.logs, fmt.Sprintf(format, args...))
}

// decide is a handler that asks whether a token opens it, and answers 200 or
// the status that a refusal has.
func decide(opens func(text string) int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		w.WriteHeader(opens(text))
	})
}

// judge answers as a verifier says, save for what excuse lets pass.
func judge(t testing.TB, issuer *narrowcasttest.Issuer, need narrowcast.Scope, excuse func(*narrowcast.Rejection) bool) http.Handler {
	t.Helper()
	verifier, err := issuer.Verifier(pay)
	if err != nil {
		t.Fatal(err)
	}
	return decide(func(text string) int {
		_, err := verifier.Verify(t.Context(), text, narrowcast.Presentation{Need: need})
		if rej, refused := err.(*narrowcast.Rejection); refused && !excuse(rej) {
			return http.StatusUnauthorized
		}
		return http.StatusOK
	})
}

func nothing(*narrowcast.Rejection) bool { return false }

func TestProbePassesACorrectHandler(t *testing.T) {
	issuer := newIssuer(t)
	r := &recorder{TB: t}
	narrowcasttest.Probe(r, judge(t, issuer, narrowcast.Scope{}, nothing), pay, issuer)
	if len(r.failures) != 0 || len(r.logs) != 1 {
		t.Errorf("failures %q, logs %q", r.failures, r.logs)
	}
	narrowcasttest.Probe(t, judge(t, issuer, narrowcast.Scope{}, nothing), pay, issuer) // as users write it
}

func TestProbeNamesWhatABrokenHandlerAccepts(t *testing.T) {
	only := func(reasons ...narrowcast.Reason) func(*narrowcast.Rejection) bool {
		return func(rej *narrowcast.Rejection) bool {
			for _, r := range reasons {
				if rej.Reason == r && len(rej.Also) == 0 {
					return true
				}
			}
			return false
		}
	}
	for name, c := range map[string]struct {
		excuse func(*narrowcast.Rejection) bool
		want   []string
	}{
		"forgets the audience":     {only(narrowcast.AudienceMismatch, narrowcast.AudienceMissing, narrowcast.AudienceMultiple, narrowcast.AudienceMalformed), []string{"audience.", "RFC"}},
		"takes any one of many":    {only(narrowcast.AudienceMultiple), []string{"audience."}},
		"ignores expiry":           {only(narrowcast.Expired), []string{"expired"}},
		"takes any type":           {only(narrowcast.TypeMismatch), []string{"type."}},
		"does not check signature": {only(narrowcast.SignatureInvalid), []string{"signature."}},
		"ignores the binding":      {only(narrowcast.Downgrade), []string{"sender.", "RFC 9449"}},
		"ignores issuers":          {only(narrowcast.IssuerUnknown), []string{"issuer."}},
	} {
		t.Run(name, func(t *testing.T) {
			issuer := newIssuer(t)
			r := &recorder{TB: t}
			narrowcasttest.Probe(r, judge(t, issuer, narrowcast.Scope{}, c.excuse), pay, issuer)
			if len(r.failures) == 0 {
				t.Fatal("not found")
			}
			all := strings.Join(r.failures, "\n")
			for _, part := range c.want {
				if !strings.Contains(all, part) {
					t.Errorf("%q is not mentioned in\n%s", part, all)
				}
			}
			if strings.Contains(all, "eyJ") {
				t.Error("a token is printed")
			}
		})
	}
}

func TestProbeBeginsWithControls(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.Handler
		want    string
	}{
		"refuses all":          {decide(func(string) int { return http.StatusUnauthorized }), "the right token for https://pay.example.test was refused"},
		"accepts all":          {decide(func(string) int { return http.StatusOK }), "accepted without any token"},
		"is not there":         {http.NotFoundHandler(), "was refused before anything else (status 404)"},
		"is no handler at all": {nil, "are required"},
	} {
		r := &recorder{TB: t}
		narrowcasttest.Probe(r, c.handler, pay, newIssuer(t))
		if len(r.failures) != 1 || !strings.Contains(r.failures[0], c.want) {
			t.Errorf("%s: %q", name, r.failures)
		}
	}
}

func TestProbeTellsAFailureFromARefusal(t *testing.T) {
	issuer := newIssuer(t)
	verifier, err := issuer.Verifier(pay)
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	clumsy := decide(func(text string) int {
		if shown++; shown > 40 {
			return http.StatusUnauthorized // breaks down, and refuses everybody from here on
		}
		if _, err := verifier.Verify(t.Context(), text, narrowcast.Presentation{}); err != nil {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	})
	r := &recorder{TB: t}
	narrowcasttest.Probe(r, clumsy, pay, issuer)
	all := strings.Join(r.failures, "\n")
	if !strings.Contains(all, "neither yes nor no") || !strings.Contains(all, "after the wrong tokens") {
		t.Errorf("failures = %s", all)
	}
}

func TestProbeWithAScopeAndARequest(t *testing.T) {
	issuer := newIssuer(t)
	request := func() *http.Request {
		return httptest.NewRequest(http.MethodPost, "/charges", strings.NewReader("amount=10"))
	}
	for need, found := range map[narrowcast.Scope]bool{charge: false, {}: true} {
		h := judge(t, issuer, need, nothing)
		posts := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost || r.URL.Path != "/charges" {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			h.ServeHTTP(w, r)
		})
		r := &recorder{TB: t}
		narrowcasttest.ProbeWith(r, posts, narrowcasttest.ProbeConfig{Audience: pay, Issuer: issuer, Scope: charge, Request: request})
		all := strings.Join(r.failures, "\n")
		if strings.Contains(all, "scope.") != found || !found && all != "" {
			t.Errorf("handler that needs %q: %s", need, all)
		}
	}
}
