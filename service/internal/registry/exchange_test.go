package registry_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
)

// delegated is the sample with an orchestrator that hands on what the assistant
// may read.
func delegated(t testing.TB) map[string][]byte {
	t.Helper()
	files := sampleFiles(t)
	text := string(files["resources.yaml"])
	for _, pair := range [][2]string{
		{"scopes: [plan, read]           # read is what the orchestrator may hand on for it\n", "scopes: [plan, read]\n        may_act: orchestrator-service\n"},
		{"    servers:\n      - client: orchestrator-service   # the orchestrator itself: it may exchange the tokens that come to it\n", "    servers: [{client: orchestrator-service}]\n"},
		{"scopes: [read]\n    callers:\n      - client: orchestrator-service\n        scopes: [read]\n    verifiers:\n      - client: guard-data",
			"scopes: [read]\n    tokens: {delegation: 1, single_use: true, status_list: true, stale_after: 5s}\n    authorization_details: [report]\n" +
				"    callers:\n      - client: orchestrator-service\n        scopes: [read]\n    verifiers:\n      - client: guard-data"},
	} {
		if !strings.Contains(text, pair[0]) {
			t.Fatalf("the sample has no %q", pair[0])
		}
		text = strings.Replace(text, pair[0], pair[1], 1)
	}
	return with(files, "resources.yaml", text)
}

func TestExchangeIsRead(t *testing.T) {
	s := load(t, delegated(t))
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	fresh := s.Rules().Decide(policy.Request{Client: "assistant", Resource: "https://orchestrator.example.test", At: now})
	if !fresh.Allowed || fresh.MayAct != "orchestrator-service" {
		t.Fatalf("%+v", fresh)
	}
	q := policy.Request{Client: "orchestrator-service", Resource: "https://data.example.test", At: now, Details: []string{"report"}, Parent: &policy.Parent{
		Audience: fresh.Audience, Client: "assistant", Subject: "assistant", MayAct: fresh.MayAct, Scope: fresh.Scope, Expires: now.Add(fresh.Lifetime),
	}}
	d := s.Rules().Decide(q)
	if !d.Allowed || d.Scope.String() != "read" || !slices.Equal(d.Actors, []narrowcast.Subject{"orchestrator-service"}) ||
		!d.SingleUse || !d.StatusList || d.Stale != (policy.Stale{After: 5 * time.Second, When: policy.Refuse}) {
		t.Errorf("%+v\n%s", d, d.Explain())
	}
	q.Client = "checkout"
	if d := s.Rules().Decide(q); d.Refusal != policy.InvalidGrant || !d.NotAddressee || !strings.Contains(d.Explain(), "resources.yaml:37") {
		t.Error(d.Explain())
	}
	gone := load(t, edit(t, delegated(t), "clients.yaml", "id: assistant", "disabled: true\n    id: assistant"))
	q.Client = "orchestrator-service"
	if d := gone.Rules().Decide(q); d.Refusal != policy.InvalidGrant {
		t.Error(d.Explain())
	}
}

func TestDefaultsOfRevocation(t *testing.T) {
	for _, c := range []struct {
		criticality, tokens string
		after               time.Duration
		when                policy.WhenStale
		delegation          int
	}{
		{"high", "", 10 * time.Second, policy.Refuse, 4},
		{"medium", "", time.Minute, policy.Refuse, 4},
		{"low", "", time.Minute, policy.Accept, 4},
		{"high", "tokens: {stale_after: 1h, delegation: 0}", time.Hour, policy.Refuse, 0},
		{"medium", "tokens: {when_stale: accept, delegation: 8}", time.Minute, policy.Accept, 8},
		{"low", "tokens: {when_stale: refuse, stale_after: 2s}", 2 * time.Second, policy.Refuse, 4},
	} {
		text := "resources:\n  - id: https://a.example.test\n    name: a\n    owner: o\n    environment: e\n    criticality: " + c.criticality + "\n    scopes: [r]\n    " + c.tokens + "\n"
		r, _ := load(t, one(text)).Named("a")
		if r.Stale != (policy.Stale{After: c.after, When: c.when}) || r.Delegation != c.delegation || r.SingleUse || r.StatusList {
			t.Errorf("%s %s: %+v", c.criticality, c.tokens, r)
		}
	}
}

