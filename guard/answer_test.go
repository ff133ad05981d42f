package guard_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/guard"
)

func TestAllFailuresOfAuthenticationLookAlike(t *testing.T) {
	w := newTown(t)
	failures := map[narrowcast.Reason]string{
		narrowcast.Malformed:           "abc",
		narrowcast.TooLarge:            strings.Repeat("a", 20<<10),
		narrowcast.SignatureInvalid:    tampered(w.sign(t, nil)),
		narrowcast.Expired:             w.sign(t, map[string]any{"iat": at.Unix() - 600, "exp": at.Unix() - 300}),
		narrowcast.AudienceMismatch:    w.sign(t, map[string]any{"aud": crm}),
		narrowcast.AudienceMissing:     w.sign(t, map[string]any{"aud": nil}),
		narrowcast.AudienceMultiple:    w.sign(t, map[string]any{"aud": []string{pay, crm}}),
		narrowcast.IssuerUnknown:       w.sign(t, map[string]any{"iss": "https://other.example.test"}),
		narrowcast.TenantMismatch:      w.sign(t, map[string]any{"tenant": "t2"}),
		narrowcast.ClaimMissing:        w.sign(t, map[string]any{"client_id": nil}),
		narrowcast.EnvironmentMismatch: w.sign(t, map[string]any{"environment": "staging"}),
		narrowcast.LifetimeExceeded:    w.sign(t, map[string]any{"exp": at.Unix() + 86400*3}),
	}
	h := w.door(t, pay, nil).Wrap(hello)
	first := ""
	for reason, token := range failures {
		got := serve(h, request("GET", "/", token))
		if e := w.book.last(t); e.Reason != reason {
			t.Fatalf("%s was taken for %s", reason, e.Reason)
		}
		decision := got.Header().Get(guard.DecisionHeader)
		text := fmt.Sprintf("%d\n", got.Code)
		for _, name := range slices.Sorted(maps.Keys(got.Header())) {
			text += fmt.Sprintf("%s: %q\n", name, got.Header()[name])
		}
		text = strings.ReplaceAll(text+got.Body.String(), decision, "DECISION")
		if first == "" {
			first = text
		}
		if text != first || len(decision) != 26 {
			t.Errorf("%s differs:\n%s\nfrom\n%s", reason, text, first)
		}
		var body map[string]string
		if err := json.Unmarshal(got.Body.Bytes(), &body); err != nil || body["error"] != "invalid_token" || body["decision"] != decision {
			t.Errorf("body: %v %v", body, err)
		}
		for _, secret := range []string{crm, "audience", reason.String()} {
			if strings.Contains(text, secret) {
				t.Errorf("%s: the answer says %q", reason, secret)
			}
		}
	}
	if !strings.HasPrefix(first, "401\n") || !strings.Contains(first, "no-store") {
		t.Errorf("the answer:\n%s", first)
	}
}

func TestChallenges(t *testing.T) {
	w := newTown(t)
	const there = `resource_metadata="https://pay.example.test/.well-known/oauth-protected-resource/v1"`
	h := w.door(t, pay+"/v1", nil).Wrap(hello)
	bare := serve(h, request("GET", "/", ""))
	if got := bare.Header().Get("WWW-Authenticate"); bare.Code != 401 || got != "Bearer "+there {
		t.Errorf("no token: %d %s", bare.Code, got)
	}
	if strings.Contains(bare.Body.String(), "error") {
		t.Errorf("no token: %s", bare.Body)
	}
	bad := serve(h, request("GET", "/", "x"))
	if got := bad.Header().Get("WWW-Authenticate"); !strings.HasPrefix(got, `Bearer error="invalid_token", `) || !strings.HasSuffix(got, there) {
		t.Errorf("bad token: %s", got)
	}
	odd := serve(h, request("GET", "/?access_token=x", ""))
	if got := odd.Header().Get("WWW-Authenticate"); odd.Code != 400 || !strings.HasPrefix(got, `Bearer error="invalid_request", `) {
		t.Errorf("query: %d %s", odd.Code, got)
	}
	plain := serve(w.door(t, "urn:example:pay", nil).Wrap(hello), request("GET", "/", ""))
	if got := plain.Header().Get("WWW-Authenticate"); got != "Bearer" {
		t.Errorf("an audience without an address: %s", got)
	}
}

func TestMetadata(t *testing.T) {
	w := newTown(t)
	g := w.door(t, pay+"/v1", func(c *guard.Config) { c.ScopesSupported = narrowcast.MustScope("refund charge") })
	if g.MetadataPath() != "/.well-known/oauth-protected-resource/v1" {
		t.Errorf("path: %s", g.MetadataPath())
	}
	if path := w.door(t, pay, nil).MetadataPath(); path != "/.well-known/oauth-protected-resource" {
		t.Errorf("path: %s", path)
	}
	r := request("GET", g.MetadataPath(), "")
	r.Host = "evil.example.test"
	got := serve(g.Metadata(), r)
	const want = `{"resource":"https://pay.example.test/v1","authorization_servers":["https://issuer.example.test"],` +
		`"scopes_supported":["charge","refund"],"bearer_methods_supported":["header"]}`
	if got.Code != 200 || got.Body.String() != want || got.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %s\n%s", got.Code, got.Header(), got.Body)
	}
	if got := serve(g.Metadata(), request("POST", g.MetadataPath(), "")); got.Code != 405 {
		t.Errorf("POST: %d", got.Code)
	}
	var document map[string]any
	bare := serve(w.door(t, pay, func(c *guard.Config) { c.AuthorizationServers = []narrowcast.Issuer{} }).Metadata(), request("GET", "/", ""))
	if err := json.Unmarshal(bare.Body.Bytes(), &document); err != nil || len(document) != 2 || bare.Code != http.StatusOK {
		t.Errorf("empty lists are written: %s", bare.Body)
	}
}
