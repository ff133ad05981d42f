package outside_test

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// binary is the built command with the home of one issuer.
type binary struct{ program, home string }

// run runs a subcommand that must succeed and returns what it prints.
func (b binary) run(t *testing.T, args ...string) []byte {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), b.program, append(args, "--home", b.home)...).Output()
	if err != nil {
		t.Fatalf("narrowcast %s: %v\n%s", args[0], err, problems(err))
	}
	return out
}

func build(t *testing.T) binary {
	t.Helper()
	dir := t.TempDir()
	b := binary{program: filepath.Join(dir, "narrowcast"), home: filepath.Join(dir, "home")}
	c := exec.CommandContext(t.Context(), "go", "build", "-C", "../../service", "-o", b.program, "./cmd/narrowcast")
	c.Env = append(os.Environ(), "GOWORK=off")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("building the command: %v\n%s", err, out)
	}
	return b
}

// openIssuer runs a fresh issuer as an operator would: init, one client with a
// key and one with a secret, two resources that both may call, apply, serve.
func openIssuer(t *testing.T, b binary) *site {
	t.Helper()
	free := freeAddresses(t, 2)
	s := &site{
		Issuer: "http://" + free[0], Resource: "https://ledger.example.test", Foreign: "https://stock.example.test",
		Closed: "https://pay.example.test", Scope: "post", KeyClient: "reporting", SecretClient: "nightly",
		Credential: filepath.Join(t.TempDir(), "reporting.json"),
	}
	b.run(t, "init", b.home, "--issuer", s.Issuer, "--listen", free[0], "--operations", free[1])
	b.run(t, "client", "add", s.KeyClient, "--owner", "team-data", "--kind", "job", "--credential", s.Credential)
	var made struct{ Secret, Argon2id string }
	must(t, json.Unmarshal(b.run(t, "client", "secret", "--json"), &made))
	s.Secret = made.Secret
	must(t, os.WriteFile(filepath.Join(b.home, "registry", "outside.yaml"), []byte(s.registry(made.Argon2id)), 0o600))
	b.run(t, "apply", filepath.Join(b.home, "registry"), "--author", "outside")
	s.log = serve(t, `"msg":"listening"`, len(free), os.Environ(), b.program, "serve", "--home", b.home)
	s.discover(t)
	return s
}

// registry is the file that an operator adds to the sample of init.
func (s *site) registry(hash string) string {
	resource := func(id, name string) string {
		return `
  - id: ` + id + `
    name: ` + name + `
    owner: team-finance
    environment: test
    criticality: medium
    data: [internal]
    scopes: [` + s.Scope + `]
    callers:
      - {client: ` + s.KeyClient + `, scopes: [` + s.Scope + `]}
      - {client: ` + s.SecretClient + `, scopes: [` + s.Scope + `]}`
	}
	return `clients:
  - id: ` + s.SecretClient + `
    owner: team-finance
    kind: job
    authenticate:
      - client_secret_basic: {argon2id: "` + hash + `"}
resources:` + resource(s.Resource, "ledger") + resource(s.Foreign, "stock") + "\n"
}

// discover reads the issuer's metadata (RFC 8414).
func (s *site) discover(t *testing.T) {
	t.Helper()
	answer, err := http.Get(s.Issuer + "/.well-known/oauth-authorization-server")
	must(t, err)
	defer answer.Body.Close()
	var metadata struct {
		Issuer        string `json:"issuer"`
		TokenEndpoint string `json:"token_endpoint"`
		JWKS          string `json:"jwks_uri"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&metadata); err != nil || metadata.Issuer != s.Issuer {
		t.Fatalf("metadata = %+v, %v", metadata, err)
	}
	s.TokenEndpoint, s.JWKS = metadata.TokenEndpoint, metadata.JWKS
}