func TestDiffOfExchange(t *testing.T) {
	base, changed := sampleFiles(t), delegated(t)
	moved := edit(t, changed, "resources.yaml", "client: orchestrator-service}]", "client: orchestrator-service}, {client: checkout}]",
		"may_act: orchestrator-service", "may_act: checkout", "stale_after: 5s", "stale_after: 5m, when_stale: accept", "delegation: 1", "delegation: 2")
	golden(t, "testdata/exchange.want",
		"== there\n"+registry.Lines(registry.Diff(house(t, base), house(t, changed)))+
			"== on\n"+registry.Lines(registry.Diff(house(t, changed), house(t, moved)))+
			"== and back\n"+registry.Lines(registry.Diff(house(t, moved), house(t, base))))
}

func TestWhoMayWhat(t *testing.T) {
	orch, pay := narrowcast.MustAudience("https://orchestrator.example.test"), narrowcast.MustAudience("https://pay.example.test")
	s := load(t, delegated(t))
	for client, want := range map[narrowcast.ClientID][2]bool{ // follow and introspect, report
		"orchestrator-service": {true, false}, "guard-orchestrator": {true, true},
		"guard-data": {}, "assistant": {}, "nobody": {}, "": {},
	} {
		if got := [2]bool{s.MayFollow(client, orch), s.MayReport(client, orch)}; got != want || s.MayIntrospect(client, orch) != want[0] {
			t.Errorf("%q: got %v, want %v", client, got, want)
		}
		if s.MayFollow(client, narrowcast.Audience{}) || s.MayIntrospect(client, pay) {
			t.Errorf("%q follows another door", client)
		}
	}
	if got := s.ServersOf(orch); !slices.Equal(got, []narrowcast.ClientID{"orchestrator-service"}) || s.ServersOf(pay) != nil {
		t.Error(got)
	}
	if got := s.Serves("orchestrator-service"); !slices.Equal(got, []narrowcast.Audience{orch}) || s.Serves("guard-orchestrator") != nil {
		t.Error(got)
	}
	if got := s.ClientsOf("team-agents"); !slices.Equal(got, []narrowcast.ClientID{"assistant", "guard-orchestrator", "orchestrator-service"}) || s.ClientsOf("nobody") != nil {
		t.Error(got)
	}
	fired := load(t, edit(t, delegated(t), "clients.yaml", "id: orchestrator-service", "disabled: true\n    id: orchestrator-service"))
	if fired.MayFollow("orchestrator-service", orch) || fired.MayIntrospect("orchestrator-service", orch) || fired.Serves("orchestrator-service") != nil {
		t.Error("a disabled server still is one")
	}
	if len(fired.ServersOf(orch)) != 1 {
		t.Error("what a disabled server exchanged would be forgotten")
	}
	closed := load(t, edit(t, delegated(t), "resources.yaml", "name: orchestrator\n", "name: orchestrator\n    disabled: true\n"))
	if !closed.MayFollow("guard-orchestrator", orch) || closed.MayIntrospect("guard-orchestrator", orch) {
		t.Error("a disabled resource: its guard must follow and must not introspect")
	}
}

