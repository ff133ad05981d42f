package httpapi_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/httpapi"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
)

func signed(r *http.Request) { r.Header.Set("Accept", "application/token-introspection+jwt") }

const exactly = "{\"active\":false}\n"

// Story C3, the first half: the addressee learns everything, in both forms.
func TestTheAddresseeIntrospects(t *testing.T) {
	o := openOffice(t)
	token := o.letter(t, func(l *mint.Letter) {
		l.Confirmation.Key, l.Actors, l.Parent, l.Lineage, l.Task = rfc9449Key, []narrowcast.Subject{"orch"}, "p1", "p1", "task-1"
		l.Details, l.SingleUse = `[{"type":"urn:narrowcast:request","locations":["`+pay+`"],"method":"POST","target":"/charges"}]`, true
		l.MayAct = "data"
	})
	c, _ := narrowcast.Inspect(token)
	w := o.ask("/introspect", token, basic("legacy", secret))
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Vary") != "Accept" {
		t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	plain := bytes.TrimSpace(w.Body.Bytes())
	want := fmt.Sprintf(`{"active":true,"scope":"charge","client_id":"checkout","token_type":"DPoP","exp":%d,"iat":%d,"sub":"job","aud":"%s","iss":"%s","jti":"%s",`+
		`"cnf":{"jkt":"%s"},"act":{"sub":"orch"},"authorization_details":[{"type":"urn:narrowcast:request","locations":["%s"],"method":"POST","target":"/charges"}],"task":"task-1",`+
		`"may_act":{"sub":"data"},"single_use":true}`,
		c.Expires.Unix(), c.IssuedAt.Unix(), pay, ours, c.TokenID, rfc9449Key, pay)
	if string(plain) != want {
		t.Errorf("answer = %s\nwant     %s", plain, want)
	}
	if e := o.book.last(t); e.Type != event.Presented || !e.Genuine || e.Expected != pay || e.Token.ID != c.TokenID || e.Check() != nil || !strings.Contains(e.Detail, "client legacy") {
		t.Errorf("event = %+v", e)
	}
	before := len(o.book.events())
	w = o.ask("/introspect", token, basic("legacy", secret), signed)
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/token-introspection+jwt" {
		t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	payload := sealed(t, w.Body.String())
	if payload["iss"] != ours || payload["aud"] != "legacy" || payload["iat"] != float64(o.now.Unix()) || len(payload) != 4 {
		t.Errorf("payload = %v", payload)
	}
	inside, _ := json.Marshal(payload["token_introspection"])
	var same map[string]any
	if err := json.Unmarshal(plain, &same); err != nil {
		t.Fatal(err)
	}
	if again, _ := json.Marshal(same); !bytes.Equal(inside, again) {
		t.Errorf("the two forms differ: %s and %s", inside, again)
	}
	if n := len(o.book.events()); n != before {
		t.Errorf("%d more records in the same minute", n-before)
	}
	// A bearer token of nobody in particular.
	bare := object(t, o.ask("/introspect", o.letter(t, func(*mint.Letter) {}), basic("legacy", secret)).Body)
	if bare["active"] != true || bare["token_type"] != "Bearer" || bare["cnf"] != nil || bare["act"] != nil || bare["may_act"] != nil || bare["single_use"] != nil {
		t.Errorf("answer = %v", bare)
	}
}

