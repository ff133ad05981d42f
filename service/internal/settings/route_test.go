package settings_test

import (
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/settings"
)

// TestASpellingNeverSavesAScope: many services take these requests for /admin or
// for GET.
func TestASpellingNeverSavesAScope(t *testing.T) {
	g := settings.Guard{Routes: []settings.Route{
		{Path: "/", Scope: narrowcast.Scope{}}, {Path: "/admin", Scope: narrowcast.MustScope("admin")},
		{Method: "GET", Path: "/files", Scope: narrowcast.MustScope("read")}, {Path: "/files/secret", Scope: narrowcast.MustScope("secret")},
		{Path: "/admin/open", Scope: narrowcast.Scope{}},
		{Path: "/both", Scope: narrowcast.MustScope("any")}, {Method: "GET", Path: "/both", Scope: narrowcast.MustScope("get")},
		{Method: "HEAD", Path: "/both", Scope: narrowcast.MustScope("head")}, {Method: "GET", Path: "/half", Scope: narrowcast.MustScope("get")},
		{Path: "/half", Scope: narrowcast.MustScope("any")},
	}}
	for _, c := range []struct{ method, path, want string }{
		// Controls.
		{"GET", "/admin", "admin"}, {"GET", "/admin/", "admin"}, {"GET", "/admins", ""}, {"GET", "/files/secret/x", "secret"}, {"GET", "", ""},
		{"POST", "/files/x", ""}, {"GET", "/admin/open", ""}, {"POST", "/both", "any"}, {"GET", "/both", "get"},

		{"HEAD", "/files/x", "read"}, {"HEAD", "/both", "head"}, {"HEAD", "/half", "get"}, {"get", "/files/x", "read"}, {"Head", "/files/x", "read"},
		{"GET", "//admin", "admin"}, {"GET", "/admin;x", "admin"}, {"GET", "/admin;x/y", "admin"}, {"GET", "/;x/admin", "admin"},
		{"GET", "/Admin", "admin"}, {"GET", "/ADMIN/x", "admin"}, {"GET", "/files//secret", "secret read"},
		{"GET", "/admin/OPEN", "admin"}, {"GET", "/admin//open", "admin"}, // a route with less is not reached either
	} {
		want := narrowcast.MustScope(c.want)
		if got := g.ScopeFor(c.method, c.path); got != want {
			t.Errorf("%s %s needs %q, want %q", c.method, c.path, got, want)
		}
	}
}

func TestRoutesThatDifferOnlyInCapitals(t *testing.T) {
	text := func(second string) []byte {
		return []byte("name: g\naudience: https://pay.example.test\nissuers:\n  - {id: \"https://issuer.example.test\", jwks_file: keys.json}\nalgorithms: [ES256]\n" +
			"upstream: http://127.0.0.1:9000\nevents: {file: events.jsonl}\nroutes:\n  - {path: /, scope: [read]}\n  - {path: /admin, scope: [admin]}\n  - {path: " + second + ", scope: []}\n")
	}
	if _, err := settings.ParseGuard("guard.yaml", text("/open")); err != nil {
		t.Fatalf("control: %v", err)
	}
	if _, err := settings.ParseGuard("guard.yaml", text("/Admin")); err == nil || !strings.Contains(err.Error(), "listed twice") {
		t.Errorf("error = %v", err)
	}
}
