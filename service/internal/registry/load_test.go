package registry_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
)

func TestSampleLoads(t *testing.T) {
	s := load(t, sampleFiles(t))
	if len(s.Resources()) != 4 || len(s.Clients()) != len(registry.SampleClients()) {
		t.Fatal(s)
	}
	pay, ok := s.Named("payments")
	if !ok || pay.Owner != "team-payments" || pay.TTL != 5*time.Minute || pay.MaxTTL != 10*time.Minute || pay.Position != "resources.yaml:10" {
		t.Errorf("%+v", pay)
	}
	checkout, ok := s.Client("checkout")
	if !ok || len(checkout.Authenticate) != 1 || checkout.Authenticate[0].Keys[0].ID() != "checkout-1" {
		t.Errorf("%+v", checkout)
	}
	d := s.Rules().Decide(policy.Request{Client: "checkout", Resource: "https://pay.example.test/"})
	if !d.Allowed || d.Scope.String() != "charge" || !strings.Contains(d.Explain(), "resources.yaml:19") {
		t.Error(d.Explain())
	}
	if d := s.Rules().Decide(policy.Request{Client: "assistant", Resource: "https://data.example.test"}); d.Allowed || !d.Edge {
		t.Error(d.Explain())
	}
}

func TestSampleNamesWhatIsMissing(t *testing.T) {
	_, err := registry.Sample(narrowcast.Issuer{}, nil)
	if err == nil || !strings.Contains(err.Error(), "an issuer is required") || !strings.Contains(err.Error(), "client guard-data") {
		t.Error(err)
	}
}

// TestFaults reads every directory of testdata/faults and compares the report
// with the .want file beside it.
func TestFaults(t *testing.T) {
	wants, err := filepath.Glob("testdata/faults/*.want")
	if err != nil || len(wants) == 0 {
		t.Fatal("no test data", err)
	}
	for _, want := range wants {
		dir := strings.TrimSuffix(want, ".want")
		t.Run(filepath.Base(dir), func(t *testing.T) {
			files, err := registry.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			_, err = registry.Load(files)
			if err == nil {
				t.Fatal("accepted")
			}
			golden(t, want, err.Error()+"\n")
		})
	}
}

func TestRegisteredIdentifiers(t *testing.T) {
	for id, ok := range map[string]bool{
		"https://pay.example.test":         true,
		"https://pay.example.test/a":       true,
		"https://pay.example.test:8443":    true,
		"http://127.0.0.1:8080":            true,
		"http://[::1]:8080/a":              true,
		"http://localhost":                 true,
		"urn:example:pay":                  true,
		"api://pay":                        true,
		"http://pay.example.test":          false,
		"http://127.0.0.1.example.test":    false,
		"https://PAY.example.test":         false,
		"https://pay.example.test:443":     false,
		"https://pay.example.test?x=1":     false,
		"https://pay.example.test#x":       false,
		"urn:example:pay#x":                false,
		"https://u@pay.example.test":       false,
		"https://*.example.test":           false,
		"https://pay.example.test/a b":     false,
		"https://pay.example.test/../a":    false,
		"pay.example.test":                 false,
		"payments":                         false,
		"/pay":                             false,
		"https://":                         false,
		"https://pay.example.test/\u00e9":  false,
		"HTTPS://pay.example.test":         false,
		"https://pay.example.test/%2e%2e/": false,
	} {
		_, err := registry.Load(one("resources:\n" + door(id, "pay")))
		if (err == nil) != ok {
			t.Errorf("%s: accepted %v, want %v: %v", id, err == nil, ok, err)
		}
	}
}

