package httpapi_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
)

func TestTokenForOneResource(t *testing.T) {
	h := open(t, ours)
	w := h.post(h.form(t).Encode())
	if w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	answer := object(t, w.Body)
	if answer["token_type"] != "Bearer" || answer["expires_in"] != 300.0 || answer["scope"] != "charge" || fmt.Sprint(answer["resource"]) != "["+pay+"]" {
		t.Errorf("answer = %v", answer)
	}
	if _, said := answer["lifetime_cut"]; said {
		t.Error("the answer speaks of a cut that did not happen")
	}
	text := answer["access_token"].(string)
	c, err := narrowcast.Inspect(text)
	if err != nil {
		t.Fatal(err)
	}
	if c.Type != "at+jwt" || c.Issuer != ours || c.Subject != "checkout" || c.ClientID != "checkout" || c.TokenID == "" || c.Scope != "charge" ||
		len(c.Audience) != 1 || c.Audience[0] != pay || c.Expires.Sub(c.IssuedAt).Seconds() != 300 {
		t.Errorf("token = %+v", c)
	}
	e := h.book.last(t)
	if e.Type != event.Issued || e.Token.Fingerprint != narrowcast.FingerprintOf(text) || e.Token.ID != c.TokenID || e.Token.Lineage != c.TokenID ||
		e.Token.KeyID != "k1" || e.Sequence != 1 || e.Writer != "issuer/1" || e.Decision == "" || !e.Genuine || !strings.Contains(e.Detail, "resources.yaml:9") {
		t.Errorf("event = %+v, token = %+v", e, e.Token)
	}
	if err := e.Check(); err != nil {
		t.Error(err)
	}
}

func basic(id, password string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(password)) }
}

