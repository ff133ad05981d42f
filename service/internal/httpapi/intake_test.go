package httpapi_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// kept demands that a store can keep every event that was taken: what fails
// there stands at the head of a spool for ever.
func (h *house) kept(t *testing.T) {
	t.Helper()
	for _, e := range h.book.events() {
		if _, _, err := (store.Entry{Event: e}).Encode(); err != nil {
			t.Errorf("the intake passed on what no store can keep: %v", err)
		}
	}
}

// reported is how many events in the book a guard reported.
func (h *house) reported() (all []event.Event) {
	for _, e := range h.book.events() {
		if strings.HasPrefix(e.Writer, "pay-guard") {
			all = append(all, e)
		}
	}
	return all
}

func folded(e *event.Event, count int, first, last time.Duration) {
	e.Type, e.Fold = event.Presented, &event.Fold{Count: count, First: e.Time.Add(first), Last: e.Time.Add(last)}
}

// A reporter that stays within its own door can still write nonsense.
func TestIntakeRefusesImplausibleEvents(t *testing.T) {
	seen := func(change func(*event.Verifier)) func(*event.Event) {
		return func(e *event.Event) {
			e.Type, e.Expected, e.Verifier = event.VerifierSeen, "", &event.Verifier{Audience: pay, Mode: event.Enforce}
			change(e.Verifier)
		}
	}
	for name, c := range map[string]struct {
		edit func(*event.Event)
		take bool
	}{
		"control":               {nil, true},
		"a minute ahead":        {func(e *event.Event) { e.Time = e.Time.Add(time.Minute) }, true},
		"more than a minute":    {func(e *event.Event) { e.Time = e.Time.Add(time.Minute + 1) }, false},
		"ten years ahead":       {func(e *event.Event) { e.Time = e.Time.AddDate(10, 0, 0) }, false},
		"thirty days late":      {func(e *event.Event) { e.Time = e.Time.Add(-30 * 24 * time.Hour) }, true},
		"more than thirty days": {func(e *event.Event) { e.Time = e.Time.Add(-30*24*time.Hour - 1) }, false},
		"escape in writer":      {func(e *event.Event) { e.Writer = "pay-guard/\x1b]0;owned\x07\x1b[2J\nline" }, false},
		"escape in id":          {func(e *event.Event) { e.ID = "\x1b[2J\r\n" }, false},
		"escape in near":        {func(e *event.Event) { e.Near = "\x1b[2J" }, false},
		"escape in decision":    {func(e *event.Event) { e.Decision = "a\u202eb" }, false},
		"escape in software":    {seen(func(v *event.Verifier) { v.Software = "guard\n1" }), false},
		"escape in an issuer":   {seen(func(v *event.Verifier) { v.Issuers = map[string]string{"a\x1b": "at+jwt"} }), false},
		"escape in a list":      {seen(func(v *event.Verifier) { v.Algorithms = []string{"ES256", "\x1b"} }), false},
		"a verifier":            {seen(func(*event.Verifier) {}), true},
		"no verifier":           {func(e *event.Event) { e.Type = event.VerifierSeen }, false},
		"a verifier elsewhere":  {func(e *event.Event) { e.Verifier = &event.Verifier{Audience: pay} }, false},
		"refusal by a guard":    {func(e *event.Event) { e.Refusal = "invalid_target" }, false},
		"key by a guard":        {func(e *event.Event) { e.Key = &event.Key{ID: "k1", Algorithm: "ES256"} }, false},
		"registry by a guard":   {func(e *event.Event) { e.Registry = &event.Registry{Revision: 9} }, false},
		"fold":                  {func(e *event.Event) { folded(e, 5, -time.Minute, 0) }, true},
		"fold of refusals":      {func(e *event.Event) { folded(e, 5, -time.Minute, 0); e.Type = event.OffTarget }, true},
		"negative fold":         {func(e *event.Event) { folded(e, -5, 0, 0) }, false},
		"empty fold":            {func(e *event.Event) { folded(e, 0, 0, 0) }, false},
		"fold backwards":        {func(e *event.Event) { folded(e, 2, 0, -time.Second) }, false},
		"fold over an hour":     {func(e *event.Event) { folded(e, 2, -time.Hour, 0) }, false},
		"fold into the future":  {func(e *event.Event) { folded(e, 2, 0, time.Hour) }, false},
		"grows by encoding":     {func(e *event.Event) { e.Detail = strings.Repeat("<", 2700) }, false},
	} {
		h := open(t, ours)
		w := h.report(h.token(t, "pay-guard", ours+"/events", "report"), h.line(t, c.edit)+h.line(t, nil))
		if took := w.Code == 200; took != c.take || !took && (w.Code != 400 || !strings.Contains(w.Body.String(), "Line 1 ")) {
			t.Errorf("%s: %d %s", name, w.Code, strings.TrimSpace(w.Body.String()))
		}
		h.kept(t)
	}
}