// Two spellings of one address are never two resources (RFC 8707, house rule).
func TestTooAlike(t *testing.T) {
	for _, c := range []struct {
		a, b  string
		alike bool
	}{
		{"https://h.example.test/a", "https://h.example.test/a/", true},
		{"https://h.example.test", "https://h.example.test/", true},
		{"https://h.example.test/a", "https://h.example.test/%61", true},
		{"https://h.example.test/a", "https://h.example.test/%61/", true},
		{"https://h.example.test/a%2Fb", "https://h.example.test/a%2fb", true},
		{"api://Pay", "api://pay", true},
		{"urn:example:a", "urn:example:%61", true},
		{"https://h.example.test/a", "https://h.example.test/b", false},
		{"https://h.example.test/a", "https://h.example.test/A", false},
		{"https://h.example.test", "https://h.example.test:8443", false},
		{"https://h.example.test", "https://i.example.test", false},
		{"http://localhost:81", "https://localhost:81", false},
	} {
		_, err := registry.Load(one("resources:\n" + door(c.a, "a") + door(c.b, "b")))
		if (err != nil) != c.alike {
			t.Errorf("%s and %s: %v", c.a, c.b, err)
		}
		if err != nil && strings.Count(err.Error(), "r.yaml:") != 2 {
			t.Errorf("both places must be named: %v", err)
		}
	}
}

