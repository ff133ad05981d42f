package policy_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
)

func noon() time.Time { return time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC) }

func config() policy.Config {
	pay, crm, vault, old := narrowcast.MustAudience("https://pay.example.test"), narrowcast.MustAudience("https://crm.example.test"),
		narrowcast.MustAudience("https://vault.example.test"), narrowcast.MustAudience("https://old.example.test")
	return policy.Config{
		Doors: []policy.Door{
			{Audience: pay, Scopes: narrowcast.MustScope("charge refund"), TTL: 5 * time.Minute, MaxTTL: 10 * time.Minute, Position: "r.yaml:2"},
			{Audience: crm, Scopes: narrowcast.MustScope("read"), TTL: 5 * time.Minute, MaxTTL: 10 * time.Minute, Position: "r.yaml:12"},
			{Audience: vault, Scopes: narrowcast.MustScope("open"), TTL: time.Minute, MaxTTL: time.Minute, Binding: policy.Binding{Sender: policy.Required, DPoP: true, MTLS: true}, Position: "r.yaml:22"},
			{Audience: old, Scopes: narrowcast.MustScope("read"), TTL: time.Minute, MaxTTL: time.Minute, Disabled: true, Position: "r.yaml:32"},
		},
		Grants: []policy.Grant{
			{Client: "checkout", Audience: pay, Scope: narrowcast.MustScope("charge"), Position: "r.yaml:8"},
			{Client: "checkout", Audience: vault, Scope: narrowcast.MustScope("open"), Position: "r.yaml:28"},
			{Client: "checkout", Audience: old, Scope: narrowcast.MustScope("read"), Position: "r.yaml:38"},
		},
		Aliases: []policy.Alias{{Name: "https://pay-old.example.test", Audience: pay, Until: noon().Add(time.Hour), Position: "r.yaml:9"}},
	}
}

