package registry_test

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/federation"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
	"github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

// federated is a registry with every kind of credential and of issuer.
func federated(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := registry.ReadDir("testdata/federation")
	if err != nil {
		t.Fatal(err)
	}
	files["keys/cluster.json"] = keySet("cluster")
	return files
}

func TestFederatedRegistry(t *testing.T) {
	s := load(t, federated(t))
	release, _ := s.Client("release")
	want := []federation.Claim{
		{Name: []string{"repository_id"}, AnyOf: []string{"123"}},
		{Name: []string{"ref"}, AnyOf: []string{"refs/heads/main", "refs/heads/next"}},
		{Name: []string{"event_name"}, AnyOf: []string{"push"}},
	}
	if c := release.Authenticate[0]; c.Kind != registry.Federated || c.Rule.Position != "registry.yaml:20" || !cmp.Equal(want, c.Rule.Claims) || c.Rule.AllowPullRequests {
		t.Errorf("%+v", c)
	}
	checkout, _ := s.Client("checkout")
	if c := checkout.Authenticate[0]; c.Kind != registry.SPIFFE || c.SPIFFE != "spiffe://corp.example/ns/shop/sa/checkout" {
		t.Errorf("%+v", c)
	}
	long, short := load(t, edit(t, federated(t), "registry.yaml", "ledger", "ledger")), checkout.Authenticate[1]
	if ledger, _ := long.Client("ledger"); short.Kind != registry.Federated || cmp.Diff(ledger.Authenticate[0].Rule.Claims[0], short.Rule.Claims[0]) != "" || len(short.Rule.Claims) != 3 {
		t.Errorf("the short form of a service account is another rule: %+v", short.Rule)
	}
	partner, _ := s.Client("partner")
	if c := partner.Authenticate[0].Certificate; len(c.Authorities) != 2 || c.SubjectDN != "CN=checkout,OU=shop,O=Example" {
		t.Errorf("%+v", c)
	}
	legacy, _ := s.Client("legacy")
	if c := legacy.Authenticate[0]; c.Kind != registry.SelfSignedTLS || len(c.Thumbprints) != 1 || len(c.Thumbprints[0]) != 43 {
		t.Errorf("%+v", c)
	}
	for id, check := range map[string]func(registry.Issuer) bool{
		"https://token.actions.example.test": func(i registry.Issuer) bool { return i.Discovery && i.OneTime && i.Profile == federation.GitHub },
		"https://gitlab.example.test":        func(i registry.Issuer) bool { return !i.Discovery && i.JWKSURL != "" && i.MaxAge == 30*time.Minute },
		"https://cluster.example.test":       func(i registry.Issuer) bool { return len(i.Keys) == 1 && i.TokenReview && !i.Discovery },
		"http://127.0.0.1:8080":              func(i registry.Issuer) bool { return i.Disabled },
		"spiffe://corp.example":              func(i registry.Issuer) bool { return len(i.Bundle.Document) > 0 && !i.Discovery },
		"spiffe://partner.example":           func(i registry.Issuer) bool { return i.Bundle.URL != "" && i.Bundle.EndpointID != "" },
		"spiffe://edge.example":              func(i registry.Issuer) bool { return i.Bundle.WorkloadAPI && !i.Bundle.IsZero() },
	} {
		i, ok := s.Issuer(narrowcast.MustIssuer(id))
		if !ok || !check(i) {
			t.Errorf("%s: %v %+v", id, ok, i)
		}
	}
	if _, ok := s.Issuer(narrowcast.Issuer{}); ok {
		t.Error("nobody is registered")
	}
}

// What is given out can be changed without changing the snapshot.
func TestFederatedSnapshotGivesOutCopies(t *testing.T) {
	s := load(t, federated(t))
	for _, c := range s.Clients() {
		for _, a := range c.Authenticate {
			for i := range a.Rule.Claims {
				a.Rule.Claims[i].Name[0], a.Rule.Claims[i].AnyOf[0] = "x", "x"
			}
			for i := range a.Thumbprints {
				a.Thumbprints[i] = "x"
			}
			for i := range a.Certificate.Authorities {
				a.Certificate.Authorities[i][0]++
			}
		}
	}
	for _, i := range s.Issuers() {
		if len(i.Bundle.Document) > 0 {
			i.Bundle.Document[0]++
		}
	}
	if diff := cmp.Diff(fmt.Sprint(load(t, federated(t)).Clients(), load(t, federated(t)).Issuers()), fmt.Sprint(s.Clients(), s.Issuers())); diff != "" {
		t.Error(diff)
	}
}