func TestWhatADoorWants(t *testing.T) {
	data, pay, none := narrowcast.MustAudience("https://data.example.test"), narrowcast.MustAudience("https://pay.example.test"), narrowcast.MustAudience("urn:none")
	s := load(t, delegated(t))
	if !s.WantsStatus(data) || !s.SingleUse(data) || s.WantsStatus(pay) || s.SingleUse(pay) || s.WantsStatus(none) || s.SingleUse(none) {
		t.Error("status list or single use")
	}
	if !s.KnowsDetail(data, "report") || s.KnowsDetail(pay, "report") || !s.KnowsDetail(pay, policy.RequestDetail) || s.KnowsDetail(none, policy.RequestDetail) {
		t.Error("details")
	}
	if after, when := s.Stale(data); after != 5*time.Second || when != policy.Refuse {
		t.Error(after, when)
	}
	if after, when := s.Stale(none); after != 0 || when != policy.Refuse {
		t.Error(after, when)
	}
	r, _ := s.Named("orchestrator")
	r.Servers[0] = "mallory"
	if s.ServersOf(r.Audience)[0] == "mallory" {
		t.Error("a resource could be changed from outside")
	}
}

func TestDigestOfExchange(t *testing.T) {
	base := delegated(t)
	digest := load(t, base).Digest()
	for _, pair := range [][2]string{
		{"servers: [{client: orchestrator-service}]", "servers: [{client: orchestrator-service}, {client: checkout}]"},
		{"        may_act: orchestrator-service\n", ""},
		{"delegation: 1", "delegation: 2"}, {"single_use: true", "single_use: false"}, {"status_list: true", "status_list: false"},
		{"stale_after: 5s", "stale_after: 6s"}, {"stale_after: 5s", "stale_after: 5s, when_stale: accept"}, {"[report]", "[report, payment]"},
	} {
		if load(t, edit(t, base, "resources.yaml", pair[0], pair[1])).Digest() == digest {
			t.Errorf("%q instead of %q does not change the digest", pair[1], pair[0])
		}
	}
}

func TestHouseOfFeedAndTasks(t *testing.T) {
	s := house(t, delegated(t))
	key := policy.Shown{DPoP: true}
	for _, c := range []struct {
		client      narrowcast.ClientID
		door, scope string
		shown       policy.Shown
		allowed     bool
	}{
		{"guard-payments", "/feed", "follow", policy.Shown{}, true},
		{"orchestrator-service", "/feed", "follow", policy.Shown{}, true},
		{"assistant", "/feed", "follow", policy.Shown{}, false},
		{"guard-payments", "/uses", "use", policy.Shown{}, true},
		{"orchestrator-service", "/uses", "use", policy.Shown{}, false},
		{"assistant", "/tasks", "run", key, true},
		{"assistant", "/tasks", "run", policy.Shown{MTLS: true}, true},
		{"assistant", "/tasks", "run", policy.Shown{}, false},
		{"guard-payments", "/tasks", "run", key, false},
		{"admin", "/admin", "revoke", policy.Shown{}, true},
		{"assistant", "/admin", "revoke", policy.Shown{}, false},
	} {
		d := s.Rules().Decide(policy.Request{Client: c.client, Resource: issuer().String() + c.door, Scope: narrowcast.MustScope(c.scope), Shown: c.shown})
		if d.Allowed != c.allowed {
			t.Errorf("%s at %s: %s", c.client, c.door, d.Explain())
		}
	}
	for name, door := range map[string]func(narrowcast.Issuer) (narrowcast.Audience, error){
		"feed": registry.FeedDoor, "uses": registry.UsesDoor, "tasks": registry.TasksDoor, "events": registry.EventsDoor, "admin": registry.AdminDoor,
	} {
		a, err := door(issuer())
		r, ok := s.Resource(a)
		if err != nil || !ok || r.Name != "narrowcast-"+name || r.Delegation != 0 || !r.BuiltIn {
			t.Errorf("%s: %v %+v", name, err, r)
		}
	}
	for _, id := range []string{"https://issuer.example.test/feed", "https://issuer.example.test/uses/", "https://issuer.example.test/%74asks"} {
		if _, err := load(t, one("resources:\n"+door(id, "mine"))).WithHouse(issuer()); err == nil || !strings.Contains(err.Error(), "r.yaml:2") {
			t.Errorf("%s: %v", id, err)
		}
	}
}
