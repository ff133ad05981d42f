package probe_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/probe"
)

func TestCorrectDoorEnforcesEverything(t *testing.T) {
	r := visit(t, door(verifier(t, nil), nil), nil)
	if n := r.Count(probe.Enforced); n < 60 || !r.Passed() {
		t.Errorf("%d enforced, passed: %t", n, r.Passed())
	}
	same(t, "not enforced", ids(r, probe.NotEnforced), nil)
	for _, f := range r.Findings {
		if f.Verdict == probe.NotEstablished && !strings.HasPrefix(f.Premise, "not tried") {
			t.Errorf("%s: %s", f.ID, f.Premise)
		}
	}
}

func TestDoorWithOneOtherAlgorithm(t *testing.T) {
	v := verifier(t, func(c *narrowcast.Config) { c.Algorithms = []narrowcast.Algorithm{narrowcast.RS256} })
	r := visit(t, door(v, nil), func(c *probe.Config) { c.Algorithm = narrowcast.RS256 })
	if n := r.Count(probe.Enforced); n < 60 || !r.Passed() {
		t.Errorf("%d enforced, passed: %t", n, r.Passed())
	}
	for _, f := range r.Findings {
		if f.ID == "signature.stranger" && f.Verdict != probe.NotEstablished {
			t.Errorf("%s: %s, although this door refuses every ES256 token", f.ID, f.Verdict)
		}
	}
}

func TestDoorOfATenant(t *testing.T) {
	v := verifier(t, func(c *narrowcast.Config) { c.Tenant, c.Environment = "north", "prod" })
	r := visit(t, door(v, nil), func(c *probe.Config) { c.Tenant, c.Environment = "north", "prod" })
	if !r.Passed() || !slices.Contains(ids(r, probe.Enforced), "tenant.other") {
		t.Errorf("passed: %t, enforced: %v", r.Passed(), ids(r, probe.Enforced))
	}
}

func TestDoorWithAPath(t *testing.T) {
	path := narrowcast.MustAudience("https://pay.example.test/v1")
	v := verifier(t, func(c *narrowcast.Config) { c.Audience = path })
	r := visit(t, door(v, nil), func(c *probe.Config) { c.Audience = path })
	if !r.Passed() || !slices.Contains(ids(r, probe.Enforced), "audience.path-slash") {
		t.Errorf("passed: %t, enforced: %v", r.Passed(), ids(r, probe.Enforced))
	}
}

func TestVulnerableDoorsAreFoundExactly(t *testing.T) {
	only := func(reason narrowcast.Reason) func(*narrowcast.Rejection) bool {
		return func(r *narrowcast.Rejection) bool { return r.Reason == reason && len(r.Also) == 0 }
	}
	reason := func(reasons ...narrowcast.Reason) func(probe.Finding) bool {
		return func(f probe.Finding) bool { return slices.Contains(reasons, f.Reason) }
	}
	begins := func(r *narrowcast.Rejection) bool {
		return r.Reason == narrowcast.AudienceMismatch && len(r.Also) == 0 && len(r.Received) == 1 && strings.HasPrefix(r.Received[0], audience.String())
	}
	untyped := func(c *narrowcast.Config) { c.Issuers[0].Class = narrowcast.DangerouslyUntyped }
	for name, c := range map[string]struct {
		setting func(*narrowcast.Config)
		forgive func(*narrowcast.Rejection) bool
		want    func(probe.Finding) bool
	}{
		"skips the audience": {nil, (*narrowcast.Rejection).OnlyAboutAudience,
			reason(narrowcast.AudienceMissing, narrowcast.AudienceMalformed, narrowcast.AudienceMismatch, narrowcast.AudienceMultiple)},
		"accepts a missing audience":     {nil, only(narrowcast.AudienceMissing), reason(narrowcast.AudienceMissing)},
		"finds itself in a list":         {nil, only(narrowcast.AudienceMultiple), reason(narrowcast.AudienceMultiple)},
		"accepts what has expired":       {nil, only(narrowcast.Expired), reason(narrowcast.Expired)},
		"ignores not-before":             {nil, only(narrowcast.NotYetValid), reason(narrowcast.NotYetValid)},
		"ignores how a token is bound":   {nil, only(narrowcast.Downgrade), reason(narrowcast.Downgrade)},
		"ignores the scope":              {nil, only(narrowcast.InsufficientScope), reason(narrowcast.InsufficientScope)},
		"ignores the ceiling":            {nil, only(narrowcast.LifetimeExceeded), reason(narrowcast.LifetimeExceeded)},
		"compares the beginning":         {nil, begins, named(extensions...)},
		"does not look at the type":      {untyped, nil, named("type.absent", "type.empty", "type.jwt", "type.id-token", "claim.no-subject", "claim.empty-subject", "claim.no-client", "claim.no-id")},
		"accepts signatures of anybody":  {nil, only(narrowcast.SignatureInvalid), reason(narrowcast.SignatureInvalid)},
		"takes an unknown issuer's word": {nil, only(narrowcast.IssuerUnknown), reason(narrowcast.IssuerUnknown)},
	} {
		t.Run(name, func(t *testing.T) {
			r := visit(t, door(verifier(t, c.setting), c.forgive), nil)
			want := where(r, c.want)
			if len(want) == 0 || r.Passed() {
				t.Fatalf("want %v; passed: %t", want, r.Passed())
			}
			same(t, "not enforced", ids(r, probe.NotEnforced), want)
		})
	}
}

