package registry_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast/service/internal/registry"
)

// guests is a registry with one client whose credential is text.
func guests(text string) map[string][]byte {
	return map[string][]byte{"r.yaml": []byte(`
issuers:
  - {id: "https://login.example.test", profile: oidc}
clients:
  - {id: guest, owner: o, kind: job, authenticate: [` + text + `]}
`)}
}

// twins are two hashes of secrets whose short names in a plan are the same; to
// find some takes seconds, to find one for a given secret takes weeks.
func twins(t *testing.T) (one, two string) {
	seen := map[string]string{}
	for i := range 1 << 20 {
		hash := fmt.Sprintf("$argon2id$v=19$m=19456,t=2,p=1$%021xA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", i)
		sum := sha256.Sum256([]byte(hash))
		if first := seen[string(sum[:4])]; first != "" {
			return first, hash
		}
		seen[string(sum[:4])] = hash
	}
	t.Fatal("no twins")
	return "", ""
}

// What people would read alike is told all the same, and counts.
func TestNoGainHidesBehindAText(t *testing.T) {
	one, two := twins(t)
	secret := func(hash string) string { return `{client_secret_basic: {argon2id: "` + hash + `"}}` }
	token := func(claims string) string {
		return `{token: {issuer: "https://login.example.test", claims: {sub: guest, ` + claims + `}}}`
	}
	for name, c := range map[string]struct{ before, after string }{
		"a member becomes a claim with dots": {token(`realm: {org: shop}`), token(`realm.org: shop`)},
		"the dot moves":                      {token(`realm: {a.b: {c: shop}}`), token(`realm: {a: {b.c: shop}}`)},
		"another secret with the same entry": {secret(one), secret(two)},
	} {
		t.Run(name, func(t *testing.T) {
			before, after := load(t, guests(c.before)), load(t, guests(c.after))
			if before.Digest() == after.Digest() {
				t.Error("the digest does not change")
			}
			gains := 0
			for _, change := range registry.Diff(before, after) {
				if change.Kind == registry.ProofAdded && change.Widens && strings.Contains(change.Text, "can act as guest") {
					gains++
				}
			}
			if gains != 1 {
				t.Errorf("%d gains: %s", gains, registry.Lines(registry.Diff(before, after)))
			}
			if same := registry.Diff(after, load(t, guests(c.after))); len(same) > 0 {
				t.Errorf("nothing changed: %s", registry.Lines(same))
			}
		})
	}
}

// What a running issuer could not open is refused before it is applied.
func TestNotMoreIssuersThanCanBeOpened(t *testing.T) {
	files := func(n int) map[string][]byte {
		var b strings.Builder
		b.WriteString("issuers:\n")
		for i := range n {
			fmt.Fprintf(&b, "  - {id: \"https://login-%d.example.test\", profile: oidc}\n", i)
		}
		return map[string][]byte{"r.yaml": []byte(b.String())}
	}
	load(t, files(registry.MaxIssuers))
	if _, err := registry.Load(files(registry.MaxIssuers + 1)); err == nil || !strings.Contains(err.Error(), "one more than the 1000 issuers") {
		t.Errorf("err = %v", err)
	}
}

// An assertion of such a client is read as a JWT-SVID, since its sub is in the
// trust domain: its own keys would never be looked at.
func TestKeysOfAClientInATrustDomain(t *testing.T) {
	files := func(id, credential string) map[string][]byte {
		return map[string][]byte{"keys/x.json": keySet("x"), "r.yaml": []byte(`
issuers:
  - {id: "spiffe://corp.example", profile: spiffe, workload_api: true}
clients:
  - {id: "` + id + `", owner: o, kind: job, authenticate: [` + credential + `]}
`)}
	}
	const keys, svid = `{private_key_jwt: {jwks_file: keys/x.json}}`, `{spiffe: "spiffe://corp.example/x"}`
	load(t, files("spiffe://corp.example/x", svid))
	load(t, files("spiffe://other.example/x", keys))
	if _, err := registry.Load(files("spiffe://corp.example/x", svid+", "+keys)); err == nil || !strings.Contains(err.Error(), "read as a JWT-SVID") {
		t.Errorf("err = %v", err)
	}
}

// A name below localhost may be anybody's to a resolver; what fetches keys asks
// there over TLS alone, so a plan must not promise more.
func TestKeysComeInTheClearFromThisMachineAlone(t *testing.T) {
	files := func(url string) map[string][]byte {
		return map[string][]byte{"r.yaml": []byte("issuers:\n  - {id: \"https://login.example.test\", profile: oidc, jwks_url: \"" + url + "\"}\n")}
	}
	load(t, files("http://localhost:8080/keys"))
	load(t, files("http://127.0.0.1:8080/keys"))
	load(t, files("https://idp.localhost/keys"))
	if _, err := registry.Load(files("http://idp.localhost:8080/keys")); err == nil {
		t.Error("accepted")
	}
}
