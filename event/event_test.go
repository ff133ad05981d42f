package event_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
)

var at = time.Date(2027, 1, 15, 8, 0, 0, 123456789, time.UTC)

func offTarget() event.Event {
	return event.Event{
		Version: event.Version, ID: "e-1", Type: event.OffTarget, Time: at, Tenant: "t1", Writer: "guard-1", Sequence: 7, Decision: "d-1", Mode: event.Enforce,
		Reason: narrowcast.AudienceMismatch, Also: []narrowcast.Reason{narrowcast.Revoked}, Refusal: "invalid_target", Detail: "x", Genuine: true,
		Expected: "https://crm.example.test", Received: []string{"https://pay.example.test"}, Near: "differs only by the port",
		Token: &event.Token{
			Fingerprint: narrowcast.FingerprintOf("a"), ID: "t-1", Lineage: "t-0", Task: "job", Issuer: "https://issuer.example.test", Subject: "checkout",
			Client: "shop", Audience: []string{"https://pay.example.test"}, Scope: "charge", KeyID: "k1", IssuedAt: at, Expires: at.Add(time.Minute), Bound: true,
			Parent: "t-0", Actors: []string{"orch", "agent"}, StatusList: "https://issuer.example.test/status/1", StatusAt: 7, SingleUse: true,
		},
		Request: &event.Request{Method: "GET", Path: "/customers", Peer: "192.0.2.1"},
		Fold:    &event.Fold{Count: 2, First: at, Last: at},
		Verifier: &event.Verifier{Audience: "https://crm.example.test", Digest: "ab", Mode: event.Enforce, Issuers: map[string]string{"i": "at+jwt"}, Algorithms: []string{"ES256"}, Skew: 5,
			MaxLife: 6, Tenant: "t1", Environment: "test", Binding: true, Revocation: true, SingleUse: true, Software: "guard 1", Dropped: 3,
			Feed: &event.Feed{Position: 9, AsOf: at, StaleAfter: 10, WhenStale: "refuse", Degraded: true}},
		Key:      &event.Key{ID: "k1", Algorithm: "ES256", NotBefore: at, NotAfter: at},
		Registry: &event.Registry{Revision: 3, Digest: "cd", Author: "ana"},

		Revocation: &event.Revocation{Kind: "party", ID: "shop", Before: at, Until: at.Add(time.Hour), Tokens: 4},
		Task: &event.Task{ID: "job", Parent: "night", Client: "orch", Label: "invoices", Resources: []string{"https://pay.example.test"}, Attempt: 2,
			RetryOf: "job-1", Deadline: at.Add(time.Hour), Lease: 10, Outcome: "ended"},
	}
}

func TestEventTravelsAsOneLine(t *testing.T) {
	line, err := event.Encode(offTarget())
	if err != nil {
		t.Fatal(err)
	}
	if bytes.ContainsAny(line, "\n\r") {
		t.Errorf("the line has a break: %s", line)
	}
	back, err := event.Decode(line)
	if err != nil || !reflect.DeepEqual(back, offTarget()) {
		t.Errorf("%s\nbecame %+v, %v", line, back, err)
	}
}

func TestEncodeWritesVersionAndUTC(t *testing.T) {
	e := event.Event{ID: "e-1", Type: event.Admin, Writer: "issuer", Time: at.In(time.FixedZone("", 3600))}
	line, err := event.Encode(e)
	if want := `{"v":1,"id":"e-1","type":"admin","time":"2027-01-15T08:00:00.123456789Z","writer":"issuer","seq":0}`; err != nil || string(line) != want {
		t.Errorf("line = %s, %v", line, err)
	}
}

func TestEveryTypeIsInTheVocabulary(t *testing.T) {
	seen := map[event.Type]bool{}
	for _, typ := range event.Types() {
		e := offTarget()
		if e.Type = typ; e.Check() != nil || seen[typ] {
			t.Errorf("type %q: %v", typ, e.Check())
		}
		seen[typ] = true
	}
	if len(seen) != 20 {
		t.Errorf("%d types", len(seen))
	}
}

func TestCheckRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*event.Event){
		"no version":      func(e *event.Event) { e.Version = 0 },
		"next version":    func(e *event.Event) { e.Version = 2 },
		"no id":           func(e *event.Event) { e.ID = "" },
		"long id":         func(e *event.Event) { e.ID = strings.Repeat("a", 65) },
		"no writer":       func(e *event.Event) { e.Writer = "" },
		"long writer":     func(e *event.Event) { e.Writer = strings.Repeat("a", 257) },
		"no time":         func(e *event.Event) { e.Time = time.Time{} },
		"no type":         func(e *event.Event) { e.Type = "" },
		"unknown type":    func(e *event.Event) { e.Type = "Issued" },
		"unknown mode":    func(e *event.Event) { e.Mode = "off" },
		"mode in capital": func(e *event.Event) { e.Mode = "Enforce" },
		"another's mode":  func(e *event.Event) { e.Verifier.Mode = "off" },
		"year ten thousand in UTC": func(e *event.Event) {
			e.Time = time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -23*3600))
		},
		"before the year one": func(e *event.Event) { e.Time = time.Date(1, 1, 1, 0, 0, 0, 0, time.FixedZone("", 3600)) },
		"a fold of nothing":   func(e *event.Event) { e.Fold.Count = 0 },
		"a negative fold":     func(e *event.Event) { e.Fold.Count = -5 },
		"a huge fold":         func(e *event.Event) { e.Fold.Count = 1 << 40 },
		"a fold backwards":    func(e *event.Event) { e.Fold.First = e.Fold.Last.Add(1) },
		"a fold without time": func(e *event.Event) { e.Fold.First = time.Time{} },
		"a fold without end":  func(e *event.Event) { e.Fold.Last = time.Time{} },
	} {
		e := offTarget()
		if err := e.Check(); err != nil {
			t.Fatalf("the control: %v", err)
		}
		if spoil(&e); e.Check() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// The sample is how the vocabulary of the reader is held against the structs: a
// field that the reader does not know cannot come back.
func TestTheSampleSetsEveryField(t *testing.T) {
	var look func(path string, v reflect.Value)
	look = func(path string, v reflect.Value) {
		if v.IsZero() {
			t.Errorf("%s is not set in the sample", path)
			return
		}
		if v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		if v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]() {
			for i := range v.NumField() {
				look(path+"."+v.Type().Field(i).Name, v.Field(i))
			}
		}
	}
	look("Event", reflect.ValueOf(offTarget()))
}