// federatedEdits are changes to the federated registry, and whether somebody
// gains by them.
func federatedEdits() map[string]struct {
	old, new string
	widens   bool
} {
	return map[string]struct {
		old, new string
		widens   bool
	}{
		"a branch more":          {"[refs/heads/main, refs/heads/next]", "[refs/heads/main, refs/heads/next, refs/heads/old]", true},
		"a branch less":          {"[refs/heads/main, refs/heads/next]", "refs/heads/next", false},
		"a claim more":           {"event_name: push}", "event_name: push, environment: prod}", false},
		"a claim less":           {", ref_type: branch", "", true},
		"another repository":     {"repository_id: \"123\", ref", "repository_id: \"124\", ref", true},
		"another subject":        {"{sub: ledger}", "{sub: books}", true},
		"a uid more":             {"name: ledger", "name: ledger, uid: 66666666-2222-3333-4444-555555555555", false},
		"a uid less":             {", uid: 77777777-2222-3333-4444-555555555555", "", true},
		"pull requests":          {"pipeline_source: push}", "pipeline_source: [push, merge_request_event]}\n          allow_pull_requests: true", true},
		"a SPIFFE ID":            {"sa/checkout", "sa/cart", true},
		"a name in certificates": {"san_dns: partner", "san_dns: party", true},
		"a thumbprint":           {"thumbprints: [A", "thumbprints: [B", true},
		"keys elsewhere":         {"/oauth/discovery/keys", "/keys", true},
		"discovery":              {", jwks_url: \"https://gitlab.example.test/oauth/discovery/keys\"", "", true},
		"older tokens":           {"max_age: 30m", "max_age: 31m", true},
		"younger tokens":         {"max_age: 30m", "max_age: 29m", false},
		"the default age":        {", max_age: 30m", "", true},
		"more than once":         {"    one_time: true\n", "", true},
		"no review":              {", token_review: true", "", true},
		"an issuer on":           {", disabled: true", "", true},
		"an issuer off":          {"workload_api: true", "workload_api: true, disabled: true", false},
		"another endpoint":       {"partner.example/spire/server", "partner.example/other", true},
		"another first bundle":   {"keys/partner.json", "keys/corp.json", true},
		"the Workload API":       {"workload_api: true", "bundle_url: \"https://edge.example.test\"", true},
	}
}

