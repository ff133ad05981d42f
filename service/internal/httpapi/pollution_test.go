package httpapi_test

import (
	"strings"
	"testing"
)

// Forms that two readers may understand in two ways bring no token.
func TestAmbiguousFormsBringNoToken(t *testing.T) {
	with := func(change ...string) func(*testing.T, *house) string {
		return func(t *testing.T, h *house) string { return h.form(t, change...).Encode() }
	}
	for name, body := range map[string]func(*testing.T, *house) string{
		"grant twice":                 func(t *testing.T, h *house) string { return h.form(t).Encode() + "&grant_type=client_credentials" },
		"resource twice":              func(t *testing.T, h *house) string { return h.form(t).Encode() + "&resource=" + crm },
		"semicolons":                  func(t *testing.T, h *house) string { return strings.ReplaceAll(h.form(t).Encode(), "&", ";") },
		"resource and other audience": with("audience", crm),
		"resource with slash twice":   with("audience", pay+"/"),
		"dot segment":                 with("resource", pay+"/../"),
		"upper case":                  with("resource", "https://PAY.example.test"),
		"null byte":                   with("resource", pay+"\x00"),
		"wider scope":                 with("scope", "charge refund"),
		"scope with a tab":            with("scope", "charge\trefund"),
		"negative lifetime":           with("lifetime", "-1"),
		"huge lifetime":               with("lifetime", "99999999999999999999"),
		"lifetime as a float":         with("lifetime", "1e3"),
		"client_id of another":        with("client_id", "legacy"),
		"secret beside an assertion":  with("client_secret", "x"),
		"assertion to the endpoint": func(t *testing.T, h *house) string {
			return h.form(t, "client_assertion", h.assertion(t, ours+"/token")).Encode()
		},
		"assertion to a resource": func(t *testing.T, h *house) string {
			return h.form(t, "client_assertion", h.assertion(t, pay)).Encode()
		},
	} {
		h := open(t, ours)
		if w := h.post(body(t, h)); w.Code == 200 {
			t.Errorf("%s: a token was minted: %v", name, h.book.last(t).Token)
		}
	}
	h := open(t, ours)
	f := h.form(t)
	if w := h.post(f.Encode()); w.Code != 200 {
		t.Fatalf("control: %d", w.Code)
	}
	if w := h.post(f.Encode()); w.Code == 200 {
		t.Error("the assertion worked twice")
	}
	long := h.form(t, "lifetime", "999999999")
	if w := h.post(long.Encode()); w.Code != 200 || object(t, w.Body)["expires_in"].(float64) > 600 {
		t.Errorf("a long lifetime is not cut: %d", w.Code)
	}
}
