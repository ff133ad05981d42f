package settings_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/profile"
	"github.com/narrowcast-io/narrowcast/service/internal/settings"
)

// TestForeignIssuers: what stands in the file is what the profile is told.
func TestForeignIssuers(t *testing.T) {
	g, err := settings.LoadGuard("testdata/guard/foreign.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const directory = "11111111-2222-3333-4444-555555555555"
	names := func(list ...string) (all []narrowcast.Audience) {
		for _, name := range list {
			all = append(all, narrowcast.MustAudience(name))
		}
		return all
	}
	want := map[string]profile.Options{
		profile.Keycloak: {Companions: names("account-eu"), Ambient: names("broker")},
		profile.Entra:    {TenantID: directory, ScopeClaims: []string{"scp", "roles"}},
		profile.Auth0:    {ClientClaim: "client_id", ScopeClaims: []string{"scope", "permissions"}},
		profile.Okta:     {},
		profile.Cognito: {Clients: map[narrowcast.ClientID]narrowcast.Audience{
			"1example23456789": narrowcast.MustAudience("https://pay.example.test"), "other": narrowcast.MustAudience("https://crm.example.test")}},
		profile.Google:     {Subjects: []narrowcast.Subject{"112233445566778899000"}},
		profile.Kubernetes: {Ambient: names("https://api.cluster.example.test")},
		profile.GitHub: {Ambient: names("https://github.example.test/octo-org"),
			Require: map[string][]string{"repository_id": {"74"}, "event_name": {"push", "workflow_dispatch"}}},
		profile.GitLab:  {Require: map[string][]string{"project_id": {"20"}, "ref_protected": {"true"}}},
		profile.JWTSVID: {Subjects: []narrowcast.Subject{"spiffe://corp.example/shop"}},
		profile.OIDC:    {TenantClaim: "org", ClientClaim: "azp", Require: map[string][]string{"token_type": {"access"}}, Environment: "prod"},
		profile.RFC9068: {},
	}
	order := []string{profile.Keycloak, profile.Entra, profile.Auth0, profile.Okta, profile.Cognito, profile.Google, profile.Kubernetes, profile.GitHub,
		profile.GitLab, profile.JWTSVID, profile.OIDC, profile.RFC9068}
	if len(g.Issuers) != len(order)+2 || len(want) != len(profile.Names()) {
		t.Fatalf("%d issuers, %d profiles tried", len(g.Issuers), len(want))
	}
	for i, name := range order {
		got, o := g.Issuers[i+2].With(nil), want[name]
		o.Issuer = got.Issuer
		if name != profile.OIDC && name != profile.RFC9068 {
			o.Tenant, o.Environment = "north", "prod"
		}
		made, err := profile.New(name, o)
		if err != nil {
			t.Fatal(err)
		}
		if got.Class != made.Class {
			t.Errorf("%s: class %s, want %s", name, got.Class, made.Class)
		}
		if diff := cmp.Diff(made.Terms(), got.Terms()); diff != "" {
			t.Error(name, diff)
		}
	}
	own, plain := g.Issuers[0].With(nil), g.Issuers[1].With(nil)
	if own.Tenant != "north" || own.Environment != "prod" || own.Dialect.MaxLifetime != 5*time.Minute || own.Class != narrowcast.AccessToken ||
		!slices.Contains(own.Terms(), "require sub checkout") {
		t.Errorf("without a profile: %q", own.Terms())
	}
	if plain.Tenant != "north" || plain.Class != narrowcast.DangerouslyUntyped || len(plain.Terms()) != 1 || g.Issuers[1].JWKSFile != "testdata/guard/plain.json" {
		t.Errorf("with a class: %+v", plain)
	}
}

// TestPlainIssuersHaveNoTerms: without a word about dialects, all is as in RFC 9068.
func TestPlainIssuersHaveNoTerms(t *testing.T) {
	g, err := settings.LoadGuard("testdata/guard/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, issuer := range g.Issuers {
		if trusted := issuer.With(nil); len(trusted.Terms()) != 0 {
			t.Errorf("%s: %q", issuer.ID, trusted.Terms())
		}
	}
}

// TestEveryOptionOfProfilesHasAKey: what a profile takes can be written down.
func TestEveryOptionOfProfilesHasAKey(t *testing.T) {
	keys := map[string]bool{}
	for _, o := range settings.GuardOptions() {
		keys[o.Key] = true
	}
	for _, name := range profile.Names() {
		for _, field := range profile.Takes(name) {
			key := strings.NewReplacer("TenantID", "tenant_id", "Claim", "_claim").Replace(field)
			if !keys["issuers[]."+strings.ToLower(key)] {
				t.Errorf("%s takes %s, and there is no key for it", name, field)
			}
		}
	}
}

// TestIssuersPageIsTrue: every setting on the page of foreign issuers is read, and
// there is one for each profile.
func TestIssuersPageIsTrue(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "issuers.md"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		text := block[1]
		if strings.HasPrefix(text, "  - ") {
			text = "audience: https://pay.example.test\nissuers:\n" + text + "algorithms: [RS256]\n"
		}
		g, err := settings.ParseGuard("guard.yaml", []byte("name: g\nupstream: http://127.0.0.1:9000\nevents: {file: events.jsonl}\n"+text))
		if err != nil {
			t.Errorf("%s\n%v", text, err)
			continue
		}
		seen[regexp.MustCompile(`profile: ([a-z0-9-]+)`).FindStringSubmatch(text)[1]] = len(g.Issuers) == 1
	}
	for _, name := range profile.Names() {
		if !seen[name] && name != profile.RFC9068 {
			t.Errorf("the page shows no setting for %s", name)
		}
	}
}
