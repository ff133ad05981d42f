package registry_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
)

func edit(t *testing.T, files map[string][]byte, name string, pairs ...string) map[string][]byte {
	t.Helper()
	text := string(files[name])
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("%s has no %q", name, pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	edited := maps.Clone(files)
	edited[name] = []byte(text)
	return edited
}

func house(t *testing.T, files map[string][]byte) *registry.Snapshot {
	t.Helper()
	s, err := load(t, files).WithHouse(issuer())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDiff(t *testing.T) {
	base := sampleFiles(t)
	changed := edit(t, base, "resources.yaml",
		"scopes: [charge]               # granted: charge, and not refund", "scopes: [refund]",
		"max_ttl: 10m", "max_ttl: 30m",
		"owner: team-payments", "owner: team-money",
		"name: profiles\n", "name: profiles\n    disabled: true\n",
		"criticality: low", "criticality: high",
		"- client: guard-data", "- client: guard-profiles",
	)
	changed = edit(t, changed, "clients.yaml", "kind: agent", "kind: admin", "id: checkout\n", "id: checkout\n    disabled: false\n")
	changed["keys/checkout.json"] = keySet("checkout-new")
	changed["more.yaml"] = []byte(`
resources:
  - id: https://ledger.example.test
    name: ledger
    owner: team-ledger
    environment: prod
    criticality: medium
    scopes: [read]
    callers: [{client: checkout, scopes: [read]}]
    aliases: [{name: "https://books.example.test", until: 2027-03-31}]
issuers:
  - {id: "https://token.example.test", profile: github}
`)
	forth := registry.Diff(house(t, base), house(t, changed))
	back := registry.Diff(house(t, changed), house(t, base))
	golden(t, "testdata/diff.want", "== there\n"+registry.Lines(forth)+"== and back\n"+registry.Lines(back))
	text, err := registry.JSON(forth)
	if err != nil {
		t.Fatal(err)
	}
	var read []registry.Change
	if err := json.Unmarshal(text, &read); err != nil || len(read) != len(forth) || read[0] != forth[0] {
		t.Error(err, string(text))
	}
}

func TestDiffOfNothing(t *testing.T) {
	s := load(t, sampleFiles(t))
	if got := registry.Diff(s, load(t, sampleFiles(t))); got != nil {
		t.Error(registry.Lines(got))
	}
	if got := registry.Lines(nil); got != "no change\n" {
		t.Error(got)
	}
	if text, _ := registry.JSON(nil); string(text) != "[]" {
		t.Error(string(text))
	}
	gained := 0
	for _, c := range registry.Diff(nil, s) {
		if c.Kind == registry.ReachGained {
			gained++
		}
	}
	if gained != 4 {
		t.Errorf("a first registry shows %d edges gained, want 4", gained)
	}
	for _, c := range registry.Diff(s, nil) {
		if c.Widens {
			t.Errorf("taking everything away widens: %s", c)
		}
	}
}

// Whatever policy allows after a change and did not before is told as a gain.
func TestNothingGainedGoesUntold(t *testing.T) {
	base := sampleFiles(t)
	before := load(t, edit(t, base, "resources.yaml", "name: payments", "disabled: true\n    name: payments"))
	after := load(t, base)
	told := map[string]bool{}
	for _, c := range registry.Diff(before, after) {
		told[c.Client+" "+c.Door] = told[c.Client+" "+c.Door] || c.Kind == registry.ReachGained
	}
	for _, c := range after.Clients() {
		for _, r := range after.Resources() {
			q := policy.Request{Client: c.ID, Resource: r.Audience.String()}
			if after.Rules().Decide(q).Allowed && !before.Rules().Decide(q).Allowed && !told[string(c.ID)+" "+r.Audience.String()] {
				t.Errorf("%s gained %s", c.ID, r.Audience)
			}
		}
	}
	if !told["checkout https://pay.example.test"] {
		t.Error("enabling a door was not told as reach")
	}
}

func TestHouse(t *testing.T) {
	plain := load(t, sampleFiles(t))
	s := house(t, sampleFiles(t))
	if s.Digest() != plain.Digest() {
		t.Error("the issuer's own doors changed the digest")
	}
	for _, c := range []struct {
		client  narrowcast.ClientID
		door    string
		allowed bool
	}{
		{"guard-payments", "/events", true},
		{"checkout", "/events", false},
		{"admin", "/events", false},
		{"admin", "/admin", true},
		{"guard-payments", "/admin", false},
	} {
		d := s.Rules().Decide(policy.Request{Client: c.client, Resource: issuer().String() + c.door})
		if d.Allowed != c.allowed {
			t.Errorf("%s at %s: %s", c.client, c.door, d.Explain())
		}
	}
	if _, ok := plain.Named("narrowcast-admin"); ok {
		t.Error("the doors are there without WithHouse")
	}
	if _, err := s.WithHouse(issuer()); err == nil {
		t.Error("the doors were added twice")
	}
	for _, id := range []string{"https://issuer.example.test/admin", "https://issuer.example.test/events/", "https://issuer.example.test/%65vents"} {
		taken := load(t, one("resources:\n"+door(id, "mine")))
		if _, err := taken.WithHouse(issuer()); err == nil || !strings.Contains(err.Error(), "r.yaml:2") {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestDigest(t *testing.T) {
	base := sampleFiles(t)
	digest := load(t, base).Digest()
	if len(digest) != 64 {
		t.Fatal(digest)
	}
	same := map[string]map[string][]byte{
		"a comment":    edit(t, base, "resources.yaml", "resources:\n", "# more\nresources:\n"),
		"another file": with(with(base, "resources.yaml", "resources: []\n"), "z.yaml", string(base["resources.yaml"])),
	}
	for what, files := range same {
		if load(t, files).Digest() != digest {
			t.Errorf("%s changes the digest", what)
		}
	}
	other := map[string]map[string][]byte{
		"a scope":       edit(t, base, "resources.yaml", "scopes: [charge, refund]", "scopes: [charge, refund, void]"),
		"a key":         with(base, "keys/checkout.json", string(keySet("other"))),
		"a verifier":    edit(t, base, "resources.yaml", "client: guard-data", "client: guard-payments"),
		"a disabled":    edit(t, base, "clients.yaml", "kind: agent", "kind: agent\n    disabled: true"),
		"an alias":      edit(t, base, "resources.yaml", "name: data", "name: data\n    aliases: [{name: x, until: 2027-01-01}]"),
		"a criticality": edit(t, base, "resources.yaml", "criticality: low", "criticality: medium"),
	}
	for what, files := range other {
		if load(t, files).Digest() == digest {
			t.Errorf("%s does not change the digest", what)
		}
	}
}

func TestSnapshotGivesOutCopies(t *testing.T) {
	s := load(t, sampleFiles(t))
	all := s.Resources()
	all[0].Callers[0].Client, all[0].Data[0] = "mallory", "x"
	clients := s.Clients()
	clients[0].Authenticate[0].Keys[0] = narrowcast.Key{}
	if r := s.Resources()[0]; r.Callers[0].Client == "mallory" || r.Data[0] == "x" {
		t.Error("a resource could be changed from outside")
	}
	if s.Clients()[0].Authenticate[0].Keys[0].ID() == "" {
		t.Error("a client could be changed from outside")
	}
}

func TestResolve(t *testing.T) {
	s := load(t, sampleFiles(t))
	for text, name := range map[string]string{
		"payments": "payments", "https://pay.example.test": "payments", "https://pay.example.test/": "payments",
		"https://pay.example.test/a": "", "Payments": "", "": "", "checkout": "",
	} {
		r, ok := s.Resolve(text)
		if r.Name != name || ok != (name != "") {
			t.Errorf("%q: %q %v", text, r.Name, ok)
		}
	}
	var zero registry.Snapshot
	if _, ok := zero.Resolve("payments"); ok || zero.Rules().Decide(policy.Request{Client: "a", Resource: "b"}).Allowed {
		t.Error("the zero snapshot knows something")
	}
}

func TestDisabledClientReachesNothing(t *testing.T) {
	files := edit(t, sampleFiles(t), "clients.yaml", "id: checkout", "disabled: true\n    id: checkout")
	if reach := load(t, files).Rules().Reach("checkout"); reach != nil {
		t.Error(reach)
	}
}

func TestMayReport(t *testing.T) {
	pay := narrowcast.MustAudience("https://pay.example.test")
	s := load(t, sampleFiles(t))
	for client, may := range map[narrowcast.ClientID]bool{"guard-payments": true, "guard-profiles": false, "checkout": false, "": false} {
		if s.MayReport(client, pay) != may {
			t.Errorf("%q may report: %v", client, !may)
		}
	}
	if s.MayReport("guard-payments", narrowcast.Audience{}) || s.MayReport("guard-payments", narrowcast.MustAudience("https://crm.example.test")) {
		t.Error("a guard reports for another door")
	}
	disabled := load(t, edit(t, sampleFiles(t), "clients.yaml", "id: guard-payments", "disabled: true\n    id: guard-payments"))
	if disabled.MayReport("guard-payments", pay) {
		t.Error("a disabled guard reports")
	}
}
