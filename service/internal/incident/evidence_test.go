package incident_test

import (
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/incident"
)

func fixed(t testing.TB, keys ...narrowcast.Key) narrowcast.KeySource {
	t.Helper()
	set, err := jwks.Fixed(keys...)
	must(t, err)
	return set
}

func token(t testing.TB, text string) *event.Token {
	t.Helper()
	said, err := narrowcast.Inspect(text)
	must(t, err)
	return event.TokenOf(said)
}

// Each case is a history of reports for profiles, and what it allows to say of a
// token for payments that was born at zero and is a minute old.
func TestWhatReportsAllowToSay(t *testing.T) {
	const m = time.Minute
	enforce := report{writer: "guard-crm/1", audience: crm}
	second := report{writer: "guard-crm/2", audience: crm}
	observe := report{writer: "guard-crm/1", audience: crm, mode: event.Observe}
	type said struct {
		report
		after []time.Duration
	}
	for name, c := range map[string]struct {
		said    []said
		age     time.Duration
		verdict incident.Verdict
		basis   string
	}{
		"one that enforces":                    {[]said{{enforce, []time.Duration{-m, 0, m}}}, m, incident.Refuses, "3 times from 2027-01-15T07:59:00Z to 2027-01-15T08:01:00Z"},
		"older than the token, but still good": {[]said{{enforce, []time.Duration{-m}}}, m, incident.Refuses, "at 2027-01-15T07:59:00Z"},
		"long before the token":                {[]said{{enforce, []time.Duration{-6 * m}}}, m, incident.Unknown, "no verifier has reported"},
		"only before, and silent since":        {[]said{{enforce, []time.Duration{-m}}}, 5 * m, incident.Unknown, "it was silent for more than 5m0s and may have changed"},
		"first heard in mid-life":              {[]said{{enforce, []time.Duration{2 * m}}}, 3 * m, incident.Unknown, "nothing was heard of this door before 2027-01-15T08:02:00Z, when the token had lived for 2m0s"},
		"a few seconds late":                   {[]said{{enforce, []time.Duration{3 * time.Second}}}, m, incident.Refuses, ""},
		"one that observes":                    {[]said{{observe, []time.Duration{0}}}, m, incident.Accepts, "reported mode observe, configuration "},
		"it observed once, and enforces now":   {[]said{{observe, []time.Duration{0}}, {enforce, []time.Duration{m}}}, m, incident.Accepts, "observe mode lets it pass"},
		"it observes only after the question":  {[]said{{enforce, []time.Duration{0}}, {observe, []time.Duration{2 * m}}}, m, incident.Refuses, ""},
		"two that enforce":                     {[]said{{enforce, []time.Duration{0}}, {second, []time.Duration{0}}}, m, incident.Refuses, "all 2 enforcement points agree"},
		"two, and one observes":                {[]said{{observe, []time.Duration{0}}, {second, []time.Duration{0}}}, m, incident.Accepts, "the worst of 2 enforcement points counts"},
		"two, and one fell silent":             {[]said{{enforce, []time.Duration{0}}, {second, []time.Duration{0, 4 * m, 8 * m}}}, 9 * m, incident.Unknown, "guard-crm/1 reported"},
		"one that was gone for a while":        {[]said{{enforce, []time.Duration{0, 6 * m}}}, 7 * m, incident.Unknown, "after 2027-01-15T08:00:00Z it was silent"},
		"a replica that came later":            {[]said{{enforce, []time.Duration{0, 4 * m, 8 * m}}, {second, []time.Duration{4 * m, 8 * m}}}, 9 * m, incident.Refuses, "all 2"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			for _, one := range c.said {
				s.hear(one.report, one.after...)
			}
			s.now = born.Add(c.age)
			text := s.letter(func(l *mint.Letter) { l.Lifetime = 20 * time.Minute })
			a := s.where(text)
			f := find(t, a, crm)
			if f.Verdict != c.verdict || !strings.Contains(f.Basis, c.basis) {
				t.Errorf("%s: %s, want %s: …%s…", f.Verdict, f.Basis, c.verdict, c.basis)
			}
		})
	}
}

