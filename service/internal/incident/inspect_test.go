package incident_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/incident"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

const usual = `"iss":"https://issuer.example.test","aud":"https://pay.example.test","sub":"a","client_id":"a","jti":"a","iat":1800000000,"exp":1800000300`

// Each oddity beside the token that does not have it.
func TestOddities(t *testing.T) {
	const header = `{"alg":"ES256","typ":"at+jwt","kid":"k1"}`
	for name, c := range map[string]struct{ header, payload, odd string }{
		"nothing but a bearer":  {header, usual, ""},
		"application/at+jwt":    {`{"alg":"ES256","typ":"application/AT+JWT","kid":"k1"}`, usual, ""},
		"not signed":            {`{"alg":"none","typ":"at+jwt"}`, usual, "it is not signed"},
		"a shared secret":       {`{"alg":"HS256","typ":"at+jwt"}`, usual, "shared secret"},
		"an ID token, perhaps":  {`{"alg":"ES256","typ":"JWT"}`, usual, "its type is not at+jwt"},
		"no issuer":             {header, strings.Replace(usual, `"iss":"https://issuer.example.test",`, "", 1), "it names no issuer"},
		"a plain issuer":        {header, strings.Replace(usual, "https://issuer", "http://issuer", 1), "not an https address"},
		"no audience":           {header, strings.Replace(usual, `"aud":"https://pay.example.test",`, "", 1), "it names no audience"},
		"two audiences":         {header, strings.Replace(usual, `"https://pay.example.test"`, `["https://pay.example.test","b"]`, 1), "several audiences"},
		"an ambient audience":   {header, strings.Replace(usual, `"https://pay.example.test"`, `"account"`, 1), "the audience account is accepted by so many"},
		"no expiry":             {header, strings.Replace(usual, `,"exp":1800000300`, "", 1), "it has no expiry"},
		"no birth":              {header, strings.Replace(usual, `"iat":1800000000,`, "", 1), "when it was issued"},
		"an end before a birth": {header, strings.Replace(usual, `1800000300`, "1700000000", 1), "it ends before it begins"},
		"a day":                 {header, strings.Replace(usual, `1800000300`, "1800086400", 1), "it lives for 24h0m0s"},
		"no id":                 {header, strings.Replace(usual, `"jti":"a",`, "", 1), "it has no jti"},
	} {
		i, err := incident.Inspect(t.Context(), raw(c.header, "{"+c.payload+"}"), nil, born)
		must(t, err)
		rest := slices.DeleteFunc(slices.Clone(i.Oddities), func(odd string) bool {
			return odd == "it is a bearer token: whoever holds it can use it"
		})
		switch {
		case len(rest) != len(i.Oddities)-1:
			t.Errorf("%s: a bearer token is not called one: %q", name, i.Oddities)
		case c.odd == "" && len(rest) > 0, c.odd != "" && (len(rest) != 1 || !strings.Contains(rest[0], c.odd)):
			t.Errorf("%s: %q, want %q", name, rest, c.odd)
		}
	}
	i, err := incident.Inspect(t.Context(), raw(header, "{"+usual+`,"cnf":{"jkt":"x"}}`), nil, born)
	if err != nil || len(i.Oddities) != 0 {
		t.Errorf("a bound token: %v %q", err, i.Oddities)
	}
}