func sealed(t *testing.T, text string) (payload map[string]any) {
	t.Helper()
	parts := strings.Split(text, ".")
	if len(parts) != 3 || parts[0] != "token-introspection+jwt" {
		t.Fatalf("answer = %s", text)
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(raw, &payload) != nil {
		t.Fatal(err)
	}
	return payload
}

// Story C3, the second half: everybody else learns nothing.
func TestEverybodyElseLearnsNothing(t *testing.T) {
	for name, c := range map[string]struct {
		token     func(o *office) string
		addressee bool // asks, and not checkout
		want      event.Type
		genuine   bool
	}{
		"a token of somebody else's": {func(o *office) string { return o.letter(t, func(*mint.Letter) {}) }, false, event.OffTarget, true},
		"an expired one of somebody else's": {func(o *office) string {
			return o.letter(t, func(l *mint.Letter) { l.IssuedAt = o.now.Add(-time.Hour) })
		}, false, event.OffTarget, true},
		"for another resource": {func(o *office) string {
			return o.letter(t, func(l *mint.Letter) { l.Audience = narrowcast.MustAudience(crm) })
		}, true, event.OffTarget, true},
		"expired": {func(o *office) string {
			return o.letter(t, func(l *mint.Letter) { l.IssuedAt = o.now.Add(-time.Hour) })
		}, true, event.Rejected, true},
		"called back": {func(o *office) string {
			token := o.letter(t, func(*mint.Letter) {})
			c, _ := narrowcast.Inspect(token)
			o.revoked.called = append(o.revoked.called, c)
			return token
		}, true, event.Rejected, true},
		"forged": {func(o *office) string {
			o.press, _ = pair(t, ours, "k1")
			return o.letter(t, func(*mint.Letter) {})
		}, true, event.Rejected, false},
		"forged, of somebody else's": {func(o *office) string {
			o.press, _ = pair(t, ours, "k1")
			return o.letter(t, func(*mint.Letter) {})
		}, false, event.Rejected, false},
		"of another issuer": {func(o *office) string {
			o.press, _ = pair(t, "https://other.example.test", "k1")
			return o.letter(t, func(*mint.Letter) {})
		}, true, event.Rejected, false},
		"no token": {func(o *office) string { return "what is this" }, true, event.Rejected, false},
	} {
		t.Run(name, func(t *testing.T) {
			o := openOffice(t)
			token := c.token(o)
			for _, form := range []func(*http.Request){func(*http.Request) {}, signed} {
				var w *httptest.ResponseRecorder
				if c.addressee {
					w = o.ask("/introspect", token, form, basic("legacy", secret))
				} else {
					w = o.asCheckout(t, "/introspect", token, form)
				}
				switch body := w.Body.String(); {
				case w.Code != 200:
					t.Fatalf("%d %s", w.Code, body)
				case body == exactly:
				case fmt.Sprint(sealed(t, body)["token_introspection"]) != "map[active:false]":
					t.Errorf("answer = %s", body)
				}
				e := o.book.last(t)
				if e.Type != c.want || e.Genuine != c.genuine || e.Check() != nil || e.Decision == "" {
					t.Errorf("event = %+v", e)
				}
				if c.want == event.OffTarget && (e.Reason != narrowcast.AudienceMismatch || e.Token.Client != "checkout" || len(e.Received) != 1) {
					t.Errorf("event = %+v", e)
				}
			}
			o.nowhere(t, token)
		})
	}
}

// nowhere looks for a token in the book and the log.
func (o *office) nowhere(t *testing.T, token string) {
	t.Helper()
	said := o.log.String()
	for _, e := range o.book.events() {
		line, _ := event.Encode(e)
		said += string(line)
	}
	for _, part := range strings.Split(token, ".") {
		if strings.Contains(said, part) {
			t.Errorf("a part of the token was written down: %s", part)
		}
	}
}

func TestWhoMayNotAskAtAll(t *testing.T) {
	for _, path := range []string{"/introspect", "/revoke"} {
		o := openOffice(t)
		token := o.letter(t, func(*mint.Letter) {})
		header := func(value string) func(*http.Request) {
			return func(r *http.Request) { r.Header.Set("Authorization", value) }
		}
		for name, edit := range map[string]func(*http.Request){
			"nobody":           func(*http.Request) {},
			"a wrong secret":   basic("legacy", "x"),
			"the token itself": header("Bearer " + token),
		} {
			w := o.ask(path, token, edit)
			if m := object(t, w.Body); w.Code != 401 || m["error"] != "invalid_client" || m["active"] != nil || (w.Header().Get("WWW-Authenticate") == "") != (name == "nobody") {
				t.Errorf("%s %s: %d %v", path, name, w.Code, m)
			}
			if e := o.book.last(t); e.Type != event.Refused || e.Refusal != "invalid_client" {
				t.Errorf("event = %+v", e)
			}
		}
		if w := o.ask(path, "", basic("legacy", secret)); w.Code != 400 || object(t, w.Body)["error"] != "invalid_request" {
			t.Errorf("%s without a token: %d", path, w.Code)
		}
		if w := o.ask(path, token, basic("legacy", secret), func(r *http.Request) { r.URL.RawQuery = "token=" + token }); w.Code != 400 {
			t.Errorf("%s with a token in the URI: %d", path, w.Code)
		}
		if w := o.get(path); w.Code != 405 {
			t.Errorf("GET %s: %d", path, w.Code)
		}
		if len(o.revoked.called) != 0 {
			t.Errorf("called back: %v", o.revoked.called)
		}
		o.nowhere(t, token)
	}
}

// A client assertion is good once, here as at the token endpoint.
func TestAnAssertionAsksOnce(t *testing.T) {
	o := openOffice(t)
	f := o.form(t, "token", o.letter(t, func(*mint.Letter) {})).Encode()
	send := func(path string) int {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(f))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return o.do(r).Code
	}
	for i, c := range []struct {
		path string
		want int
	}{{"/introspect", 200}, {"/introspect", 401}, {"/token", 401}, {"/revoke", 401}} {
		if got := send(c.path); got != c.want {
			t.Errorf("%d %s: %d", i, c.path, got)
		}
	}
}