// A bundle endpoint with a SPIFFE ID needs a first bundle that vouches for it, and
// no other endpoint takes one.
func TestBundleEndpointNeedsAFirstBundle(t *testing.T) {
	base := federated(t)
	text := string(base["registry.yaml"])
	const file, id = ", bundle_file: keys/partner.json", `, endpoint_spiffe_id: "spiffe://partner.example/spire/server"`
	for what, c := range map[string]struct{ old, new, fault string }{
		"no first bundle":    {file, "", "needs bundle_file too"},
		"no SPIFFE ID":       {id, "", "must name one place of keys, names bundle_url and bundle_file"},
		"another domain":     {"spiffe://partner.example/spire", "spiffe://corp.example/spire", "must be of the trust domain itself"},
		"a domain like it":   {"spiffe://partner.example/spire", "spiffe://partner.example.test/spire", "must be of the trust domain itself"},
		"the Workload API":   {file, file + ", workload_api: true", "must name one place of keys"},
		"https_web, no file": {id + file, "", ""},
		"https_spiffe":       {"", "", ""},
	} {
		_, err := registry.Load(with(base, "registry.yaml", strings.Replace(text, c.old, c.new, 1)))
		if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestFederatedChangesAreTold(t *testing.T) {
	base := federated(t)
	before := load(t, base)
	for what, c := range federatedEdits() {
		after := load(t, edit(t, base, "registry.yaml", c.old, c.new))
		if after.Digest() == before.Digest() {
			t.Errorf("%s: the digest does not change", what)
		}
		changes, widens := registry.Diff(before, after), false
		for _, change := range changes {
			widens = widens || change.Widens
		}
		if len(changes) == 0 || widens != c.widens {
			t.Errorf("%s: widens %v, want %v:\n%s", what, widens, c.widens, registry.Lines(changes))
		}
	}
	for what, files := range map[string]map[string][]byte{
		"a key of an issuer": with(base, "keys/cluster.json", string(keySet("other"))),
		"a bundle":           with(base, "keys/corp.json", strings.Replace(string(base["keys/corp.json"]), "300", "301", 1)),
		"a certificate":      with(base, "tls/ca.pem", string(base["tls/ca.pem"][:strings.LastIndex(string(base["tls/ca.pem"]), "-----BEGIN")])),
	} {
		after := load(t, files)
		if after.Digest() == before.Digest() || len(registry.Diff(before, after)) == 0 {
			t.Errorf("%s: is not told", what)
		}
	}
	golden(t, "testdata/federation.want", registry.Lines(registry.Diff(nil, before)))
}

// Our own identifier, or one too like it, is no foreign issuer.
func TestForeignIssuersAreForeign(t *testing.T) {
	for id, ok := range map[string]bool{
		"https://issuer.example.test": false, "https://issuer.example.test/": false, "https://issuer.example.test/%": false,
		"https://issuer.example.test/other": true, "https://other.example.test": true,
	} {
		s, err := registry.Load(map[string][]byte{"a.yaml": []byte("issuers: [{id: \"" + id + "\", profile: oidc}]")})
		if err == nil {
			_, err = s.WithHouse(issuer())
		}
		if (err == nil) != ok {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// The federated client in the comment of the sample can be used as it stands.
func TestSampleCommentLoads(t *testing.T) {
	files := sampleFiles(t)
	text := string(files["clients.yaml"])
	begin := strings.Index(text, "  # - id: release")
	uncommented := regexp.MustCompile(`(?m)^( *)# `).ReplaceAllString(text[begin:], "$1")
	files = with(files, "clients.yaml", text[:begin]+uncommented)
	s := load(t, files)
	if c, ok := s.Client("release"); !ok || c.Authenticate[0].Kind != registry.Federated || len(s.Issuers()) != 1 {
		t.Errorf("%+v", c)
	}
	narrow := edit(t, files, "clients.yaml", "repository_id: \"1296269\"", "repository: octo/shop")
	if _, err := registry.Load(narrow); err == nil || !strings.Contains(err.Error(), "create again") {
		t.Error(err)
	}
}

func TestPrivateKeysAreNotShown(t *testing.T) {
	const inside = "c2VjcmV0"
	for _, begin := range []string{"PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY"} {
		pem := "-----BEGIN " + begin + "-----\n" + inside + "\n-----END " + begin + "-----\n"
		_, err := registry.Load(with(federated(t), "tls/unused.pem", pem))
		if err == nil || !strings.Contains(err.Error(), "tls/unused.pem: holds a PRIVATE KEY") || strings.Contains(err.Error(), inside) {
			t.Errorf("%s: %v", begin, err)
		}
	}
}

// Many rules of one issuer are compared in bounded time, and the two that
// overlap are found.
func TestManyRules(t *testing.T) {
	var text strings.Builder
	text.WriteString("issuers: [{id: \"https://ci.example.test\", profile: github}]\nclients:\n")
	const n = 5000
	for i := range n {
		id := i
		if i == n-1 {
			id = 7
		}
		fmt.Fprintf(&text, " - {id: c%d, owner: o, kind: job, authenticate: [{token: {issuer: \"https://ci.example.test\", claims: {repository_id: \"%d\", ref: x, event_name: push}}}]}\n", i, id+1)
	}
	_, err := registry.Load(map[string][]byte{"a.yaml": []byte(text.String())})
	var faults strictyaml.Faults
	if !errors.As(err, &faults) || len(faults) != 1 || !strings.Contains(faults[0].Message, "client c7 at") {
		t.Error(err)
	}
}

func FuzzFederated(f *testing.F) {
	files := federated(f)
	f.Add(string(files["registry.yaml"]), string(files["tls/ca.pem"]), string(files["keys/corp.json"]))
	f.Add("issuers: [{id: spiffe://a, profile: spiffe, workload_api: true}]\nclients: [{id: c, owner: o, kind: job, authenticate: [{spiffe: spiffe://a/b}]}]", "", "{}")
	f.Fuzz(func(t *testing.T, text, pem, bundle string) {
		all := maps.Clone(files)
		all["registry.yaml"], all["tls/ca.pem"], all["keys/corp.json"] = []byte(text), []byte(pem), []byte(bundle)
		s, err := registry.Load(all)
		if err != nil {
			return
		}
		for _, c := range s.Clients() {
			for _, a := range c.Authenticate {
				i, known := s.Issuer(a.Rule.Issuer)
				if a.Kind == registry.Federated && (!known || federation.Check(i.Profile, a.Rule) != nil) {
					t.Fatalf("%+v", a.Rule)
				}
			}
		}
		if again, err := registry.Load(all); err != nil || again.Digest() != s.Digest() {
			t.Fatal("read twice, it says two things", err)
		}
	})
}
