package settings_test

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/settings"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

func issuer(name string) error { _, err := settings.LoadIssuer(name); return err }
func guard(name string) error  { _, err := settings.LoadGuard(name); return err }

// TestFaults reads every testdata/*/bad-*.yaml and compares the report with the
// .want file beside it.
func TestFaults(t *testing.T) {
	for kind, load := range map[string]func(string) error{"issuer": issuer, "guard": guard} {
		files, err := filepath.Glob("testdata/" + kind + "/bad-*.yaml")
		if err != nil || len(files) == 0 {
			t.Fatal("no test data", err)
		}
		for _, file := range files {
			t.Run(kind+"/"+filepath.Base(file), func(t *testing.T) {
				err := load(file)
				if err == nil {
					t.Fatal("accepted")
				}
				golden(t, strings.TrimSuffix(file, ".yaml")+".want", err.Error()+"\n")
			})
		}
	}
}

func endOf2026() time.Time { return time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC) }

func TestIssuer(t *testing.T) {
	s, err := settings.LoadIssuer("testdata/issuer/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := settings.Issuer{
		Issuer: narrowcast.MustIssuer("https://issuer.example.test"), Tenant: "acme",
		Listen: "0.0.0.0:8480", Operations: "127.0.0.1:9000",
		TLS:      settings.TLS{CertificateFile: "testdata/issuer/tls/cert.pem", KeyFile: "/etc/narrowcast/key.pem"},
		Database: "testdata/issuer/narrowcast.db", Registry: "testdata/issuer/registry", MasterKeyFile: "testdata/issuer/master.key",
		Algorithm: narrowcast.Ed25519, RotateEvery: 24 * time.Hour, PublishAhead: 10 * time.Minute, Skew: 2 * time.Second, Drain: 30 * time.Second,
		Postgres: settings.Postgres{Schema: "narrowcast", Connections: 4}, Tenants: "testdata/issuer/tenants",
		Quotas: settings.Quotas{RequestsPerSecond: 500, MintsPerSecond: 100, EventsPerSecond: 1000, Concurrent: 32},
		Signer: settings.Signer{Command: []string{"/usr/bin/narrowcast-signer-pkcs11", "--token", "narrowcast"}, Timeout: time.Second},

		ClientCertificates: true,
		DPoP:               settings.IssuerDPoP{Offered: true, Nonces: true, Window: 30 * time.Second, Memory: 5000},
		Trust: []settings.Trust{
			{Issuer: narrowcast.MustIssuer("spiffe://corp.example"), WorkloadAPI: "/run/spire/agent.sock"},
			{Issuer: narrowcast.MustIssuer("https://cluster.example.test"), CAFile: "testdata/issuer/cluster-ca.pem", TokenReview: settings.TokenReview{
				URL: "https://10.0.0.1:6443", CAFile: "testdata/issuer/cluster-ca.pem", TokenFile: "/var/run/token"}},
		},
		Tasks:             settings.Tasks{Lease: 5 * time.Second, MaxLife: 2 * time.Hour, PerClient: 50},
		StatusLists:       settings.StatusLists{TTL: 10 * time.Second, Places: 2048, Export: "testdata/issuer/lists"},
		TransactionTokens: settings.TransactionTokens{TrustDomain: narrowcast.MustAudience("https://trust.example.test"), TTL: 30 * time.Second},
	}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("got %+v\nwant %+v", s, want)
	}
	s, err = settings.LoadIssuer("testdata/issuer/least.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if s.Listen != "127.0.0.1:8480" || s.Operations != "127.0.0.1:8481" || s.Algorithm != narrowcast.ES256 || s.PublishAhead != time.Hour ||
		s.Skew != 5*time.Second || s.Tasks != (settings.Tasks{Lease: 10 * time.Second, MaxLife: 24 * time.Hour, PerClient: 1000}) {
		t.Errorf("defaults: %+v", s)
	}
}