func TestRevocation(t *testing.T) {
	o := openOffice(t)
	mine := o.letter(t, func(*mint.Letter) {})
	theirs := o.letter(t, func(l *mint.Letter) { l.Client = "other"; l.Audience = narrowcast.MustAudience(crm) })
	if w := o.asCheckout(t, "/revoke", theirs); w.Code != 400 || object(t, w.Body)["error"] != "invalid_grant" {
		t.Errorf("somebody else's token: %d", w.Code)
	}
	if e := o.book.last(t); e.Type != event.OffTarget || !e.Genuine || e.Token.Client != "other" {
		t.Errorf("event = %+v", e)
	}
	for _, unknown := range []string{"x", strings.Repeat("a", 300), rfc8693Token} {
		if w := o.asCheckout(t, "/revoke", unknown); w.Code != 200 || w.Body.Len() != 0 {
			t.Errorf("an unknown token: %d %s", w.Code, w.Body)
		}
	}
	if len(o.revoked.called) != 0 {
		t.Fatalf("called back: %v", o.revoked.called)
	}
	if w := o.asCheckout(t, "/revoke", mine); w.Code != 200 || len(o.revoked.called) != 1 || o.revoked.by[0] != "checkout" || o.revoked.called[0].Fingerprint != narrowcast.FingerprintOf(mine) {
		t.Errorf("my own token: %d, %+v", w.Code, o.revoked)
	}
	other := o.letter(t, func(l *mint.Letter) { l.Client = "other" })
	if w := o.ask("/revoke", other, basic("legacy", secret)); w.Code != 200 || len(o.revoked.called) != 2 {
		t.Errorf("the addressee: %d", w.Code)
	}
	if w := o.ask("/introspect", other, basic("legacy", secret)); w.Body.String() != exactly {
		t.Errorf("afterwards: %s", w.Body)
	}
	o.revoked.fails = errors.New("the disk is full")
	if w := o.ask("/revoke", o.letter(t, func(*mint.Letter) {}), basic("legacy", secret)); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("without a record: %d", w.Code)
	}
	o.nowhere(t, mine)
}

func TestWithoutARecordNothingIsSaid(t *testing.T) {
	o := openOffice(t)
	o.book.fails = errors.New("the disk is full")
	if w := o.ask("/introspect", o.letter(t, func(*mint.Letter) {}), basic("legacy", secret)); w.Code != 503 || strings.Contains(w.Body.String(), "true") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestMetadataOfQuestions(t *testing.T) {
	o := openOffice(t)
	m := object(t, o.get("/.well-known/oauth-authorization-server").Body)
	for name, want := range map[string]string{
		"introspection_endpoint": ours + "/introspect", "revocation_endpoint": ours + "/revoke",
		"introspection_endpoint_auth_methods_supported": "[private_key_jwt client_secret_basic]",
		"revocation_endpoint_auth_methods_supported":    "[private_key_jwt client_secret_basic]",
		"introspection_signing_alg_values_supported":    "[ES256]",
		"authorization_details_types_supported":         "[urn:narrowcast:request]",
	} {
		if fmt.Sprint(m[name]) != want {
			t.Errorf("%s = %v", name, m[name])
		}
	}
	types := []string{"urn:narrowcast:request"}
	h := openWith(t, ours, func(*issuer.Config) {}, func(c *httpapi.Config) {
		c.Offers.Grants, c.Offers.DetailTypes = []string{"client_credentials"}, func() []string { return types }
	})
	types = append(types, "payment") // the registry changed
	m = object(t, h.get("/.well-known/oauth-authorization-server").Body)
	if m["introspection_endpoint"] != nil || m["revocation_endpoint"] != nil || fmt.Sprint(m["grant_types_supported"]) != "[client_credentials]" ||
		fmt.Sprint(m["authorization_details_types_supported"]) != "[urn:narrowcast:request payment]" {
		t.Errorf("metadata = %v", m)
	}
	if w := h.post("token=x", func(r *http.Request) { r.URL.Path = "/introspect" }); w.Code != 404 {
		t.Errorf("there is nobody to answer: %d", w.Code)
	}
}

func TestWhichFormIsWanted(t *testing.T) {
	for accept, want := range map[string]bool{
		"":        false,
		"*/*":     false,
		"garbage": false,
		"application/json, application/token-introspection+jwt;q=0.5": false,
		"application/token-introspection+jwt;q=0":                     false,
		"Application/Token-Introspection+JWT":                         true,
		"application/json;q=0.5, application/token-introspection+jwt": true,
	} {
		o := openOffice(t)
		w := o.ask("/introspect", "x", basic("legacy", secret), func(r *http.Request) { r.Header.Set("Accept", accept) })
		if got := w.Header().Get("Content-Type") == "application/token-introspection+jwt"; got != want {
			t.Errorf("%q: %v", accept, got)
		}
	}
}
