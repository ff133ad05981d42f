package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/mint"
)

// token is one of ours for a door of ours.
func (h *house) token(t testing.TB, client narrowcast.ClientID, aud, scope string) string {
	t.Helper()
	text, err := h.press.Mint(mint.Letter{
		Audience: narrowcast.MustAudience(aud), Subject: narrowcast.Subject(client), Client: client, ID: mint.NewTokenID(),
		IssuedAt: h.now, Lifetime: time.Minute, Scope: narrowcast.MustScope(scope),
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func (h *house) report(token, body string, edit ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/events", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-ndjson")
	bearer(token)(r)
	for _, e := range edit {
		e(r)
	}
	return h.do(r)
}

// line is an event that the guard of payments may report, after change.
func (h *house) line(t testing.TB, change func(*event.Event)) string {
	t.Helper()
	e := event.Event{ID: string(mint.NewTokenID()), Type: event.OffTarget, Time: h.now, Writer: "pay-guard/1", Sequence: 1,
		Mode: event.Enforce, Reason: narrowcast.AudienceMismatch, Genuine: true, Expected: pay, Received: []string{crm}}
	if change != nil {
		change(&e)
	}
	b, err := event.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	return string(b) + "\n"
}

func TestEventsAreTakenOnce(t *testing.T) {
	h := open(t, ours)
	token := h.token(t, "pay-guard", ours+"/events", "report")
	batch := h.line(t, nil) + "\n" + h.line(t, func(e *event.Event) { e.Writer = "pay-guard" })
	for _, kept := range []float64{2, 0} {
		w := h.report(token, batch)
		if w.Code != 200 || object(t, w.Body)["kept"] != kept {
			t.Errorf("%d %s, want %v kept", w.Code, w.Body, kept)
		}
	}
	if n := len(h.book.events()); n != 2 {
		t.Errorf("%d records", n)
	}
	if w := h.report(token, ""); w.Code != 200 || object(t, w.Body)["kept"] != 0.0 {
		t.Errorf("an empty batch: %d", w.Code)
	}
}

func TestEventsThatAreRefused(t *testing.T) {
	h := open(t, ours)
	token := h.token(t, "pay-guard", ours+"/events", "report")
	good := h.line(t, nil)
	change := func(f func(*event.Event)) string { return h.line(t, f) }
	seen := func(door string) string {
		return change(func(e *event.Event) {
			e.Type, e.Expected, e.Verifier = event.VerifierSeen, "", &event.Verifier{Audience: door}
		})
	}
	for name, c := range map[string]struct {
		body   string
		status int
		line   string
	}{
		"control":            {good + good, 200, ""},
		"a verifier":         {good + seen(pay), 200, ""},
		"foreign verifier":   {good + seen(crm), 403, "Line 2 "},
		"foreign door":       {good + "\n" + change(func(e *event.Event) { e.Expected = crm }), 403, "Line 3 "},
		"two doors":          {good + change(func(e *event.Event) { e.Verifier = &event.Verifier{Audience: crm} }), 400, "Line 2 "},
		"no door":            {good + change(func(e *event.Event) { e.Expected = "" }), 400, "Line 2 "},
		"another writer":     {good + change(func(e *event.Event) { e.Writer = "crm-guard/1" }), 403, "Line 2 "},
		"a longer writer":    {good + change(func(e *event.Event) { e.Writer = "pay-guardian" }), 403, "Line 2 "},
		"the issuer's own":   {good + change(func(e *event.Event) { e.Type = event.Issued }), 403, "Line 2 "},
		"a revision":         {good + change(func(e *event.Event) { e.Type = event.RegistryApplied }), 403, "Line 2 "},
		"another tenant":     {good + change(func(e *event.Event) { e.Tenant = "t2" }), 403, "Line 2 "},
		"not JSON":           {good + "no\n", 400, "Line 2 "},
		"unknown member":     {good + `{"v":1,"zzz":1}`, 400, "Line 2 "},
		"another version":    {good + strings.Replace(good, `"v":1`, `"v":2`, 1), 400, "Line 2 "},
		"a token inside":     {good + change(func(e *event.Event) { e.Detail = "got Bearer " + token }), 400, "Line 2 "},
		"a long line":        {good + change(func(e *event.Event) { e.Detail = strings.Repeat("x", event.MaxBytes) }), 400, "Line 2 "},
		"1 000 events":       {strings.Repeat(good, 1000), 200, ""},
		"1 001 events":       {strings.Repeat(good, 1001), 413, "Line 1001 "},
		"more than a MiB":    {strings.Repeat(change(func(e *event.Event) { e.Detail = strings.Repeat("x", 12000) }), 100), 413, "Line "},
		"blank lines are ok": {"\n\n" + good, 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(h.book.events())
			w := h.report(token, c.body)
			answer := object(t, w.Body)
			if w.Code != c.status {
				t.Fatalf("%d %v", w.Code, answer)
			}
			if c.status == 200 {
				return
			}
			if said, _ := answer["error_description"].(string); !strings.HasPrefix(said, c.line) {
				t.Errorf("said %q, want %q", said, c.line)
			}
			if after := len(h.book.events()); after != before {
				t.Errorf("%d events of a refused batch were kept", after-before)
			}
		})
	}
	if w := h.report(token, good, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }); w.Code != 415 {
		t.Errorf("text/plain: %d", w.Code)
	}
}