func TestLifetimes(t *testing.T) {
	for _, c := range []struct {
		criticality, tokens string
		ttl, max            time.Duration // 0: refused
	}{
		{"low", "", 5 * time.Minute, 10 * time.Minute},
		{"low", "tokens: {max_ttl: 2m}", 2 * time.Minute, 2 * time.Minute},
		{"low", "tokens: {ttl: 1h, max_ttl: 1h}", time.Hour, time.Hour},
		{"high", "tokens: {ttl: 15m, max_ttl: 15m}", 15 * time.Minute, 15 * time.Minute},
		{"high", "tokens: {max_ttl: 16m}", 0, 0},
		{"low", "tokens: {max_ttl: 61m}", 0, 0},
		{"low", "tokens: {ttl: 11m}", 0, 0},
		{"low", "tokens: {ttl: 0s}", 0, 0},
		{"low", "tokens: {ttl: -5m}", 0, 0},
		{"low", "tokens: {ttl: 300}", 0, 0},
	} {
		s, err := registry.Load(one("resources:\n  - {id: https://a.example.test, name: a, owner: o, environment: e, criticality: " + c.criticality + ", scopes: [r]}\n"))
		if err != nil {
			t.Fatal(s, err)
		}
		text := "resources:\n  - id: https://a.example.test\n    name: a\n    owner: o\n    environment: e\n    criticality: " + c.criticality + "\n    scopes: [r]\n"
		if c.tokens != "" {
			text += "    " + c.tokens + "\n"
		}
		s, err = registry.Load(one(text))
		if c.max == 0 {
			if err == nil {
				t.Errorf("%s %s: accepted", c.criticality, c.tokens)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s %s: %v", c.criticality, c.tokens, err)
			continue
		}
		if a, _ := s.Named("a"); a.TTL != c.ttl || a.MaxTTL != c.max || (a.Binding.Sender == policy.Required) != (c.criticality == "high") {
			t.Errorf("%s %s: %+v", c.criticality, c.tokens, a)
		}
	}
}

func TestSecretsAndKeysAreNotShown(t *testing.T) {
	const secret = "correct-horse"
	credential := func(text string) map[string][]byte {
		return map[string][]byte{"c.yaml": []byte("clients:\n  - id: checkout\n    owner: o\n    kind: job\n    authenticate:\n      - " + text + "\n"), "keys/k.json": []byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":"AAAA","d":"` + secret + `"}]}`), "keys/bad.json": []byte(`{"keys":[{"d":"` + secret + `"`)}
	}
	for _, text := range []string{
		"client_secret_basic: " + secret,
		"client_secret_basic: {argon2id: " + secret + "}",
		"client_secret_basic: {argon2id: 1, secret: " + secret + "}",
		"client_secret_post: " + secret,
		"{client_secret: " + secret + "}",
		secret,
		"private_key_jwt: {jwks: {keys: [{kty: OKP, kid: a, d: " + secret + "}]}}",
		"private_key_jwt: {jwks_file: keys/k.json}",
		"private_key_jwt: {jwks_file: keys/bad.json}",
		"private_key_jwt: {jwks: {keys: [{kty: oct, kid: a, k: " + secret + "}]}}",
	} {
		_, err := registry.Load(credential(text))
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestArgon2id(t *testing.T) {
	const salt, sum = "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for hash, ok := range map[string]bool{
		"$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + sum:         true,
		"$argon2id$v=19$m=65536,t=3,p=4$" + salt + "$" + sum:         true,
		"$argon2id$v=19$m=8192,t=2,p=1$" + salt + "$" + sum:          false,
		"$argon2id$v=19$m=19456,t=1,p=1$" + salt + "$" + sum:         false,
		"$argon2id$v=19$m=1048576,t=2,p=1$" + salt + "$" + sum:       false,
		"$argon2id$v=19$m=19456,t=99,p=1$" + salt + "$" + sum:        false,
		"$argon2id$v=19$m=19456,t=2,p=0$" + salt + "$" + sum:         false,
		"$argon2i$v=19$m=19456,t=2,p=1$" + salt + "$" + sum:          false,
		"$argon2id$v=16$m=19456,t=2,p=1$" + salt + "$" + sum:         false,
		"$argon2id$v=19$m=19456,t=2,p=1$AAAA$" + sum:                 false,
		"$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$AAAA":           false,
		"$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + sum + "=":   false,
		"$argon2id$v=19$m=19456,t=2,p=1,x=1$" + salt + "$" + sum:     false,
		"$argon2id$v=19$m=019456,t=2,p=1$" + salt + "$" + sum:        false,
		"$2b$12$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyz123": false,
	} {
		_, err := registry.Load(map[string][]byte{"c.yaml": []byte("clients: [{id: c, owner: o, kind: job, authenticate: [{client_secret_basic: {argon2id: \"" + hash + "\"}}]}]")})
		if (err == nil) != ok {
			t.Errorf("%s: %v", hash, err)
		}
	}
}

func TestKeyForms(t *testing.T) {
	const p256 = `kty: EC, crv: P-256, x: f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU, y: x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0`
	for keys, ok := range map[string]bool{
		"{" + p256 + ", kid: a}":                              true,
		"{" + p256 + ", kid: a, alg: ES256, use: sig}":        true,
		"{" + p256 + ", kid: a, alg: ES384}":                  false,
		"{" + p256 + ", kid: a, use: enc}":                    false,
		"{" + p256 + "}":                                      false,
		"{" + p256 + ", kid: a}, {" + p256 + ", kid: b}":      false,
		"{kty: EC, crv: P-256, x: AAAA, y: AAAA, kid: a}":     false,
		"{kty: EC, crv: secp256k1, x: AAAA, y: A, kid: a}":    false,
		"{kty: RSA, n: AAAA, e: AQAB, kid: a, alg: RS256}":    false,
		"{kty: RSA, n: AAAA, e: AQAB, kid: a}":                false,
		"{kty: OKP, crv: Ed25519, x: AAAA, kid: a}":           false,
		"{" + p256 + ", kid: a, jku: https://evil.test/keys}": false,
		"{" + p256 + ", kid: a, nbf: 20, exp: 10}":            false,
		"{" + p256 + ", kid: a, nbf: 1700000000}":             true,
		"": false,
	} {
		_, err := registry.Load(map[string][]byte{"c.yaml": []byte("clients: [{id: c, owner: o, kind: job, authenticate: [{private_key_jwt: {jwks: {keys: [" + keys + "]}}}]}]")})
		if (err == nil) != ok {
			t.Errorf("%s: %v", keys, err)
		}
	}
}

func TestReadDir(t *testing.T) {
	outside := t.TempDir()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(dir, "a.yaml"), "a")
	write(filepath.Join(dir, "keys/a.json"), "k")
	write(filepath.Join(dir, ".git/x.yaml"), "hidden")
	write(filepath.Join(dir, "README.md"), "not ours")
	write(filepath.Join(outside, "stolen.yaml"), "outside")
	files, err := registry.ReadDir(dir)
	if err != nil || len(files) != 2 || string(files["a.yaml"]) != "a" || string(files["keys/a.json"]) != "k" {
		t.Fatal(files, err)
	}
	if err := os.Symlink("a.yaml", filepath.Join(dir, "b.yaml")); err != nil {
		t.Fatal(err)
	}
	if files, err = registry.ReadDir(dir); err != nil || string(files["b.yaml"]) != "a" {
		t.Fatal("a link inside the directory", files, err)
	}
	refused := func(what string) {
		t.Helper()
		if files, err := registry.ReadDir(dir); err == nil {
			t.Errorf("%s: accepted %v", what, files)
		}
	}
	link := filepath.Join(dir, "c.yaml")
	if err := os.Symlink(filepath.Join(outside, "stolen.yaml"), link); err != nil {
		t.Fatal(err)
	}
	refused("a link out of the directory")
	_ = os.Remove(link)
	write(filepath.Join(dir, "d.yml"), "x")
	refused("another ending")
	_ = os.Remove(filepath.Join(dir, "d.yml"))
	write(filepath.Join(dir, "keys/e.yaml"), "x")
	refused("a file below the directory")
	_ = os.Remove(filepath.Join(dir, "keys/e.yaml"))
	write(filepath.Join(dir, "big.json"), strings.Repeat(" ", 1<<20+1))
	refused("a large file")
	_ = os.Remove(filepath.Join(dir, "big.json"))
	write(filepath.Join(dir, "tls/a.pem"), strings.Repeat(" ", 64<<10))
	if files, err = registry.ReadDir(dir); err != nil || len(files["tls/a.pem"]) != 64<<10 {
		t.Fatal("certificates", err)
	}
	write(filepath.Join(dir, "tls/a.pem"), strings.Repeat(" ", 64<<10+1))
	refused("a large .pem file")
	_ = os.Remove(filepath.Join(dir, "tls/a.pem"))
	for i := range 129 {
		write(filepath.Join(dir, fmt.Sprintf("tls/%d.pem", i)), "x")
	}
	refused("many .pem files")
	if _, err := registry.ReadDir(filepath.Join(dir, "nowhere")); err == nil {
		t.Error("a missing directory was read")
	}
}

func TestNothingToLoad(t *testing.T) {
	for _, files := range []map[string][]byte{nil, {}, {"keys/a.json": keySet("a")}, {"a.yaml": nil}} {
		if _, err := registry.Load(files); err == nil {
			t.Errorf("accepted %v", files)
		}
	}
}

func FuzzLoad(f *testing.F) {
	files := sampleFiles(f)
	f.Add(string(files["resources.yaml"]), string(files["keys/admin.json"]))
	f.Add(string(files["clients.yaml"]), "{}")
	f.Add(oneClient, "{\"keys\": []}")
	f.Fuzz(func(t *testing.T, text, keys string) {
		s, err := registry.Load(map[string][]byte{"a.yaml": []byte(text), "keys/checkout.json": []byte(keys)})
		if (s == nil) == (err == nil) {
			t.Fatal("neither or both")
		}
		if err != nil {
			return
		}
		for _, r := range s.Resources() {
			if again, ok := s.Resolve(r.Audience.String()); !ok || again.Name != r.Name {
				t.Fatalf("%s is not found by its id", r.Audience)
			}
			if r.Owner == "" || r.Environment == "" || r.Criticality == "" || r.MaxTTL > registry.HardCeiling || r.TTL > r.MaxTTL {
				t.Fatalf("%+v", r)
			}
		}
	})
}
