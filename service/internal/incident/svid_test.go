package incident_test

import (
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/incident"
)

const (
	domain   = "spiffe://corp.example"
	workload = domain + "/ns/shop/sa/checkout"
)

// trusting adds the trust domain to what a door trusts.
func trusting(c *narrowcast.Config) {
	c.Issuers = append(c.Issuers, narrowcast.TrustedIssuer{Issuer: narrowcast.MustIssuer(domain), Class: narrowcast.JWTSVID, Keys: broken{}})
}

func (s *scene) svid(members string) string {
	return s.written("JWT", `{"aud":["`+pay+`"],"sub":"`+workload+`","iat":1800000000,"exp":1800000300`+members+`}`)
}

// A JWT-SVID names no issuer: its trust domain stands in sub.
func TestTheTrustDomainOfASubjectIsItsIssuer(t *testing.T) {
	s := open(t).locked()
	s.hear(report{writer: "guard-crm/2", audience: crm, change: trusting}, 0, time.Minute)
	for name, text := range map[string]string{"no issuer": s.svid(""), "an issuer that nobody trusts": s.svid(`,"iss":"https://oidc.corp.example"`)} {
		a := s.where(text)
		if f := find(t, a, pay); f.Verdict != incident.Refuses || a.Confined {
			t.Errorf("%s: a door that does not trust the domain: %+v", name, f)
		}
		check(t, find(t, a, crm), incident.Unknown, 0, "it trusts this issuer, whose keys are not at hand")
	}
	// Only its trust domain speaks for a SPIFFE ID, so that these are refused also by
	// who trusts the domain.
	for name, text := range map[string]string{
		"another domain": s.svid(`,"iss":"spiffe://other.example"`),
		"an odd path":    s.written("JWT", `{"aud":"`+crm+`","sub":"spiffe://corp.example//x","iat":1800000000,"exp":1800000300}`),
	} {
		if f := find(t, s.where(text), crm); f.Verdict != incident.Refuses || f.Points[1].Reason != narrowcast.IssuerUnknown {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// With the keys of the domain at hand, doors are judged as ever.
func TestSVIDsAreJudgedByTheKeysOfTheirDomain(t *testing.T) {
	s := open(t)
	s.room.Issuer = narrowcast.MustIssuer(domain)
	for _, name := range []string{pay, crm} {
		s.hear(report{writer: "guard/1", audience: name, change: trusting}, 0, time.Minute)
	}
	a := s.where(s.svid(""))
	check(t, find(t, a, pay), incident.Accepts, 0, "")
	check(t, find(t, a, crm), incident.Refuses, narrowcast.AudienceMismatch, "")
	check(t, find(t, s.where(forge(s.svid(""))), crm), incident.Refuses, narrowcast.SignatureInvalid, "")
}

// An access token of ours may speak of a workload, and it is ours all the same.
func TestAnAccessTokenAboutAWorkload(t *testing.T) {
	s := open(t).locked()
	s.hear(report{writer: "guard-crm/2", audience: crm, change: trusting}, 0, time.Minute)
	text := s.written("at+jwt", `{"iss":"`+ours+`","aud":"`+pay+`","sub":"`+workload+`","client_id":"a","jti":"a","iat":1800000000,"exp":1800000300}`)
	a := s.where(text)
	check(t, find(t, a, pay), incident.Accepts, 0, "")
	check(t, find(t, a, crm), incident.Refuses, narrowcast.AudienceMismatch, "agree")
	if !a.Genuine || !a.Confined {
		t.Errorf("genuine %t, %s; confined %t", a.Genuine, a.Doubt, a.Confined)
	}
}

func TestSignaturesOfSVIDs(t *testing.T) {
	s := open(t)
	assertion := s.written("JWT", `{"iss":"`+workload+`","sub":"`+workload+`","aud":"`+ours+`","jti":"a","exp":1800000300}`)
	for name, c := range map[string]struct {
		text      string
		signature incident.Signature
	}{
		"no issuer":             {s.svid(""), incident.Right},
		"an issuer of the web":  {s.svid(`,"iss":"https://oidc.corp.example"`), incident.Right},
		"its domain":            {s.svid(`,"iss":"` + domain + `"`), incident.Right},
		"another domain":        {s.svid(`,"iss":"spiffe://other.example"`), incident.NotVerified},
		"changed":               {forge(s.svid("")), incident.Wrong},
		"a domain and a person": {s.written("JWT", `{"iss":"`+domain+`","sub":"a","aud":"`+pay+`","exp":1800000300}`), incident.NotVerified},
		"nobody":                {s.written("JWT", `{"sub":"a","aud":"`+pay+`","exp":1800000300}`), incident.NotVerified},
		"an assertion":          {assertion, incident.Right},
		"an access token":       {s.written("at+jwt", `{"iss":"`+ours+`","aud":"`+pay+`","sub":"`+workload+`"}`), incident.Right},
	} {
		i, err := incident.Inspect(t.Context(), c.text, s.room.Keys, born)
		if err != nil || i.Signature != c.signature || (i.Why == "") != (c.signature == incident.Right) {
			t.Errorf("%s: %s %q, %v", name, i.Signature, i.Why, err)
		}
	}
}
