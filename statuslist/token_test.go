package statuslist_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/statuslist"
)

func TestReadWhatWasWritten(t *testing.T) {
	h := newHouse(t)
	text := h.letter(t)
	token, err := statuslist.Read(t.Context(), text, h.config())
	if err != nil {
		t.Fatal(err)
	}
	if token.URI != uri || token.TTL != 30*time.Second || !token.Expires.Equal(h.Now().Add(5*time.Minute)) ||
		!token.IssuedAt.Equal(h.Now()) || token.Aggregation != base || token.KeyID != "k1" || token.Len() != 8 {
		t.Errorf("token = %+v", token)
	}
	for i, want := range []statuslist.Value{0, 1, 2, 3, 0} {
		if got, err := token.Status(uint64(i)); err != nil || got != want {
			t.Errorf("place %d is %d, %v", i, got, err)
		}
	}
	if _, err := token.Status(8); !errors.Is(err, statuslist.ErrIndex) {
		t.Errorf("out of range: %v", err)
	}
	header, _ := apart(t, text)
	if header != `{"alg":"ES256","typ":"statuslist+jwt","kid":"k1"}` {
		t.Errorf("header = %s", header)
	}
}

func TestReadRefuses(t *testing.T) {
	h := newHouse(t)
	header, payload := apart(t, h.letter(t))
	swap := func(text, old, with string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("%s is not in %s", old, text)
		}
		return strings.Replace(text, old, with, 1)
	}
	if _, err := statuslist.Read(t.Context(), h.sign(t, header, payload), h.config()); err != nil {
		t.Fatalf("the control: %v", err)
	}
	iat := fmt.Sprintf(`"iat":%d`, h.Now().Unix())
	exp := fmt.Sprintf(`"exp":%d`, h.Now().Unix()+300)
	for name, parts := range map[string][2]string{
		"an access token":           {swap(header, "statuslist+jwt", "at+jwt"), payload},
		"no type":                   {swap(header, `,"typ":"statuslist+jwt"`, ""), payload},
		"an extension":              {swap(header, "{", `{"crit":["b64"],"b64":true,`), payload},
		"its own key":               {swap(header, "{", `{"jwk":{},`), payload},
		"an address of a key":       {swap(header, "{", `{"jku":"https://keys.example.test",`), payload},
		"no signature at all":       {swap(header, "ES256", "none"), payload},
		"an algorithm not listed":   {swap(header, "ES256", "ES384"), payload},
		"a key that is not known":   {swap(header, `"k1"`, `"k2"`), payload},
		"another list":              {header, swap(payload, uri, base+"/l2")},
		"a longer name":             {header, swap(payload, uri, uri+"/")},
		"no sub":                    {header, swap(payload, `"sub":`, `"sup":`)},
		"no iat":                    {header, swap(payload, `"iat":`, `"iet":`)},
		"no list":                   {header, swap(payload, `"status_list":`, `"list":`)},
		"from the future":           {header, swap(payload, iat, fmt.Sprintf(`"iat":%d`, h.Now().Unix()+6))},
		"expired":                   {header, swap(payload, exp, fmt.Sprintf(`"exp":%d`, h.Now().Unix()-5))},
		"an expiry that is no date": {header, swap(payload, exp, `"exp":"never"`)},
		"a ttl of nothing":          {header, swap(payload, `"ttl":30`, `"ttl":0`)},
		"a ttl below zero":          {header, swap(payload, `"ttl":30`, `"ttl":-30`)},
		"other bits":                {header, swap(payload, `"bits":2`, `"bits":3`)},
		"bits as text":              {header, swap(payload, `"bits":2`, `"bits":"2"`)},
		"lst that is no list":       {header, swap(payload, `"lst":"`, `"lst":"A`)},
		"two lists":                 {header, swap(payload, `"bits":2`, `"lst":"eNo76fITAAPfAgc","bits":2`)},
		"two subs":                  {header, swap(payload, `{`, `{"sub":"`+uri+`",`)},
	} {
		if _, err := statuslist.Read(t.Context(), h.sign(t, parts[0], parts[1]), h.config()); err == nil {
			t.Errorf("%s is read", name)
		}
	}
	good := h.letter(t)
	for name, text := range map[string]string{
		"nothing": "", "two parts": good[:strings.LastIndexByte(good, '.')], "a line break": good + "\n", "padding": good + "=",
		"another signature": good[:len(good)-4] + "AAAA", "too long": strings.Repeat("A", statuslist.MaxToken+1),
		"of another key": newHouse(t).letter(t),
	} {
		if _, err := statuslist.Read(t.Context(), text, h.config()); err == nil || strings.Contains(err.Error(), "eyJ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTimesOfAToken(t *testing.T) {
	h := newHouse(t)
	text := h.letter(t)
	for _, at := range []struct {
		after time.Duration
		good  bool
	}{{-5 * time.Second, true}, {-6 * time.Second, false}, {304 * time.Second, true}, {305 * time.Second, false}} {
		c := h.config()
		c.Now = func() time.Time { return h.now.Add(at.after) }
		if _, err := statuslist.Read(t.Context(), text, c); (err == nil) != at.good {
			t.Errorf("%s after it was issued: %v", at.after, err)
		}
	}
}

func TestTheKeyMustBeInItsWindow(t *testing.T) {
	h := newHouse(t)
	text := h.letter(t)
	for _, window := range []struct {
		from, to time.Time
		good     bool
	}{{h.now, h.now, true}, {h.now.Add(1), time.Time{}, false}, {time.Time{}, h.now.Add(-1), false}} {
		key, err := narrowcast.NewKey(narrowcast.KeyConfig{ID: "k1", Algorithm: narrowcast.ES256, Public: h.private.Public(), NotBefore: window.from, NotAfter: window.to})
		if err != nil {
			t.Fatal(err)
		}
		c := h.config()
		if c.Keys, err = jwks.Fixed(key); err != nil {
			t.Fatal(err)
		}
		if _, err := statuslist.Read(t.Context(), text, c); (err == nil) != window.good {
			t.Errorf("%v to %v: %v", window.from, window.to, err)
		}
	}
}

func TestConfigurationsAreChecked(t *testing.T) {
	_, err := statuslist.Read(t.Context(), "x", statuslist.Config{Skew: time.Hour})
	for _, word := range []string{"Keys", "Algorithms", "URI", "Now", "Skew"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s is not named by %v", word, err)
		}
	}
	if _, err := statuslist.Write(nil, statuslist.Letter{}); err == nil || !strings.Contains(err.Error(), "Sealer") {
		t.Errorf("without a key: %v", err)
	}
	_, err = statuslist.Write(newHouse(t).press, statuslist.Letter{})
	for _, word := range []string{"URI", "List", "IssuedAt", "Lifetime", "TTL"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s is not named by %v", word, err)
		}
	}
}