func TestOurDoorsTakeOnlyTokensAddressedToThem(t *testing.T) {
	h := open(t, ours)
	enter := map[string]func(edit func(*http.Request)) *httptest.ResponseRecorder{
		ours + "/events": func(edit func(*http.Request)) *httptest.ResponseRecorder { return h.report("", h.line(t, nil), edit) },
		ours + "/admin":  func(edit func(*http.Request)) *httptest.ResponseRecorder { return h.get("/admin/v1/ledger/x", edit) },
	}
	need := map[string]string{ours + "/events": "report", ours + "/admin": "read"}
	passed := map[string]int{ours + "/events": 200, ours + "/admin": 404}
	for door, ask := range enter {
		for name, c := range map[string]struct {
			edit   func(*http.Request)
			status int
			error  string
		}{
			"control": {bearer(h.token(t, "pay-guard", door, need[door])), passed[door], ""},
			"lower case": {func(r *http.Request) {
				r.Header.Set("Authorization", "bearer "+h.token(t, "pay-guard", door, need[door]))
			}, passed[door], ""},
			"none":           {func(r *http.Request) { r.Header.Del("Authorization") }, 401, ""},
			"for payments":   {bearer(h.token(t, "pay-guard", pay, need[door])), 401, "invalid_token"},
			"for the issuer": {bearer(h.token(t, "pay-guard", ours, need[door])), 401, "invalid_token"},
			"an assertion":   {bearer(h.assertion(t, door)), 401, "invalid_token"},
			"another scope":  {bearer(h.token(t, "pay-guard", door, "charge")), 403, "insufficient_scope"},
			"noise":          {bearer("x"), 401, "invalid_token"},
			"two headers": {func(r *http.Request) {
				r.Header.Add("Authorization", "Bearer x")
				r.Header.Add("Authorization", "Bearer y")
			}, 400, "invalid_request"},
			"only in the URI": {func(r *http.Request) {
				r.Header.Del("Authorization")
				r.URL.RawQuery = "access_token=" + h.token(t, "pay-guard", door, need[door])
			}, 400, "invalid_request"},
		} {
			w := ask(c.edit)
			challenge := w.Header().Get("WWW-Authenticate")
			if w.Code != c.status || c.status < 404 && w.Code != 200 && !strings.Contains(challenge, `resource_metadata="`+strings.Replace(door, ours, ours+"/.well-known/oauth-protected-resource", 1)+`"`) ||
				c.error != "" && !strings.Contains(challenge, `error="`+c.error+`"`) || c.error == "" && strings.Contains(challenge, "error=") {
				t.Errorf("%s, %s: %d %q", door, name, w.Code, challenge)
			}
		}
	}
	// The right token of one of our doors does not open the other.
	if w := h.get("/admin/v1/ledger/x", bearer(h.token(t, "pay-guard", ours+"/events", "read"))); w.Code != 401 {
		t.Errorf("a token for /events at /admin: %d", w.Code)
	}
}

func TestLedgerAndDecisions(t *testing.T) {
	h := open(t, ours)
	admin := bearer(h.token(t, "ops", ours+"/admin", "read"))
	answer := object(t, h.post(h.form(t).Encode()).Body)
	c, _ := narrowcast.Inspect(answer["access_token"].(string))
	decision := object(t, h.post(h.form(t, "resource", crm).Encode()).Body)["decision"].(string)
	for path, want := range map[string]string{
		"/admin/v1/ledger/" + c.TokenID:     "issued",
		"/admin/v1/decisions/" + decision:   "refused",
		"/admin/v1/ledger/" + decision:      "",
		"/admin/v1/decisions/" + "no-such":  "",
		"/admin/v1/ledger/" + c.TokenID[1:]: "",
	} {
		w := h.get(path, admin)
		if want == "" {
			if w.Code != 404 {
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
			continue
		}
		records := object(t, w.Body)["records"].([]any)
		if w.Code != 200 || len(records) != 1 || records[0].(map[string]any)["event"].(map[string]any)["type"] != want {
			t.Errorf("%s: %d %v", path, w.Code, records)
		}
	}
	if w := h.get("/admin/v1/ledger/"+url.PathEscape(strings.Repeat("x", 300)), admin); w.Code != 400 {
		t.Errorf("a long id: %d", w.Code)
	}
}