func TestGuard(t *testing.T) {
	g, err := settings.LoadGuard("testdata/guard/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case g.Name != "guard-payments", g.Audience.String() != "https://pay.example.test", len(g.Issuers) != 2, len(g.Algorithms) != 2:
		t.Errorf("%+v", g)
	case g.Issuers[0].JWKSURL != "https://issuer.example.test/jwks", g.Issuers[0].Class != narrowcast.AccessToken:
		t.Errorf("%+v", g.Issuers[0])
	case g.Issuers[1].JWKSFile != "testdata/guard/keys/old.json", g.Issuers[1].Class != narrowcast.DangerouslyUntyped:
		t.Errorf("%+v", g.Issuers[1])
	case g.Observe != settings.Exception{Owner: "team-payments", Until: endOf2026()}:
		t.Errorf("%+v", g.Observe)
	case g.Upstream.String() != "http://10.1.2.3:9000/base", g.PassClaims["sub"] != "X-Subject", g.PassClaims["client_id"] != "X-Client":
		t.Errorf("%v %v", g.Upstream, g.PassClaims)
	case g.Events != settings.Events{CredentialFile: "testdata/guard/guard.json", Spool: "testdata/guard/spool"}:
		t.Errorf("%+v", g.Events)
	case g.Feed != settings.Feed{File: "testdata/guard/feed.state", StaleAfter: 5 * time.Second, WhenStale: settings.StaleAccept}:
		t.Errorf("%+v", g.Feed)
	case g.SingleUse != settings.SingleUse{Replicas: 2, Shared: true}, g.MaxContent != 4096:
		t.Errorf("%+v %d", g.SingleUse, g.MaxContent)
	}
	g, err = settings.LoadGuard("testdata/guard/least.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if g.Observe != (settings.Exception{}) || g.Skew != 5*time.Second || g.MaxLifetime != time.Hour || g.CacheFor != time.Minute || g.Cache != 0 ||
		g.ForwardAuth != settings.XForwarded || g.Upstream != nil || g.Events.File != "testdata/guard/events.ndjson" {
		t.Errorf("defaults: %+v", g)
	}
}

// TestGuardSender: what a guard demands of those who show tokens.
func TestGuardSender(t *testing.T) {
	g, err := settings.LoadGuard("testdata/guard/sender.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dpop := settings.GuardDPoP{
		Origin: "https://edge.example.test:8443", Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, Nonces: true,
		NonceSecretFile: "testdata/guard/nonce.secret", Window: 30 * time.Second, Memory: 100_000,
	}
	if diff := cmp.Diff(dpop, g.DPoP); diff != "" || g.Sender != settings.SenderRequired || g.Clients != (settings.Clients{Ask: true, CAFile: "testdata/guard/ca.pem"}) {
		t.Errorf("%s %+v\n%s", g.Sender, g.Clients, diff)
	}
	if h := g.CertificateHeader; h.Dialect != settings.ClientCert || len(h.From) != 2 || h.From[0].String() != "10.1.0.0/16" || h.From[1].String() != "2001:db8::1/128" {
		t.Errorf("%+v", h)
	}
	g, err = settings.LoadGuard("testdata/guard/least.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if g.Sender != settings.SenderBearer || g.DPoP.Window != time.Minute || g.DPoP.Memory != 1<<18 || g.Clients.Ask || g.CertificateHeader.Dialect != "" {
		t.Errorf("defaults: %+v", g)
	}
}

func TestExceptionsEndByThemselves(t *testing.T) {
	e := settings.Exception{Owner: "team-payments", Until: endOf2026()}
	if !e.Holds(endOf2026().Add(-time.Second)) || e.Holds(endOf2026()) {
		t.Error("the end is wrong")
	}
	if (settings.Exception{}).Holds(time.Time{}) || (settings.Exception{Until: endOf2026()}).Holds(time.Time{}) {
		t.Error("an exception without an owner holds")
	}
}

func TestScopeFor(t *testing.T) {
	g, err := settings.LoadGuard("testdata/guard/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ method, path, want string }{
		{"POST", "/charges", "charge"},
		{"POST", "/charges/7", "charge"},
		{"GET", "/charges/7", "read"},
		{"POST", "/charges/refunds", "charge refund"},
		{"GET", "/charges/refunds/7", "charge refund"},
		{"GET", "/chargesx", "admin"},
		{"GET", "/", "admin"},
		{"GET", "", "admin"},
		{"OPTIONS", "*", "admin"},
		{"GET", "/open/door", ""},
		{"GET", "/opened", "admin"},
	} {
		if got := g.ScopeFor(c.method, c.path); got.String() != c.want {
			t.Errorf("%s %s needs %q, want %q", c.method, c.path, got, c.want)
		}
	}
}

// Every option says what it is, when a change counts and whom it trusts.
func TestEveryOptionIsDocumented(t *testing.T) {
	for kind, options := range map[string][]settings.Option{"issuer": settings.IssuerOptions(), "guard": settings.GuardOptions()} {
		for _, o := range options {
			if o.Text == "" || o.Gain == "" || o.Reload == "" || !strings.HasSuffix(o.Text, ".") || !strings.HasSuffix(o.Gain, ".") {
				t.Errorf("%s %s: %+v", kind, o.Key, o)
			}
			if o.Required && o.Default != "" {
				t.Errorf("%s %s is required and has a default", kind, o.Key)
			}
		}
		golden(t, "testdata/"+kind+"/help.want", settings.Help(options))
	}
}

func TestMissingAndLargeFiles(t *testing.T) {
	if err := guard("testdata/nowhere.yaml"); err == nil {
		t.Error("a missing file was read")
	}
	large := filepath.Join(t.TempDir(), "large.yaml")
	if err := os.WriteFile(large, []byte("name: "+strings.Repeat("x", 2<<20)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := guard(large); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Error(err)
	}
}

func FuzzGuard(f *testing.F) {
	for _, name := range []string{"full", "least", "sender", "foreign", "bad-rest", "bad-sender", "bad-profiles"} {
		text, err := os.ReadFile("testdata/guard/" + name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		g, err := settings.ParseGuard("guard.yaml", []byte(text))
		if err != nil {
			return
		}
		if g.Audience.IsZero() || len(g.Issuers) == 0 || len(g.Algorithms) == 0 || g.Events == (settings.Events{}) || (g.Upstream == nil) == (g.ForwardAuth == "") {
			t.Fatalf("accepted %+v", g)
		}
		for _, issuer := range g.Issuers {
			if issuer.ID.IsZero() || (issuer.JWKSURL == "") == (issuer.JWKSFile == "") {
				t.Fatalf("accepted %+v", issuer)
			}
		}
	})
}
