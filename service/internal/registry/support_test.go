package registry_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"fmt"
	"maps"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
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

// keySet is the public key set of a client, always the same for the same name.
func keySet(name string) []byte {
	seed := sha256.Sum256([]byte(name))
	public := ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey)
	x := base64.RawURLEncoding.EncodeToString(public)
	return fmt.Appendf(nil, "{\"keys\": [{\"kty\": \"OKP\", \"crv\": \"Ed25519\", \"kid\": \"%s-1\", \"x\": \"%s\"}]}\n", name, x)
}

func issuer() narrowcast.Issuer { return narrowcast.MustIssuer("https://issuer.example.test") }

func sampleFiles(t testing.TB) map[string][]byte {
	t.Helper()
	keys := map[narrowcast.ClientID][]byte{}
	for _, client := range registry.SampleClients() {
		keys[client] = keySet(string(client))
	}
	files, err := registry.Sample(issuer(), keys)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func load(t testing.TB, files map[string][]byte) *registry.Snapshot {
	t.Helper()
	s, err := registry.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// with returns the files with one more.
func with(files map[string][]byte, name, text string) map[string][]byte {
	more := maps.Clone(files)
	more[name] = []byte(text)
	return more
}

const oneClient = `
clients:
  - id: checkout
    owner: team-checkout
    kind: workload
    authenticate: [{private_key_jwt: {jwks_file: keys/checkout.json}}]
`

// one is a registry with one client and the resources of text.
func one(text string) map[string][]byte {
	return map[string][]byte{"r.yaml": []byte(text), "c.yaml": []byte(oneClient), "keys/checkout.json": keySet("checkout")}
}

func door(id, name string) string {
	return "  - {id: \"" + id + "\", name: " + name + ", owner: o, environment: test, criticality: low, scopes: [read], callers: [{client: checkout, scopes: [read]}]}\n"
}
