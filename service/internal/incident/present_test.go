package incident_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/incident"
)

// follow records what enforcement points report of their feed, from the birth of
// the token on. A negative position is of one that does not follow.
func (s *scene) follow(writer string, kind event.Type, after time.Duration, position int) {
	s.t.Helper()
	v, err := narrowcast.NewVerifier(narrowcast.Config{
		Audience: narrowcast.MustAudience(pay), Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, Now: time.Now,
		Issuers: []narrowcast.TrustedIssuer{{Issuer: narrowcast.MustIssuer(ours), Keys: s.room.Keys}},
	})
	must(s.t, err)
	facts := event.VerifierOf(v, event.Enforce)
	if facts.Revocation = position >= 0; facts.Revocation {
		facts.Feed = &event.Feed{Position: uint64(position), AsOf: born.Add(after), StaleAfter: 10 * time.Second, WhenStale: "refuse"}
	}
	s.keep(event.Event{Type: kind, Time: born.Add(after), Writer: writer, Mode: event.Enforce, Verifier: facts})
}

// ended is a scene in which the token for payments was minted by record 1 and
// called back by record 2, or whatever happened.
func ended(t *testing.T, happened event.Event, edits ...func(*mint.Letter)) (s *scene, text string) {
	s = open(t)
	text = s.letter(edits...)
	s.issued(text)
	happened.Time, happened.Writer = born.Add(30*time.Second), "issuer/1"
	s.keep(happened)
	return s, text
}

func revokedToken(id string) event.Event {
	return event.Event{Type: event.Revoked, Revocation: &event.Revocation{Kind: "token", ID: id, Until: born.Add(time.Hour)}}
}

// A door that confirmed the revocation refuses by now; one that did not, or does
// not follow, stays what it was.
func TestADoorSinceTheTokenWasCalledBack(t *testing.T) {
	const seen, left = event.VerifierSeen, event.VerifierLeft
	type word struct {
		writer   string
		kind     event.Type
		after    time.Duration // in seconds
		position int
	}
	for name, c := range map[string]struct {
		words  []word
		want   incident.Verdict
		reason narrowcast.Reason
		basis  string
	}{
		"confirmed":              {[]word{{"a", seen, 0, 1}, {"a", seen, 31, 2}}, incident.Refuses, narrowcast.Revoked, "a confirmed record 2"},
		"confirmed later":        {[]word{{"a", seen, 0, 1}, {"a", seen, 31, 9}}, incident.Refuses, narrowcast.Revoked, "a confirmed record 9"},
		"not yet":                {[]word{{"a", seen, 0, 1}, {"a", seen, 31, 1}}, incident.Accepts, 0, "a had confirmed no more than record 1"},
		"no feed":                {[]word{{"a", seen, 0, -1}, {"a", seen, 31, -1}}, incident.Accepts, 0, "a does not follow"},
		"no longer":              {[]word{{"a", seen, 0, 2}, {"a", seen, 31, -1}}, incident.Accepts, 0, "a does not follow"},
		"one of two":             {[]word{{"a", seen, 0, 2}, {"b", seen, 0, 1}}, incident.Accepts, 0, "b had confirmed no more than record 1"},
		"the other of two":       {[]word{{"a", seen, 0, 1}, {"b", seen, 0, 2}}, incident.Accepts, 0, "a had confirmed no more than record 1"},
		"the other one stopped":  {[]word{{"a", seen, 0, 2}, {"b", seen, 0, 1}, {"b", left, 20, 1}}, incident.Refuses, narrowcast.Revoked, "a confirmed"},
		"it stopped and is back": {[]word{{"a", seen, 0, 2}, {"b", seen, 0, 1}, {"b", left, 20, 1}, {"b", seen, 21, 1}}, incident.Accepts, 0, "b had confirmed"},
	} {
		t.Run(name, func(t *testing.T) {
			s, text := ended(t, revokedToken("t1"))
			for _, w := range c.words {
				s.follow(w.writer, w.kind, w.after*time.Second, w.position)
			}
			a := s.where(text)
			f := find(t, a, pay)
			if f.Verdict != incident.Accepts || a.Death == nil || a.Death.Record != 2 || !a.Death.Time.Equal(born.Add(30*time.Second)) || a.Death.Reason != narrowcast.Revoked {
				t.Errorf("%s, %+v", f.Verdict, a.Death)
			}
			if f.Now == nil || f.Now.Verdict != c.want || f.Now.Reason != c.reason || !strings.Contains(f.Now.Basis, c.basis) {
				t.Errorf("now = %+v", f.Now)
			}
			if crm := find(t, a, crm); crm.Now != nil {
				t.Errorf("nobody was heard there: %+v", crm.Now)
			}
			var b bytes.Buffer
			must(t, a.WriteText(&b))
			if says := strings.Contains(b.String(), "by now it refuses with revoked"); says != (c.want == incident.Refuses) || !strings.Contains(b.String(), "ended      revoked: 2027-01-15T08:00:30Z, by record 2") {
				t.Errorf("%s", b.String())
			}
		})
	}
}