// extensions are the audiences that begin with ours.
var extensions = []string{
	"audience.extended", "audience.space-after", "audience.line-break", "audience.nul-byte", "audience.zero-width",
	"audience.space-separated", "audience.comma-separated", "audience.host-dot", "audience.look-alike-suffix",
	"audience.port", "audience.default-port", "audience.empty-port", "audience.userinfo-look-alike", "audience.path",
	"audience.double-slash", "audience.dot-segment", "audience.query", "audience.empty-query", "audience.fragment",
	"audience.backslash",
}

func named(ids ...string) func(probe.Finding) bool {
	return func(f probe.Finding) bool { return slices.Contains(ids, f.ID) }
}

func TestDoorsThatShowNothing(t *testing.T) {
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	forbidding := func(w http.ResponseWriter, r *http.Request) {
		if text := r.Header.Get("Authorization"); text != "" && text != "Bearer not-a-token" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.WriteHeader(http.StatusUnauthorized)
	}
	for name, c := range map[string]struct {
		h       http.Handler
		premise string
	}{
		"refuses everybody":            {status(http.StatusUnauthorized), "the right token was refused with 401"},
		"refuses everybody, with 403":  {status(http.StatusForbidden), "the right token was refused with 403"},
		"forbids whatever is a token":  {http.HandlerFunc(forbidding), "403 is also the answer to the right token"},
		"lets everybody in":            {status(http.StatusOK), "the door lets in requests without a token"},
		"sends everybody elsewhere":    {http.RedirectHandler("/elsewhere", http.StatusFound), "the right token was refused with 302"},
		"knows nothing of the address": {http.NotFoundHandler(), "the right token was refused with 404"},
	} {
		t.Run(name, func(t *testing.T) {
			r := visit(t, c.h, nil)
			if r.Passed() || r.Count(probe.Enforced) > 0 || r.Count(probe.NotEnforced) > 0 {
				t.Errorf("enforced %v, not enforced %v", ids(r, probe.Enforced), ids(r, probe.NotEnforced))
			}
			for _, f := range r.Findings {
				if f.Premise != c.premise && !strings.HasPrefix(f.Premise, "not tried") {
					t.Errorf("%s: %s", f.ID, f.Premise)
				}
			}
		})
	}
}

func TestRefusalByScopeStillShowsTheOtherChecks(t *testing.T) {
	right := door(verifier(t, nil), nil)
	r := visit(t, right, func(c *probe.Config) { c.Required = narrowcast.Scope{} }) // so that the door answers 403
	for _, f := range r.Findings {
		if f.Verdict == probe.NotEstablished && !strings.HasPrefix(f.Premise, "not tried") {
			t.Errorf("%s: %s", f.ID, f.Premise)
		}
	}
	if !r.Passed() || r.Controls[2].Status != http.StatusForbidden || r.Count(probe.Enforced) < 60 {
		t.Errorf("passed: %t, controls: %+v, enforced: %d", r.Passed(), r.Controls, r.Count(probe.Enforced))
	}
}

func TestDoorThatShutsDuringTheVisit(t *testing.T) {
	open, asked := door(verifier(t, nil), nil), 0
	r := visit(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if asked++; asked > 10 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		open(w, req)
	}), nil)
	same(t, "enforced", ids(r, probe.Enforced), nil)
}

func TestDoorInTroubleIsLeftAlone(t *testing.T) {
	asked := 0
	r := visit(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(http.StatusBadGateway)
	}), nil)
	if asked != 5 || r.Stopped == "" || r.Passed() || r.Count(probe.NotEstablished) != len(r.Findings) {
		t.Errorf("asked %d times, stopped %q", asked, r.Stopped)
	}
}

func TestCancelledVisitSendsNothing(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer server.Close()
	p, err := probe.New(probe.Config{Target: server.URL, Audience: audience, Issuer: issuer, Keys: probeKeys(t), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := p.Run(ctx)
	if err != nil || asked != 0 || r.Passed() || r.Stopped == "" {
		t.Errorf("asked %d times, report %+v, err %v", asked, r, err)
	}
}

func TestTokensAreFreshAndRedirectsAreNotFollowed(t *testing.T) {
	seen, elsewhere := map[string]int{}, 0
	inner := door(verifier(t, nil), nil)
	visit(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			elsewhere++
		}
		if c, err := narrowcast.Inspect(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")); err == nil && c.TokenID != "" {
			seen[c.TokenID]++
		}
		if len(seen) == 30 {
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
			return
		}
		inner(w, r)
	}), nil)
	if elsewhere != 0 {
		t.Errorf("%d redirects were followed", elsewhere)
	}
	for id, n := range seen {
		if n > 1 && id != "another" {
			t.Errorf("token id %q was used %d times", id, n)
		}
	}
}
