package incident_test

import (
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/incident"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// spoken makes a verifier read our tokens in a dialect.
func spoken(edit func(*narrowcast.Dialect)) func(*narrowcast.Config) {
	return func(c *narrowcast.Config) {
		c.Issuers[0].Class = narrowcast.DangerouslyUntyped
		edit(&c.Issuers[0].Dialect)
	}
}

// One token, and doors that differ in one term each.
func TestDialectsAreJudgedByTheirTerms(t *testing.T) {
	for name, c := range map[string]struct {
		edit    func(*narrowcast.Dialect)
		verdict incident.Verdict
		reason  narrowcast.Reason
	}{
		"no term":        {func(*narrowcast.Dialect) {}, incident.Refuses, narrowcast.AudienceMultiple},
		"a companion":    {func(d *narrowcast.Dialect) { d.Companions = audiences("account") }, incident.Accepts, 0},
		"an ambient one": {func(d *narrowcast.Dialect) { d.Ambient = audiences("account") }, incident.Refuses, narrowcast.AudienceMultiple},
		"a claim that fits": {func(d *narrowcast.Dialect) {
			d.Companions, d.Require = audiences("account"), pinned("use", "access", "a;b")
		}, incident.Accepts, 0},
		"a claim that does not": {func(d *narrowcast.Dialect) { d.Companions, d.Require = audiences("account"), pinned("use", "id") },
			incident.Refuses, narrowcast.ClaimMismatch},
		"an absent claim": {func(d *narrowcast.Dialect) { d.Companions, d.Require = audiences("account"), pinned("tid", "1") },
			incident.Refuses, narrowcast.ClaimMissing},
	} {
		s := open(t)
		s.hear(report{writer: "guard-pay/1", audience: pay, change: spoken(c.edit)}, 0, time.Minute)
		text := s.written("JWT", `{"iss":"`+ours+`","aud":["account","`+pay+`"],"sub":"a","use":"access","iat":1800000000,"exp":1800000300}`)
		if f := find(t, s.where(text), pay); f.Verdict != c.verdict || f.Reason != c.reason {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func audiences(names ...string) (all []narrowcast.Audience) {
	for _, name := range names {
		all = append(all, narrowcast.MustAudience(name))
	}
	return all
}

func pinned(name string, values ...string) []narrowcast.RequiredClaim {
	return []narrowcast.RequiredClaim{{Name: name, Values: values}}
}

// Law 7: what a verifier said and nobody here understands establishes nothing.
func TestTermsThatAreNotUnderstoodEstablishNothing(t *testing.T) {
	for told, verdict := range map[string]incident.Verdict{
		"at+jwt":                                  incident.Refuses,
		"dangerously-untyped":                     incident.Refuses,
		"dangerously-untyped; ambient account":    incident.Refuses,
		"dangerously-untyped; terms-left-out":     incident.Unknown,
		"at+jwt; nonsense":                        incident.Unknown,
		"at+jwt; tenant a b":                      incident.Unknown,
		"at+jwt; ":                                incident.Unknown,
		"at+jwt;tenant a":                         incident.Unknown,
		"at+jwt; own-words; type JWT":             incident.Unknown, // types are not for this class
		"somebody's class":                        incident.Unknown,
		"dangerously-untyped; require x %zz":      incident.Unknown,
		"dangerously-untyped; companion " + crm:   incident.Unknown, // it gives its own audience to everybody
		"dangerously-untyped; tenant t1; ambient": incident.Unknown,
	} {
		s := open(t)
		for _, after := range []time.Duration{0, time.Minute} {
			s.keep(event.Event{Type: event.VerifierSeen, Time: born.Add(after), Writer: "guard-crm/1", Verifier: &event.Verifier{
				Audience: crm, Digest: "ab", Mode: event.Enforce, Issuers: map[string]string{ours: told}, Algorithms: []string{"ES256"},
				Skew: 5 * time.Second, MaxLife: time.Hour,
			}})
		}
		f := find(t, s.where(s.letter()), crm)
		if f.Verdict != verdict || f.Verdict == incident.Unknown && !strings.Contains(f.Basis, "cannot be rebuilt") {
			t.Errorf("%q: %+v", told, f)
		}
	}
}

func TestAmbientAudiencesAreOdd(t *testing.T) {
	const realm = "https://keycloak.example.test/realms/acme"
	for name, c := range map[string]struct {
		typ, issuer, audience string
		odd                   bool
	}{
		"a resource":               {"JWT", realm, pay, false},
		"the account console":      {"JWT", realm, "account", true},
		"the issuer":               {"JWT", realm, realm, true},
		"the issuer with a slash":  {"JWT", "https://acme.auth0.example.test/", "https://acme.auth0.example.test", true},
		"user information":         {"JWT", "https://acme.auth0.example.test/", "https://acme.auth0.example.test/userinfo", true},
		"management":               {"JWT", "https://acme.auth0.example.test/", "https://acme.auth0.example.test/api/v2/", true},
		"an API of the issuer":     {"JWT", "https://acme.auth0.example.test/", "https://acme.auth0.example.test/api/v3", false},
		"a door of our own issuer": {"at+jwt", ours, ours + "/api/v2", false},
		"the default server":       {"", realm, "api://default", true},
		"a cluster":                {"", realm, "https://kubernetes.default.svc", true},
		"an owner of jobs":         {"JWT", realm, "https://github.com/octo-org", true},
		"a repository":             {"JWT", realm, "https://github.com/octo-org/octo-repo", false},
		"nothing of an issuer":     {"JWT", "", "/userinfo", false},
		"a hostile pair":           {"JWT", "\\nrecord 1", "\\nrecord 1", true},
	} {
		text := raw(`{"alg":"ES256","typ":"`+c.typ+`","kid":"k1"}`, `{"iss":"`+c.issuer+`","aud":"`+c.audience+`"}`)
		i, err := incident.Inspect(t.Context(), text, nil, born)
		must(t, err)
		told := strings.Join(i.Oddities, "; ")
		if strings.Contains(told, "names nobody") != c.odd || strings.Contains(told, "\n") {
			t.Errorf("%s: %q", name, told)
		}
	}
	i, err := incident.Inspect(t.Context(), raw(`{"alg":"ES256","typ":"JWT","kid":"k1"}`, `{"sub":"`+workload+`","aud":"`+pay+`"}`), nil, born)
	must(t, err)
	for _, odd := range i.Oddities {
		if strings.Contains(odd, "issuer") || strings.Contains(odd, "at+jwt") {
			t.Errorf("a JWT-SVID: %s", odd)
		}
	}
}

func TestDialectsAreTold(t *testing.T) {
	var b strings.Builder
	facts := &event.Verifier{Audience: pay, Mode: event.Enforce, Issuers: map[string]string{ours: "at+jwt", foreign: "dangerously-untyped; type JWT; x\x1b"}}
	must(t, incident.WriteRecord(&b, store.Record{Event: event.Event{Type: event.VerifierSeen, Verifier: facts}}))
	const want = "dialect    https://elsewhere.example.test: dangerously-untyped with \"type JWT; x\\x1b\"\n"
	if !strings.Contains(b.String(), want) || strings.Contains(b.String(), "dialect    "+ours) {
		t.Errorf("%s", b.String())
	}
}