func TestWhatCallsATokenBack(t *testing.T) {
	task := func(l *mint.Letter) { l.Task = "job-7" }
	for name, c := range map[string]struct {
		happened event.Event
		want     narrowcast.Reason
	}{
		"the token":       {revokedToken("t1"), narrowcast.Revoked},
		"another token":   {revokedToken("t2"), 0},
		"its client":      {event.Event{Type: event.Revoked, Revocation: &event.Revocation{Kind: "party", ID: "checkout", Before: born}}, narrowcast.Revoked},
		"its task":        {event.Event{Type: event.TaskEnded, Task: &event.Task{ID: "job-7", Outcome: "ended"}}, narrowcast.TaskEnded},
		"a pause":         {event.Event{Type: event.TaskPaused, Task: &event.Task{ID: "job-7"}}, narrowcast.TaskPaused},
		"another task":    {event.Event{Type: event.TaskEnded, Task: &event.Task{ID: "job-8"}}, 0},
		"something, once": {event.Event{Type: event.Admin}, 0},
	} {
		s, text := ended(t, c.happened, task)
		s.follow("a", event.VerifierSeen, 0, 1)
		s.follow("a", event.VerifierSeen, 31*time.Second, 2)
		a := s.where(text)
		switch now := find(t, a, pay).Now; {
		case c.want == 0 && now == nil && a.Death == nil:
		case now == nil || now.Verdict != incident.Refuses || now.Reason != c.want || a.Death.Reason != c.want:
			t.Errorf("%s: %+v, %+v", name, now, a.Death)
		}
	}
	// A forged token of the same id is nobody's.
	s, text := ended(t, revokedToken("t1"))
	if a := s.where(forge(text)); a.Death != nil {
		t.Errorf("%+v", a.Death)
	}
}

// A confirmation of long ago says little about now.
func TestAConfirmationGetsOld(t *testing.T) {
	s, text := ended(t, revokedToken("t1"), func(l *mint.Letter) { l.Lifetime = time.Hour })
	s.follow("a", event.VerifierSeen, 0, 1)
	s.follow("a", event.VerifierSeen, 31*time.Second, 2)
	s.now = born.Add(4 * time.Minute)
	if now := find(t, s.where(text), pay).Now; now.Verdict != incident.Refuses {
		t.Errorf("%+v", now)
	}
	s.now = born.Add(20 * time.Minute)
	if now := find(t, s.where(text), pay).Now; now.Verdict != incident.Unknown || !strings.Contains(now.Basis, "may have changed") {
		t.Errorf("%+v", now)
	}
}

// How many times a verifier told how far it has read says nothing about its
// configuration: that is one statement.
func TestPositionsAreNoConfigurations(t *testing.T) {
	s := open(t)
	for i := range 5 {
		s.follow("a", event.VerifierSeen, time.Duration(i)*time.Second, i)
	}
	if f := find(t, s.where(s.letter()), pay); !strings.Contains(f.Basis, "5 times") {
		t.Error(f.Basis)
	}
}

const oneRequest = `[{"type":"urn:narrowcast:request","locations":["` + pay + `"],"method":"POST","target":"/charges","digest":"sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"}]`

// Whether somebody used a token for one use, or could make the one request, a
// configuration does not say.
func TestTokensWithFurtherLimits(t *testing.T) {
	asks := func(r *report) { r.change = func(c *narrowcast.Config) { c.Uses = allowing{} } }
	for name, c := range map[string]struct {
		edit   func(*mint.Letter)
		guard  func(*report)
		want   incident.Verdict
		reason narrowcast.Reason
		basis  string
	}{
		"none":                     {want: incident.Accepts},
		"one use":                  {edit: func(l *mint.Letter) { l.SingleUse = true }, guard: asks, want: incident.Unknown, basis: "good for one use"},
		"one use, and nobody asks": {edit: func(l *mint.Letter) { l.SingleUse = true }, want: incident.Refuses, reason: narrowcast.UseUnknown},
		"one request":              {edit: func(l *mint.Letter) { l.Details = oneRequest }, want: incident.Unknown, basis: "one exact request"},
		"one request elsewhere": {edit: func(l *mint.Letter) {
			l.Details, l.Audience = strings.Replace(oneRequest, pay, crm, 1), narrowcast.MustAudience(crm)
		}, want: incident.Refuses, reason: narrowcast.AudienceMismatch},
		"details of the application":   {edit: func(l *mint.Letter) { l.Details = `[{"type":"payment"}]` }, want: incident.Accepts},
		"any use, where they are told": {guard: asks, want: incident.Accepts},
	} {
		s := open(t)
		r := report{writer: "a", audience: pay}
		if c.guard != nil {
			c.guard(&r)
		}
		s.hear(r, 0, time.Minute)
		var edits []func(*mint.Letter)
		if c.edit != nil {
			edits = append(edits, c.edit)
		}
		f := find(t, s.where(s.letter(edits...)), pay)
		if f.Verdict != c.want || f.Reason != c.reason || !strings.Contains(f.Basis, c.basis) {
			t.Errorf("%s: %+v", name, f)
		}
	}
}