// Lines that no encoder of ours writes.
func TestIntakeRefusesOddLines(t *testing.T) {
	swap := func(old, now string) func(string) string {
		return func(s string) string { return strings.Replace(s, old, now, 1) }
	}
	for name, change := range map[string]func(string) string{
		"year ten thousand": swap(`"time":"2027-01-15T08:00:00Z"`, `"time":"9999-12-31T23:59:59-23:00"`),
		"grows by encoding": swap(`"genuine"`, `"detail":"`+strings.Repeat("<", 12000)+`","genuine"`),
		"letter case":       swap(`"expected":`, `"Expected":"https://crm.example.test","expected":`),
		"a name twice":      swap(`"expected":`, `"expected":"https://crm.example.test","expected":`),
		"twice by escape":   swap(`"expected":`, `"\u0065xpected":"https://crm.example.test","expected":`),
		"half a surrogate":  swap(`"genuine"`, `"detail":"\udc00","genuine"`),
	} {
		h := open(t, ours)
		line := h.line(t, nil)
		changed := change(line)
		if changed == line {
			t.Fatalf("%s: not changed: %s", name, line)
		}
		w := h.report(h.token(t, "pay-guard", ours+"/events", "report"), h.line(t, nil)+changed)
		if w.Code != 400 || !strings.Contains(w.Body.String(), "Line 2 ") || len(h.reported()) != 0 {
			t.Errorf("%s: %d %s", name, w.Code, strings.TrimSpace(w.Body.String()))
		}
	}
}

// A stranger chooses the path and the claims. A line break there must not keep
// the record of a stolen token out of the book, nor get into it.
func TestIntakeSoftensWhatStrangersWrote(t *testing.T) {
	h := open(t, ours)
	const odd = "a\x1b[2J\r\nb\u202e\u2028ü"
	w := h.report(h.token(t, "pay-guard", ours+"/events", "report"), h.line(t, func(e *event.Event) {
		e.Detail, e.Received = odd, []string{crm, odd}
		e.Request = &event.Request{Method: odd, Path: odd, Peer: odd}
		e.Token = &event.Token{ID: odd, Lineage: odd, Task: odd, Issuer: odd, Subject: odd, Client: odd, Audience: []string{odd}, Scope: odd, KeyID: odd}
	}))
	if w.Code != 200 || len(h.reported()) != 1 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	line, err := event.Encode(h.reported()[0])
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(line), "a?[2J??b??ü"); n != 14 || strings.Contains(string(line), `\u`) {
		t.Errorf("%d of 14 texts are softened: %s", n, line)
	}
}

// Records are found by the one form of a door's name.
func TestIntakeWritesTheOneNameOfADoor(t *testing.T) {
	h := open(t, ours)
	w := h.report(h.token(t, "pay-guard", ours+"/events", "report"),
		h.line(t, func(e *event.Event) { e.Expected = pay + "/" })+
			h.line(t, func(e *event.Event) {
				e.Type, e.Expected, e.Verifier = event.VerifierSeen, pay, &event.Verifier{Audience: pay + "/"}
			}))
	if w.Code != 200 || len(h.reported()) != 2 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	for _, e := range h.reported() {
		if e.Expected != pay || e.Verifier != nil && e.Verifier.Audience != pay {
			t.Errorf("a door is named %q, %+v", e.Expected, e.Verifier)
		}
	}
}

func TestIntakeFindsTokens(t *testing.T) {
	h := open(t, ours)
	token := h.token(t, "pay-guard", ours+"/events", "report")
	place := func(text string) string {
		return strings.Replace(h.line(t, func(e *event.Event) { e.Detail = "HERE" }), "HERE", text, 1)
	}
	for name, c := range map[string]struct {
		text   string
		status int
	}{
		"control":            {"eyJ and a dot.", 200},
		"two parts":          {token[:strings.LastIndexByte(token, '.')], 200},
		"plain":              {token, 400},
		"in a sentence":      {"got Bearer " + token + ", why", 400},
		"its letter escaped": {`\u0065` + token[1:], 400},
		"a dot escaped":      {strings.Replace(token, ".", `\u002e`, 1), 400},
		"behind an ending":   {"v1.eyJ." + token + ".html", 400},
		"behind a word":      {"token" + token, 400},
		"behind a break":     {`a\n` + token + `\u003c`, 400},
		"a header with room": {base64.RawURLEncoding.EncodeToString([]byte(`{ "alg":"ES256","kid":"k","typ":"at+jwt"}`)) + token[strings.IndexByte(token, '.'):], 400},
	} {
		if w := h.report(token, place(c.text)); w.Code != c.status {
			t.Errorf("%s: %d %s", name, w.Code, strings.TrimSpace(w.Body.String()))
		}
	}
	for _, e := range h.reported() {
		if strings.Contains(e.Detail, token) {
			t.Error("a token is in the book")
		}
	}
}