func TestAggregation(t *testing.T) {
	text, err := statuslist.MarshalAggregation([]string{uri})
	if err != nil || string(text) != `{"status_lists":["`+uri+`"]}` {
		t.Fatalf("%s, %v", text, err)
	}
	if lists, err := statuslist.ParseAggregation(string(text)); err != nil || len(lists) != 1 || lists[0] != uri {
		t.Errorf("%v, %v", lists, err)
	}
	if text, err := statuslist.MarshalAggregation(nil); err != nil || string(text) != `{"status_lists":[]}` {
		t.Errorf("%s, %v", text, err)
	}
	for _, wrong := range []string{``, `[]`, `{}`, `{"status_lists":"x"}`, `{"status_lists":[1]}`, `{"status_lists":[],"status_lists":[]}`} {
		if _, err := statuslist.ParseAggregation(wrong); err == nil {
			t.Errorf("%s is read", wrong)
		}
	}
}

// FuzzRead: whatever comes, signed by the issuer or not, is read or refused, and
// what is read is the list that was asked for.
func FuzzRead(f *testing.F) {
	h := newHouse(f)
	header, payload := apart(f, h.letter(f))
	f.Add(header, payload, true)
	f.Add(header, payload, false)
	f.Add(header, `{"sub":"`+uri+`","iat":1777636800,"status_list":{"bits":1,"lst":"eNrbuRgAAhcBXQ"}}`, true)
	f.Fuzz(func(t *testing.T, header, payload string, signed bool) {
		text := header + "." + payload
		if signed {
			text = h.sign(t, header, payload)
		}
		token, err := statuslist.Read(t.Context(), text, h.config())
		switch {
		case err != nil:
		case !signed:
			t.Fatal("read without a signature")
		case token.URI != uri || token.Len() == 0 || token.IssuedAt.After(h.Now().Add(5*time.Second)):
			t.Fatalf("read %+v", token)
		}
	})
}

func FuzzParseAggregation(f *testing.F) {
	f.Add(`{"status_lists":["` + uri + `"]}`)
	f.Add(`{"status_lists":[]}`)
	f.Fuzz(func(t *testing.T, text string) {
		lists, err := statuslist.ParseAggregation(text)
		if err != nil {
			return
		}
		again, err := statuslist.MarshalAggregation(lists)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := statuslist.ParseAggregation(string(again)); err != nil || !slices.Equal(back, lists) {
			t.Fatalf("%q becomes %q, %v", lists, back, err)
		}
	})
}
