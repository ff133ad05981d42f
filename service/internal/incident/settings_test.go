package incident_test

import (
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/incident"
)

func TestDoorsThatAreDisabledOrGone(t *testing.T) {
	s := open(t).locked()
	s.room.Doors = s.room.Doors[1:] // profiles was removed
	s.room.Doors[0].Disabled = true
	text := s.letter()
	a := s.where(text)
	if f := find(t, a, pay); f.Standing != incident.Disabled || f.Verdict != incident.Accepts {
		t.Errorf("disabled: %+v", f)
	}
	if f := find(t, a, crm); f.Standing != incident.Unregistered || f.Verdict != incident.Refuses || len(a.Others) != 1 || !a.Confined {
		t.Errorf("removed: %+v", f)
	}
	s.hear(report{writer: "guard-crm/2", audience: crm, mode: event.Observe}, 0)
	if a = s.where(text); a.Confined {
		t.Error("a removed door accepts it, and it is called confined")
	}
	// Nobody reports for this one, and the token was let in there.
	const gone = "https://gone.example.test"
	s.keep(event.Event{Type: event.Presented, Time: born, Writer: "guard-x/1", Genuine: true, Expected: gone, Token: token(t, text)})
	check(t, find(t, s.where(text), gone), incident.Accepts, 0, "it was accepted there")
}

func TestTenantsAndEnvironments(t *testing.T) {
	s := open(t).locked()
	s.hear(report{writer: "guard-pay/2", audience: pay, change: func(c *narrowcast.Config) { c.Tenant = "acme" }}, 0)
	s.hear(report{writer: "guard-crm/2", audience: crm, change: func(c *narrowcast.Config) { c.Environment = "prod" }}, 0)
	plain := find(t, s.where(s.letter()), pay)
	if plain.Points[0].Verdict != incident.Accepts || plain.Points[1].Verdict != incident.Refuses || plain.Points[1].Reason != narrowcast.TenantMismatch {
		t.Errorf("%+v", plain.Points)
	}
	acme := find(t, s.where(s.letter(func(l *mint.Letter) { l.Tenant = "acme" })), pay)
	if acme.Points[0].Reason != narrowcast.TenantMismatch || acme.Points[1].Verdict != incident.Accepts {
		t.Errorf("%+v", acme.Points)
	}
	prod := find(t, s.where(s.letter(func(l *mint.Letter) { l.Environment, l.Audience = "prod", narrowcast.MustAudience(crm) })), crm)
	if prod.Points[0].Reason != narrowcast.EnvironmentMismatch || prod.Points[1].Verdict != incident.Accepts {
		t.Errorf("%+v", prod.Points)
	}
}

// Whoever stole a bound token may have its key too, so it is judged as if.
func TestBoundTokens(t *testing.T) {
	s := open(t).locked()
	s.hear(report{writer: "guard-crm/2", audience: crm, mode: event.Observe}, 0)
	bound := func(cnf string) string {
		return s.written("at+jwt", `{"iss":"`+ours+`","aud":"`+pay+`","sub":"a","client_id":"a","jti":"a","iat":1800000000,"exp":1800000300,"cnf":`+cnf+`}`)
	}
	a := s.where(bound(`{"x5t#S256":"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}`))
	check(t, find(t, a, pay), incident.Accepts, 0, "bound to its sender, whose proof is taken to be shown with it")
	check(t, find(t, a, crm), incident.Accepts, narrowcast.AudienceMismatch, "observe mode lets it pass; it is bound")
	a = s.where(bound(`{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}`))
	check(t, find(t, a, pay), incident.Accepts, 0, "bound to its sender")
	// A member that is not understood is never met.
	a = s.where(bound(`{"x5t#S256":"x","else":1}`))
	check(t, find(t, a, pay), incident.Refuses, narrowcast.SenderMismatch, "enforce")
	// Names of claims are compared in exact case, here as at the door.
	a = s.where(bound(`{"jkt":"x"},"CNF":{"jkt":"y"}`))
	check(t, find(t, a, pay), incident.Accepts, 0, "bound to its sender")
	a = s.where(s.written("at+jwt", `{"iss":"`+ours+`","aud":"`+pay+`","sub":"a","client_id":"a","jti":"a","iat":1800000000,"exp":1800000300,"Cnf":{"jkt":"x"}}`))
	check(t, find(t, a, pay), incident.Accepts, 0, "enforce")

	// A door that wants bound tokens refuses a bearer.
	s.hear(report{writer: "guard-pay/2", audience: pay, change: func(c *narrowcast.Config) { c.RequireBinding = true }}, 0)
	if points := find(t, s.where(s.letter()), pay).Points; points[0].Verdict != incident.Accepts || points[1].Reason != narrowcast.BindingRequired {
		t.Errorf("%+v", points)
	}
}

// A list of audiences is refused everywhere here. Where it is let in, none of
// the doors is the token's own.
func TestSeveralAudiencesHaveNoDoorOfTheirOwn(t *testing.T) {
	s := open(t)
	text := raw(`{"alg":"ES256","typ":"at+jwt","kid":"k1"}`, `{"iss":"`+ours+`","aud":["`+pay+`","`+crm+`"],"sub":"a","client_id":"a","jti":"a","iat":1800000000,"exp":1800000300}`)
	for _, name := range []string{pay, crm} {
		s.keep(event.Event{Type: event.WouldReject, Time: born, Writer: "g/1", Genuine: true, Expected: name, Token: token(t, text)})
	}
	if a := s.where(text); a.Confined || !a.Doors[0].Own || !a.Doors[1].Own {
		t.Errorf("%+v", a)
	}
}