func TestTokenRequests(t *testing.T) {
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for name, c := range map[string]struct {
		change []string // names and values to set; an empty value makes a parameter absent
		add    string   // raw text to append
		edit   func(*http.Request)
		status int
		code   string
	}{
		"control":                   {status: 200},
		"no resource":               {change: []string{"resource", ""}, status: 400, code: "invalid_target"},
		"two resources":             {add: "&resource=" + url.QueryEscape(crm), status: 400, code: "invalid_target"},
		"the same resource twice":   {add: "&resource=" + url.QueryEscape(pay), status: 400, code: "invalid_target"},
		"empty second resource":     {add: "&resource=", status: 200},
		"root slash":                {change: []string{"resource", pay + "/"}, status: 200},
		"unknown resource":          {change: []string{"resource", "https://nowhere.example.test"}, status: 400, code: "invalid_target"},
		"another path":              {change: []string{"resource", pay + "/v2"}, status: 400, code: "invalid_target"},
		"disabled resource":         {change: []string{"resource", "https://off.example.test"}, status: 400, code: "invalid_target"},
		"malformed resource":        {change: []string{"resource", "https://pay.example.test/a b"}, status: 400, code: "invalid_target"},
		"no caller entry":           {change: []string{"resource", crm}, status: 400, code: "invalid_target"},
		"bound tokens only":         {change: []string{"resource", "https://vault.example.test"}, status: 400, code: "invalid_request"},
		"audience instead":          {change: []string{"resource", "", "audience", pay}, status: 200},
		"audience and resource":     {change: []string{"audience", pay}, status: 200},
		"another audience":          {change: []string{"audience", crm}, status: 400, code: "invalid_target"},
		"two audiences":             {change: []string{"resource", "", "audience", pay}, add: "&audience=" + url.QueryEscape(crm), status: 400, code: "invalid_target"},
		"no scope":                  {change: []string{"scope", ""}, status: 200},
		"scope nobody knows":        {change: []string{"scope", "fly"}, status: 400, code: "invalid_scope"},
		"scope not granted":         {change: []string{"scope", "refund"}, status: 400, code: "invalid_scope"},
		"malformed scope":           {change: []string{"scope", "charge  charge"}, status: 400, code: "invalid_scope"},
		"no grant":                  {change: []string{"grant_type", ""}, status: 400, code: "invalid_request"},
		"password grant":            {change: []string{"grant_type", "password"}, status: 400, code: "unsupported_grant_type"},
		"repeated grant":            {add: "&grant_type=client_credentials", status: 400, code: "invalid_request"},
		"repeated, once empty":      {add: "&grant_type=", status: 200},
		"repeated scope":            {add: "&scope=refund", status: 400, code: "invalid_request"},
		"repeated unknown":          {add: "&x=1&x=2", status: 400, code: "invalid_request"},
		"unknown parameter":         {add: "&x=1", status: 200},
		"repeated assertion":        {add: "&client_assertion=x", status: 400, code: "invalid_request"},
		"empty actor token":         {add: "&actor_token=&actor_token_type=", status: 200},
		"short life":                {change: []string{"lifetime", "60"}, status: 200},
		"no life":                   {change: []string{"lifetime", "0"}, status: 400, code: "invalid_request"},
		"negative life":             {change: []string{"lifetime", "-60"}, status: 400, code: "invalid_request"},
		"endless life":              {change: []string{"lifetime", "99999999999999999999"}, status: 400, code: "invalid_request"},
		"fraction of a life":        {change: []string{"lifetime", "1e3"}, status: 400, code: "invalid_request"},
		"client_id":                 {change: []string{"client_id", "checkout"}, status: 200},
		"another client_id":         {change: []string{"client_id", "legacy"}, status: 401, code: "invalid_client"},
		"no proof":                  {change: []string{"client_assertion", "", "client_assertion_type", ""}, status: 401, code: "invalid_client"},
		"another assertion type":    {change: []string{"client_assertion_type", "urn:x"}, status: 401, code: "invalid_client"},
		"two methods":               {edit: basic("legacy", secret), status: 400, code: "invalid_request"},
		"secret in the body":        {change: []string{"client_assertion", "", "client_assertion_type", "", "client_id", "legacy", "client_secret", secret}, status: 401, code: "invalid_client"},
		"basic":                     {change: []string{"client_assertion", "", "client_assertion_type", ""}, edit: basic("legacy", secret), status: 200},
		"basic, wrong secret":       {change: []string{"client_assertion", "", "client_assertion_type", ""}, edit: basic("legacy", "x"), status: 401, code: "invalid_client"},
		"bearer":                    {change: []string{"client_assertion", "", "client_assertion_type", ""}, edit: header("Authorization", "Bearer x"), status: 401, code: "invalid_client"},
		"charset":                   {edit: header("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"), status: 200},
		"json":                      {edit: header("Content-Type", "application/json"), status: 400, code: "invalid_request"},
		"no content type":           {edit: header("Content-Type", ""), status: 400, code: "invalid_request"},
		"parameters in the URI":     {edit: func(r *http.Request) { r.URL.RawQuery = "scope=charge" }, status: 400, code: "invalid_request"},
		"bad escape":                {add: "&x=%zz", status: 400, code: "invalid_request"},
		"semicolon":                 {add: "&x=1;y=2", status: 400, code: "invalid_request"},
		"not UTF-8":                 {add: "&x=%ff", status: 400, code: "invalid_request"},
		"65 parameters":             {add: strings.Repeat("&x=1", 65), status: 400, code: "invalid_request"},
		"64 KiB":                    {add: "&x=" + strings.Repeat("x", 64<<10), status: 413, code: "invalid_request"},
		"a large one that still is": {add: "&x=" + strings.Repeat("x", 60<<10), status: 200},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, ours)
			f := h.form(t, c.change...)
			edit := c.edit
			if edit == nil {
				edit = func(*http.Request) {}
			}
			w := h.post(f.Encode()+c.add, edit)
			if w.Code != c.status {
				t.Fatalf("status = %d, body = %s, log = %s", w.Code, w.Body, h.log)
			}
			answer := object(t, w.Body)
			if c.status == 200 {
				return
			}
			if answer["error"] != c.code || answer["error_description"] == "" || answer["decision"] == "" || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("answer = %v", answer)
			}
			challenged := w.Header().Get("WWW-Authenticate") != ""
			authorized := w.Code == 401 && (strings.HasPrefix(name, "basic") || name == "bearer")
			if challenged != authorized {
				t.Errorf("WWW-Authenticate = %q", w.Header().Get("WWW-Authenticate"))
			}
			e := h.book.last(t)
			if e.Type != event.Refused || e.Refusal != c.code || e.Decision != answer["decision"] || e.Check() != nil {
				t.Errorf("event = %+v", e)
			}
		})
	}
}