func TestSignatures(t *testing.T) {
	s := open(t)
	good := s.letter()
	pen, key := keyPair(t, "client", "k1", narrowcast.KeyConfig{})
	assertion, err := pen.Mint(mint.Letter{Audience: narrowcast.MustAudience(ours), Subject: "client", ID: "a", IssuedAt: born,
		Lifetime: time.Minute, Class: narrowcast.ClientAssertion})
	must(t, err)
	gonePress, gone := keyPair(t, ours, "k1", narrowcast.KeyConfig{NotAfter: born.Add(-time.Hour)})
	s.press = gonePress
	late := s.letter()
	_, other := keyPair(t, ours, "k1", narrowcast.KeyConfig{})
	_, named := keyPair(t, ours, "k2", narrowcast.KeyConfig{})
	for name, c := range map[string]struct {
		text      string
		keys      narrowcast.KeySource
		signature incident.Signature
		why       string
	}{
		"right":                {good, s.room.Keys, incident.Right, ""},
		"an assertion":         {assertion, fixed(t, key), incident.Right, ""},
		"for nobody":           {s.written("at+jwt", `{"iss":"`+ours+`","aud":"https://nobody.invalid","sub":"a","iat":1800000000,"exp":1800000300}`), s.room.Keys, incident.Right, ""},
		"without dates":        {s.written("JWT", `{"iss":"`+ours+`","aud":"x"}`), s.room.Keys, incident.Right, ""},
		"changed":              {forge(good), s.room.Keys, incident.Wrong, narrowcast.SignatureInvalid.Sentence()},
		"by another key":       {good, fixed(t, other), incident.Wrong, narrowcast.SignatureInvalid.Sentence()},
		"no keys":              {good, nil, incident.NotVerified, "no keys were supplied"},
		"no such key":          {good, fixed(t, named), incident.NotVerified, narrowcast.KeyUnknown.Sentence()},
		"the key had ended":    {late, fixed(t, gone), incident.NotVerified, narrowcast.KeyWindow.Sentence()},
		"keys that are away":   {good, broken{}, incident.NotVerified, narrowcast.KeyUnavailable.Sentence()},
		"another kind of JWT":  {s.written("secevent+jwt", "{"+usual+"}"), s.room.Keys, incident.NotVerified, narrowcast.TypeMismatch.Sentence()},
		"an unusable issuer":   {s.written("at+jwt", `{"iss":"\n"}`), s.room.Keys, incident.NotVerified, "the token names no usable issuer"},
		"an unknown algorithm": {raw(`{"alg":"HS256","kid":"k1"}`, "{"+usual+"}"), s.room.Keys, incident.NotVerified, narrowcast.AlgorithmNotAllowed.Sentence()},
	} {
		i, err := incident.Inspect(t.Context(), c.text, c.keys, born.AddDate(1, 0, 0))
		if err != nil || i.Signature != c.signature || i.Why != c.why {
			t.Errorf("%s: %q, %q: %v", name, i.Signature, i.Why, err)
		}
	}
}

func TestWhatTheClockSays(t *testing.T) {
	text := raw(`{}`, `{"iat":1800000000,"nbf":1800000060,"exp":1800000300}`)
	for after, want := range map[time.Duration]string{
		-time.Hour:        "not valid before 2027-01-15T08:01:00Z",
		2 * time.Minute:   "alive for another 3m0s",
		299 * time.Second: "alive for another 1s",
		300 * time.Second: "expired 0s ago",
		time.Hour:         "expired 55m0s ago",
	} {
		if i, err := incident.Inspect(t.Context(), text, nil, born.Add(after)); err != nil || i.Life != want {
			t.Errorf("after %s: %q %v", after, i.Life, err)
		}
	}
	for payload, want := range map[string]string{
		`{}`:                                  "it never expires",
		`{"iat":1800000300,"exp":1800000600}`: "not issued before 2027-01-15T08:05:00Z",
	} {
		if i, err := incident.Inspect(t.Context(), raw(`{}`, payload), nil, born); err != nil || i.Life != want {
			t.Errorf("%s: %q %v", payload, i.Life, err)
		}
	}
}

func TestInspectRefusesWhatIsNoToken(t *testing.T) {
	if _, err := incident.Inspect(t.Context(), "secret.secret", nil, born); !errors.Is(err, incident.ErrNotAToken) || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v", err)
	}
}

// FuzzInspect reads any text, and any claim. Whatever it is, the text that comes
// out is made of our lines, never holds the token, and the book gives an answer.
func FuzzInspect(f *testing.F) {
	s := open(f).locked()
	f.Add(s.letter(), "")
	f.Add(raw(`{"alg":"none"}`, `{"aud":[],"exp":1e3}`), "\x1b[2J")
	f.Add("..", "a\nrecord     number 1")
	for _, bad := range hostile() {
		f.Add("", bad)
	}
	f.Fuzz(func(t *testing.T, text, claim string) {
		quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\x1b", `\u001b`, "\x00", `\u0000`).Replace(claim)
		for _, one := range []string{text, raw(`{"alg":"ES256","typ":"`+quoted+`","kid":"k1"}`, `{"iss":"`+ours+`","aud":"`+quoted+`","sub":"`+quoted+`","exp":1800000300}`)} {
			i, err := incident.Inspect(t.Context(), one, s.room.Keys, s.now)
			if err != nil {
				continue
			}
			var b bytes.Buffer
			must(t, i.WriteText(&b))
			a, err := s.room.Where(t.Context(), one)
			must(t, err)
			must(t, a.WriteText(&b))
			must(t, incident.WriteRecord(&b, store.Record{Event: event.Event{Type: event.Rejected, Token: &i.Token}}))
			honest := strings.NewReplacer("signature  checked and right\nrecord ", "record ", "\n\nConfined: no door but its own would have accepted it.\n", "\n\n")
			harmless(t, claim, honest.Replace(b.String()))
			if strings.Contains(b.String(), one) {
				t.Errorf("the token is in its own report")
			}
		}
	})
}