// A token that died long ago is judged as of its last second, by what was said
// while it lived.
func TestAnExpiredTokenIsJudgedInItsLife(t *testing.T) {
	s := open(t).locked()
	s.hear(report{writer: "guard-crm/1", audience: crm, mode: event.Observe}, 6*time.Minute)
	text := s.letter()
	s.now = born.Add(30 * 24 * time.Hour)
	a := s.where(text)
	check(t, find(t, a, pay), incident.Accepts, 0, "")
	check(t, find(t, a, crm), incident.Refuses, narrowcast.AudienceMismatch, "")
	if a.Alive || !a.Genuine || !a.AsOf.Equal(born.Add(5*time.Minute-time.Second)) || !a.Until.Equal(a.AsOf) {
		t.Errorf("alive %t, genuine %t, as of %s", a.Alive, a.Genuine, a.AsOf)
	}
}

// A token from the future is judged as of its first second: "too early" would
// hide which doors it is going to open.
func TestATokenThatDoesNotLiveYet(t *testing.T) {
	s := open(t).locked()
	s.hear(report{writer: "guard-crm/2", audience: crm, mode: event.Observe}, 0)
	text := s.letter(func(l *mint.Letter) { l.IssuedAt = born.Add(time.Hour) })
	a := s.where(text)
	check(t, find(t, a, pay), incident.Accepts, 0, "")
	check(t, find(t, a, crm), incident.Accepts, narrowcast.AudienceMismatch, "observe mode")
}

// A stranger may claim any dates; the book is read for a day at most.
func TestClaimedDatesDoNotWidenTheSearch(t *testing.T) {
	s := open(t).locked()
	for _, dates := range []string{`"iat":0,"exp":9999999999`, `"exp":1`, `"iat":9999999999,"exp":1`, ``, `"iat":1,"nbf":9999999999`} {
		payload := `{"iss":"` + ours + `","aud":"` + pay + `","sub":"a","client_id":"a","jti":"a"`
		if dates != "" {
			payload += "," + dates
		}
		a := s.where(raw(`{"alg":"ES256","typ":"at+jwt","kid":"k1"}`, payload+"}"))
		if a.Until.Sub(a.Since) > narrowcast.CeilingMaxLifetime+5*time.Minute || a.Since.After(a.Until) || a.Genuine {
			t.Errorf("%s: from %s to %s", dates, a.Since, a.Until)
		}
	}
}

func TestWhatHappenedOutweighsEverything(t *testing.T) {
	for _, kind := range []event.Type{event.Presented, event.WouldReject} {
		s := open(t).locked()
		text := s.letter()
		s.keep(event.Event{Type: kind, Time: born.Add(20 * time.Second), Writer: "guard-crm/1", Genuine: true, Expected: crm, Token: token(t, text),
			Request: &event.Request{Peer: "192.0.2.7"}, Fold: &event.Fold{Count: 3, First: born.Add(10 * time.Second), Last: born.Add(20 * time.Second)}})
		a := s.where(text)
		f := find(t, a, crm)
		check(t, f, incident.Accepts, 0, "it was accepted there at 2027-01-15T08:00:10Z by guard-crm/1")
		if a.Confined || len(a.Showings) != 1 || a.Showings[0].Count != 3 || a.Showings[0].Peer != "192.0.2.7" || len(f.Points) != 1 {
			t.Errorf("%+v", a)
		}
	}
}

// One refusal on record is one visit, not the setting of the door.
func TestARefusalOnRecordIsNoVerdict(t *testing.T) {
	s := open(t)
	text := s.letter()
	s.keep(event.Event{Type: event.OffTarget, Time: born.Add(time.Second), Writer: "guard-crm/1", Genuine: true, Expected: crm,
		Reason: narrowcast.AudienceMismatch, Token: token(t, text)})
	check(t, find(t, s.where(text), crm), incident.Unknown, 0, "one refusal is on record, at 2027-01-15T08:00:01Z by guard-crm/1")
}

func TestARoomMayTrustLonger(t *testing.T) {
	s := open(t)
	s.hear(report{writer: "guard-crm/1", audience: crm}, -20*time.Minute)
	text := s.letter()
	if f := find(t, s.where(text), crm); f.Verdict != incident.Unknown {
		t.Errorf("the control: %+v", f)
	}
	s.room.Fresh = time.Hour
	check(t, find(t, s.where(text), crm), incident.Refuses, narrowcast.AudienceMismatch, "")
}