const good = `{"v":1,"id":"e-1","type":"rejected","time":"2027-01-15T08:00:00Z","writer":"guard-1","seq":1}`

func TestDecodeRefuses(t *testing.T) {
	if _, err := event.Decode([]byte(" " + good + "\n")); err != nil {
		t.Fatalf("the control: %v", err)
	}
	add := func(member string) string { return strings.TrimSuffix(good, "}") + "," + member + "}" }
	for name, text := range map[string]string{
		"nothing": "", "null": "null", "a list": "[" + good + "]", "two": good + good, "junk behind": good + "x", "cut": good[:40],
		"unknown member": add(`"token":{"raw":"x"}`), "another unknown": add(`"x":1`), "unknown reason": add(`"reason":"audience_wrong"`),
		"reason is a number": add(`"reason":25`), "negative sequence": strings.Replace(good, `"seq":1`, `"seq":-1`, 1),
		"bad time": strings.Replace(good, "2027-01-15", "2027-13-15", 1), "bad fingerprint": add(`"token":{"sha256":"abc"}`),
		"name in capital": add(`"Detail":"x"`), "name all capital": strings.Replace(good, `"id"`, `"ID"`, 1), "name by long s": strings.Replace(good, `"seq"`, `"\u017feq"`, 1),
		"name twice": add(`"id":"e-1"`), "name twice by escape": add(`"\u0069d":"e-2"`), "name twice inside": add(`"request":{"path":"/a","path":"/b"}`),
		"capital inside": add(`"token":{"Jti":"x"}`), "issuer twice": add(`"verifier":{"issuers":{"a":"x","a":"y"}}`), "half a surrogate": add(`"detail":"\ud800"`),
		"too long": add(`"detail":"` + strings.Repeat("a", event.MaxBytes) + `"`),
	} {
		if e, err := event.Decode([]byte(text)); err == nil || !reflect.DeepEqual(e, event.Event{}) {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
}

func TestReadNamesTheLine(t *testing.T) {
	var ids []string
	collect := func(e event.Event) error { ids = append(ids, e.ID); return nil }
	second := strings.Replace(good, "e-1", "e-2", 1)
	if err := event.Read(strings.NewReader(good+"\n\n  \r\n"+second), collect); err != nil || strings.Join(ids, " ") != "e-1 e-2" {
		t.Errorf("events %q, %v", ids, err)
	}
	for name, test := range map[string]struct{ text, want string }{
		"bad line":  {good + "\n\nx\n", "line 3"},
		"long line": {good + "\n" + strings.Repeat("a", 2*event.MaxBytes) + "\n", "too long"},
	} {
		if err := event.Read(strings.NewReader(test.text), collect); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	stop := errors.New("enough")
	if err := event.Read(strings.NewReader(good), func(event.Event) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("error = %v", err)
	}
}

// TestTokenOfForgetsNothing: every fact that a token states of itself and that
// the book keeps is carried over.
func TestTokenOfForgetsNothing(t *testing.T) {
	c := narrowcast.Claimed{
		KeyID: "k1", Issuer: "i", Subject: "s", ClientID: "c", TokenID: "t", Lineage: "l", Task: "j", Scope: "sc", Audience: []string{"a"},
		IssuedAt: at, Expires: at.Add(time.Second), Bound: true, Fingerprint: narrowcast.FingerprintOf("x"),
		Parent: "p", Actors: []string{"o"}, StatusList: "u", StatusAt: 1, SingleUse: true,
	}
	got := reflect.ValueOf(*event.TokenOf(c))
	for i := range got.NumField() {
		if got.Field(i).IsZero() {
			t.Errorf("%s was forgotten", got.Type().Field(i).Name)
		}
	}
}

// FuzzDecode: no line panics; what is accepted survives a second trip.
func FuzzDecode(f *testing.F) {
	full, err := event.Encode(offTarget())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(full)
	f.Add([]byte(good))
	f.Add([]byte(`{"v":1,"ID":"e-1"}`))
	f.Add([]byte(`{"v":1,"id":"e","type":"presented","time":"9999-12-31T23:59:59+23:59","writer":"w","seq":18446744073709551615}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := event.Decode(line)
		if err != nil {
			return
		}
		again, err := event.Encode(e)
		if err != nil {
			t.Fatalf("%s cannot be written again: %v", line, err)
		}
		if len(again) > event.MaxBytes {
			return // escapes may lengthen a line; the writer's bound is its own
		}
		back, err := event.Decode(again)
		if err != nil {
			t.Fatalf("%s became %s: %v", line, again, err)
		}
		third, err := event.Encode(back)
		if err != nil || !bytes.Equal(again, third) {
			t.Fatalf("%s became %s, %v", again, third, err)
		}
	})
}