func rules(t testing.TB) *policy.Rules {
	t.Helper()
	r, err := policy.NewRules(config())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func ask(change func(*policy.Request)) policy.Request {
	q := policy.Request{Client: "checkout", Resource: "https://pay.example.test", Scope: narrowcast.MustScope("charge"), At: noon()}
	change(&q)
	return q
}

func TestDecide(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(*policy.Request)
		refusal string
		edge    bool
		reason  string // text that one reason holds
		at      string // and its position
	}{
		{name: "as granted", change: func(*policy.Request) {}, reason: "is a caller", at: "r.yaml:8"},
		{name: "root slash", change: func(q *policy.Request) { q.Resource += "/" }, reason: "is registered", at: "r.yaml:2"},
		{name: "alias", change: func(q *policy.Request) { q.Resource = "https://pay-old.example.test" }, reason: "stands for https://pay.example.test", at: "r.yaml:9"},
		{name: "bound", change: func(q *policy.Request) {
			*q = policy.Request{Client: "checkout", Resource: "https://vault.example.test", Shown: policy.Shown{DPoP: true, MTLS: true}}
		}, reason: "bound to the key", at: "r.yaml:22"},
		{name: "bound by certificate", change: func(q *policy.Request) {
			*q = policy.Request{Client: "checkout", Resource: "https://vault.example.test", Shown: policy.Shown{MTLS: true}}
		}, reason: "bound to the certificate", at: "r.yaml:22"},
		{name: "based on what ends", change: func(q *policy.Request) { q.Until = noon().Add(90 * time.Second) }, reason: "end of what the token is based on"},
		{name: "based on what ended", change: func(q *policy.Request) { q.Until = noon() }, refusal: "invalid_request", reason: "what the token would be based on"},
		{name: "no resource", change: func(q *policy.Request) { q.Resource = "" }, refusal: "invalid_target", reason: "no resource was named"},
		{name: "unknown", change: func(q *policy.Request) { q.Resource = "https://pay.example.test.evil.test" }, refusal: "invalid_target", reason: "no resource is registered"},
		{name: "path slash", change: func(q *policy.Request) { q.Resource += "/a/" }, refusal: "invalid_target", reason: "no resource is registered"},
		{name: "two root slashes", change: func(q *policy.Request) { q.Resource += "//" }, refusal: "invalid_target", reason: "no resource is registered"},
		{name: "short name", change: func(q *policy.Request) { q.Resource = "payments" }, refusal: "invalid_target", reason: "no resource is registered"},
		{name: "disabled", change: func(q *policy.Request) {
			q.Resource, q.Scope = "https://old.example.test", narrowcast.Scope{}
		}, refusal: "invalid_target", reason: "is disabled", at: "r.yaml:32"},
		{name: "alias ended", change: func(q *policy.Request) {
			q.Resource, q.At = "https://pay-old.example.test", noon().Add(time.Hour)
		}, refusal: "invalid_target", reason: "ended at", at: "r.yaml:9"},
		{name: "alias without a clock", change: func(q *policy.Request) {
			q.Resource, q.At = "https://pay-old.example.test", time.Time{}
		}, refusal: "invalid_target", reason: "ended at"},
		{name: "no caller entry", change: func(q *policy.Request) { q.Client = "assistant" }, refusal: "invalid_target", edge: true, reason: "is not a caller", at: "r.yaml:2"},
		{name: "no client", change: func(q *policy.Request) { q.Client = "" }, refusal: "invalid_target", edge: true, reason: "is not a caller"},
		{name: "scope unknown", change: func(q *policy.Request) { q.Scope = narrowcast.MustScope("charge destroy") }, refusal: "invalid_scope", reason: `knows no scope "destroy"`, at: "r.yaml:2"},
		{name: "scope part", change: func(q *policy.Request) { q.Scope = narrowcast.MustScope("charg") }, refusal: "invalid_scope", reason: "knows no scope"},
		{name: "scope not granted", change: func(q *policy.Request) { q.Scope = narrowcast.MustScope("refund") }, refusal: "invalid_scope", reason: `not "refund"`, at: "r.yaml:8"},
		{name: "not bound", change: func(q *policy.Request) {
			q.Resource, q.Scope = "https://vault.example.test", narrowcast.Scope{}
		}, refusal: "invalid_request", reason: "no key was proved", at: "r.yaml:22"},
		{name: "negative life", change: func(q *policy.Request) { q.Lifetime = -time.Minute }, refusal: "invalid_request", reason: "too short"},
		{name: "life below a second", change: func(q *policy.Request) { q.Lifetime = time.Millisecond }, refusal: "invalid_request", reason: "too short"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := rules(t).Decide(ask(c.change))
			if d.Allowed != (c.refusal == "") || d.Refusal != c.refusal || d.Edge != c.edge {
				t.Errorf("got %+v", d)
			}
			if !d.Allowed && (!d.Scope.IsZero() || d.Lifetime != 0) {
				t.Error("a refusal carries a scope or a life")
			}
			if !slices.ContainsFunc(d.Reasons, func(r policy.Reason) bool {
				return strings.Contains(r.Text, c.reason) && (c.at == "" || r.Position == c.at)
			}) {
				t.Errorf("no reason %q at %q:\n%s", c.reason, c.at, d.Explain())
			}
		})
	}
}

// Only the root slash is folded: a door with a path is asked for exactly.
func TestPathSlash(t *testing.T) {
	c := config()
	c.Doors[0].Audience = narrowcast.MustAudience("https://pay.example.test/a")
	c.Grants, c.Aliases = []policy.Grant{{Client: "checkout", Audience: c.Doors[0].Audience, Scope: narrowcast.MustScope("charge")}}, nil
	r, err := policy.NewRules(c)
	if err != nil {
		t.Fatal(err)
	}
	for resource, allowed := range map[string]bool{"https://pay.example.test/a": true, "https://pay.example.test/a/": false, "https://pay.example.test": false} {
		if d := r.Decide(policy.Request{Client: "checkout", Resource: resource}); d.Allowed != allowed {
			t.Errorf("%s: %s", resource, d.Explain())
		}
	}
}

