package probe_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/probe"
)

var (
	issuer   = narrowcast.MustIssuer("https://issuer.example.test")
	audience = narrowcast.MustAudience("https://pay.example.test")
	charge   = narrowcast.MustScope("charge")
	instant  = time.Unix(1_800_000_000, 0)
)

func now() time.Time { return instant }

// keys are made once: RSA takes its time.
var keys = sync.OnceValues(probe.NewKeys)

func probeKeys(t testing.TB) *probe.Keys {
	t.Helper()
	k, err := keys()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// verifier is the one of a door that trusts the keys of the visit.
func verifier(t testing.TB, alter func(c *narrowcast.Config)) *narrowcast.Verifier {
	t.Helper()
	set, err := probeKeys(t).PublicSet()
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jwks.Parse(set, jwks.Options{})
	if err != nil {
		t.Fatal(err)
	}
	source, err := jwks.Fixed(parsed...)
	if err != nil {
		t.Fatal(err)
	}
	c := narrowcast.Config{
		Audience: audience, Now: now,
		Issuers:    []narrowcast.TrustedIssuer{{Issuer: issuer, Keys: source}},
		Algorithms: []narrowcast.Algorithm{narrowcast.ES256, narrowcast.ES384, narrowcast.RS256, narrowcast.PS256, narrowcast.Ed25519},
	}
	if alter != nil {
		alter(&c)
	}
	v, err := narrowcast.NewVerifier(c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// door answers as a resource server does, and forgives what it is told to.
func door(v *narrowcast.Verifier, forgive func(r *narrowcast.Rejection) bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		text, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !found {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, err := v.Verify(r.Context(), text, narrowcast.Presentation{Need: charge})
		var rej *narrowcast.Rejection
		switch {
		case err == nil || errors.As(err, &rej) && forgive != nil && forgive(rej):
			w.WriteHeader(http.StatusOK)
		case rej.Reason.Answer() == narrowcast.Forbidden:
			w.WriteHeader(http.StatusForbidden)
		default:
			w.WriteHeader(http.StatusUnauthorized)
		}
	}
}

// visit probes a handler.
func visit(t testing.TB, h http.Handler, alter func(c *probe.Config)) *probe.Report {
	t.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	c := probe.Config{
		Target: server.URL + "/orders?page=hidden-query", Audience: audience, Issuer: issuer,
		Keys: probeKeys(t), Now: now, Required: charge,
	}
	if alter != nil {
		alter(&c)
	}
	p, err := probe.New(c)
	if err != nil {
		t.Fatal(err)
	}
	report, err := p.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// ids lists the faults with a verdict.
func ids(r *probe.Report, v probe.Verdict) []string {
	var all []string
	for _, f := range r.Findings {
		if f.Verdict == v {
			all = append(all, f.ID)
		}
	}
	return all
}

// where lists the tried faults for which keep holds.
func where(r *probe.Report, keep func(f probe.Finding) bool) []string {
	var all []string
	for _, f := range r.Findings {
		if f.Status != 0 && keep(f) {
			all = append(all, f.ID)
		}
	}
	return all
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	for _, id := range got {
		if !slices.Contains(want, id) {
			t.Errorf("%s: %s should not be among them", what, id)
		}
	}
	for _, id := range want {
		if !slices.Contains(got, id) {
			t.Errorf("%s: %s is not among them", what, id)
		}
	}
}