func TestRefusalsInTheBook(t *testing.T) {
	h := open(t, ours)
	h.post(h.form(t, "resource", crm).Encode())
	e := h.book.last(t)
	if !strings.HasPrefix(e.Detail, "edge_denied: ") || !strings.Contains(e.Detail, "resources.yaml:1") || e.Expected != crm || e.Token.Client != "checkout" || !e.Genuine {
		t.Errorf("edge: %+v %+v", e, e.Token)
	}
	h.post(h.form(t, "client_assertion", h.assertion(t, ours+"/token")).Encode())
	e = h.book.last(t)
	if e.Reason != narrowcast.AudienceMismatch || !strings.Contains(e.Detail, "token endpoint") || e.Received[0] != ours+"/token" || !e.Genuine {
		t.Errorf("token endpoint: %+v", e)
	}
	w := h.post(h.form(t, "client_assertion", h.assertion(t, "https://other.example.test")).Encode())
	if strings.Contains(w.Body.String(), "audience") || strings.Contains(w.Body.String(), "endpoint") {
		t.Errorf("the wire tells why: %s", w.Body)
	}
}

func TestLifetimeAboveTheCeilingIsCutAndSaidSo(t *testing.T) {
	h := open(t, ours)
	answer := object(t, h.post(h.form(t, "lifetime", "3600").Encode()).Body)
	if answer["expires_in"] != 600.0 || answer["lifetime_cut"] != true {
		t.Errorf("answer = %v", answer)
	}
}

func TestAssertionIsUsedOnce(t *testing.T) {
	h := open(t, ours)
	body := h.form(t).Encode()
	if w := h.post(body); w.Code != 200 {
		t.Fatal(w.Body)
	}
	w := h.post(body)
	if w.Code != 401 || object(t, w.Body)["error"] != "invalid_client" {
		t.Errorf("replayed: %d", w.Code)
	}
	if e := h.book.last(t); e.Type != event.Refused || e.Sequence != 2 || !strings.Contains(e.Detail, "used before") || e.Token.ID == "" {
		t.Errorf("event = %+v", e)
	}
	// A refusal uses the proof up as well.
	refused := h.form(t, "scope", "fly")
	h.post(refused.Encode())
	refused.Set("scope", "charge")
	if w := h.post(refused.Encode()); w.Code != 401 {
		t.Errorf("after a refusal: %d", w.Code)
	}
}

func TestWithoutARecordThereIsNoToken(t *testing.T) {
	h := open(t, ours)
	h.book.fails = errors.New("the disk is full")
	w := h.post(h.form(t).Encode())
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "access_token") || strings.Contains(w.Body.String(), "disk") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if h.desk.Counts().Failed != 1 || h.desk.Counts().Issued != 0 {
		t.Errorf("counts = %+v", h.desk.Counts())
	}
}

func TestStrangersCannotFillTheBook(t *testing.T) {
	h := open(t, ours)
	for range 300 {
		h.post("grant_type=client_credentials")
	}
	if n := len(h.book.events()); n != 50 {
		t.Errorf("%d records of 300 refusals, want 50", n)
	}
	if c := h.desk.Counts(); c.Refused != 300 || c.Unrecorded != 250 {
		t.Errorf("counts = %+v", c)
	}
	h.now = h.now.Add(1e9)
	h.post("grant_type=client_credentials")
	if e := h.book.last(t); !strings.Contains(e.Detail, "250 more") {
		t.Errorf("detail = %q", e.Detail)
	}
	if w := h.post(h.form(t).Encode()); w.Code != 200 {
		t.Errorf("a real client is refused: %s", w.Body)
	}
}