func TestScopeAndLifetime(t *testing.T) {
	r := rules(t)
	for _, c := range []struct {
		ask, want time.Duration
		cut       bool
	}{{0, 5 * time.Minute, false}, {time.Minute, time.Minute, false}, {10 * time.Minute, 10 * time.Minute, false}, {time.Hour, 10 * time.Minute, true}, {1500 * time.Millisecond, time.Second, false}} {
		d := r.Decide(ask(func(q *policy.Request) { q.Lifetime, q.Scope = c.ask, narrowcast.Scope{} }))
		if !d.Allowed || d.Lifetime != c.want || d.Cut != c.cut || d.Scope.String() != "charge" {
			t.Errorf("%s: got %+v", c.ask, d)
		}
	}
}

func TestTheReasonsAreComplete(t *testing.T) {
	d := rules(t).Decide(policy.Request{Client: "nobody", Resource: "https://vault.example.test", Scope: narrowcast.MustScope("nothing")})
	want := strings.TrimSpace(`
refused: invalid_target
  + resource https://vault.example.test is registered (r.yaml:22)
  - client "nobody" is not a caller of this resource (r.yaml:22)
  - the resource knows no scope "nothing"; it knows open (r.yaml:22)
  - the resource takes only tokens bound to a key, and no key was proved (r.yaml:22)
  + the life of tokens for this resource is 1m0s (r.yaml:22)`)
	if got := d.Explain(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestZeroRefuses(t *testing.T) {
	for name, r := range map[string]*policy.Rules{"nil": nil, "zero": {}} {
		if d := r.Decide(ask(func(*policy.Request) {})); d.Allowed || d.Refusal != "invalid_target" {
			t.Errorf("%s: %+v", name, d)
		}
		if r.Reach("checkout") != nil {
			t.Errorf("%s: reaches something", name)
		}
	}
	if (policy.Decision{}).Allowed {
		t.Error("the zero decision allows")
	}
}

func TestReach(t *testing.T) {
	got := ""
	for _, d := range rules(t).Reach("checkout") {
		got += d.Audience.String() + " " + d.Scopes.String() + "\n"
	}
	if got != "https://pay.example.test charge\nhttps://vault.example.test open\n" {
		t.Error(got)
	}
}

func TestNewRulesReportsAllFaults(t *testing.T) {
	c := config()
	c.Doors = append(c.Doors, c.Doors[0], policy.Door{Position: "a:1"}, policy.Door{Audience: narrowcast.MustAudience("urn:x"), TTL: time.Hour, MaxTTL: time.Minute, Position: "a:2"})
	c.Grants = append(c.Grants, c.Grants[0],
		policy.Grant{Client: "c", Audience: narrowcast.MustAudience("urn:y"), Scope: narrowcast.MustScope("charge"), Position: "a:3"},
		policy.Grant{Client: "c", Audience: c.Doors[0].Audience, Position: "a:4"},
		policy.Grant{Client: "c", Audience: c.Doors[0].Audience, Scope: narrowcast.MustScope("charge more"), Position: "a:5"},
		policy.Grant{Audience: c.Doors[0].Audience, Scope: narrowcast.MustScope("charge"), Position: "a:6"})
	c.Aliases = append(c.Aliases, c.Aliases[0],
		policy.Alias{Name: "https://crm.example.test/", Audience: c.Doors[0].Audience, Until: noon(), Position: "a:7"},
		policy.Alias{Name: "x", Audience: c.Doors[0].Audience, Position: "a:8"},
		policy.Alias{Name: "y", Until: noon(), Position: "a:9"})
	_, err := policy.NewRules(c)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"is there twice", "a:1", "a:2", "two grants", "a:3", "a:4", "a:5", "a:6", "a:7", "a:8", "a:9", "names something else"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

func TestExplainShowsNoControlCharacters(t *testing.T) {
	d := rules(t).Decide(policy.Request{Client: "a\x1b[2J\n", Resource: "x\x00\x1b" + strings.Repeat("z", 500)})
	if text := d.Explain(); strings.ContainsAny(text, "\x00\x1b") || len(text) > 300 {
		t.Errorf("%q", text)
	}
}

func BenchmarkDecide(b *testing.B) {
	r := rules(b)
	q := ask(func(*policy.Request) {})
	b.ReportAllocs()
	for b.Loop() {
		if !r.Decide(q).Allowed {
			b.Fatal("refused")
		}
	}
}
