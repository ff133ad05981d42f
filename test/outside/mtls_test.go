package outside_test

import (
	"crypto/x509"
	"encoding/json"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/narrowcast-io/narrowcast"
)

// form are the lines of curl for a token request.
func form(client, target string) []string {
	lines := []string{option("data-urlencode", "grant_type=client_credentials"), option("data-urlencode", "resource="+target)}
	if client != "" {
		lines = append(lines, option("data-urlencode", "client_id="+client))
	}
	return lines
}

// bearer is the header of a token that is bound to a certificate (RFC 8705
// section 3).
func bearer(token string) string { return header("Authorization", "Bearer "+token) }

// mint gets a token with a certificate, which must be bound to it.
func (b *bound) mint(t *testing.T, client string, by papers, target string) string {
	t.Helper()
	answer, body := b.curl(t, b.issuer+"/token", &by, form(client, target)...)
	var got struct {
		Token    string   `json:"access_token"`
		Type     string   `json:"token_type"`
		Resource []string `json:"resource"`
	}
	if err := json.Unmarshal(body, &got); err != nil || answer.StatusCode != http.StatusOK || got.Type != "Bearer" || len(got.Resource) != 1 || got.Resource[0] != target {
		t.Fatalf("a token for %s: %d %s %v %v", client, answer.StatusCode, got.Type, got.Resource, err)
	}
	return got.Token
}

// mtlsAtTheIssuer: curl proves who it is by its certificate (RFC 8705 section 2).
func (b *bound) mtlsAtTheIssuer(t *testing.T) {
	foreign := authority(t, "callers") // the same name, and another key
	other := foreign.vouch(t, "mesh.example.test", nil)
	late, named := b.callers.vouch(t, "mesh.example.test", expired), b.callers.vouch(t, "shop.example.test", nil)
	server := b.callers.vouch(t, "mesh.example.test", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })
	twin := selfSigned(t, "appliance", nil)
	const chain, lists = "does not lead to an authority", "none of those that the registry lists"
	var tried []attempt
	want := map[string]outcome{}
	for step, c := range map[string]struct {
		client string
		by     *papers
		detail string
		lines  []string
	}{
		"no certificate":                      {"mesh", nil, "", nil},
		"a certificate of another authority":  {"mesh", &other, chain, nil},
		"a certificate that has expired":      {"mesh", &late, chain, nil},
		"a certificate of a server":           {"mesh", &server, chain, nil},
		"a certificate with another name":     {"mesh", &named, "another name", nil},
		"a certificate of another client":     {"mesh", &b.appliance, chain, nil},
		"the wrong client_id":                 {"appliance", &b.mesh, lists, nil},
		"a client_id that nobody has":         {"nobody", &b.mesh, "names no client", nil},
		"no client_id":                        {"", &b.mesh, "names no client", nil},
		"a client without certificates":       {"reporting", &b.mesh, "no credential that is a certificate", nil},
		"a twin of a certificate":             {"appliance", &twin, lists, nil},
		"a self-signed one, out of date":      {"worn", &b.worn, "not valid at this time", nil},
		"a header, and no certificate":        {"mesh", nil, "", []string{header("Client-Cert", byteSequence(b.mesh.parsed))}},
		"a header beside another certificate": {"mesh", &other, chain, []string{header("Client-Cert", byteSequence(b.mesh.parsed))}},
	} {
		a := b.try(t, step, "issuer", b.issuer+"/token", c.by, append(form(c.client, vault), c.lines...)...)
		tried = append(tried, a)
		want[step] = ungranted(http.StatusUnauthorized, "invalid_client", c.detail)
	}
	// A client that proved who it is and asks for a token that nobody can bind.
	a := b.try(t, "a resource that is not the client's", "issuer", b.issuer+"/token", &b.mesh, form("mesh", ledger)...)
	tried, want[a.Step] = append(tried, a), ungranted(http.StatusBadRequest, "invalid_target", "is not a caller of this resource")
	b.compare(t, tried, want)
	for client, by := range map[string]papers{"mesh": b.mesh, "appliance": b.appliance} {
		b.mint(t, client, by, vault) // the controls
	}
}

// confirmed: other software finds the certificate in the token (RFC 8705 section
// 3.1), for both ways of authentication.
func (b *bound) confirmed(t *testing.T, program, script string) {
	const want = "own certificate ok\nanother certificate refused ok\n"
	if p, err := filepath.Abs(program); err == nil && program != "node" {
		program = p
	}
	for client, c := range map[string]struct{ own, other papers }{"mesh": {b.mesh, b.appliance}, "appliance": {b.appliance, b.mesh}} {
		environment := []string{"SITE_RESOURCE=" + vault, "SITE_FOREIGN=" + stock, "SITE_CERTIFICATE=" + c.own.certificate, "SITE_OTHER_CERTIFICATE=" + c.other.certificate}
		args := []string{script}
		if program != "node" {
			args = []string{"-B", script}
		}
		if got := b.script(t, b.mint(t, client, c.own, vault), environment, program, args...); string(got) != want {
			t.Errorf("%s of %s: %q, want %q", script, client, got, want)
		}
	}
}

// mtlsAtTheGuards: a token opens its door for one certificate. The guard vault
// sees the connection of curl; the guard behind sees that of a proxy.
func (b *bound) mtlsAtTheGuards(t *testing.T) {
	address := map[string]string{"vault": b.guards["vault"].address, "stock": b.guards["stock"].address,
		"behind": b.terminator(t, b.guards["behind"].address), "unproxied": b.guards["behind"].address}
	reissued := b.callers.vouch(t, "mesh.example.test", nil)
	mine := header("Client-Cert", byteSequence(b.mesh.parsed))
	down, other := refusedFor(narrowcast.Downgrade, "bound to a certificate, and none came"), refusedFor(narrowcast.SenderMismatch, "another certificate")
	let := outcome{status: http.StatusNoContent}
	var tried []attempt
	want := map[string]outcome{}
	for _, c := range []struct {
		step, at string
		by       *papers
		headers  []string
		outcome  outcome
	}{
		{"no certificate", "vault", nil, nil, down},
		{"another certificate", "vault", &b.appliance, nil, other},
		{"a certificate with the same name", "vault", &reissued, nil, other},
		{"a header of somebody who is no proxy", "vault", nil, []string{mine}, down},
		{"such a header beside another certificate", "vault", &b.appliance, []string{mine}, other},
		{"such a header beside the certificate", "vault", &b.mesh, []string{header("Client-Cert", "nonsense")}, let},
		{"a proxy, and no certificate", "behind", nil, nil, down},
		{"a proxy, and another certificate", "behind", &b.appliance, nil, other},
		{"a proxy that writes over a header", "behind", nil, []string{mine}, down},
		{"the same header from an address that counts", "unproxied", nil, []string{mine}, let},
		{"the certificate", "vault", &b.mesh, nil, let},
		{"a proxy, and the certificate", "behind", &b.mesh, nil, let},
		{"another resource", "stock", &b.mesh, nil, offTarget(0)},
		{"another resource, no certificate", "stock", nil, nil, offTarget(narrowcast.Downgrade)},
	} {
		held := b.mint(t, "mesh", b.mesh, vault)
		at := c.at
		if at == "unproxied" {
			at = "behind"
		}
		a := b.try(t, c.step, at, address[c.at]+"/accounts/7", c.by, append(c.headers, bearer(held))...)
		if c.outcome == let {
			a.Step = letIn
		} else {
			want[c.step] = c.outcome
		}
		tried = append(tried, a)
		// The control: the same token from its sender, at its door.
		control := b.try(t, letIn, "vault", address["vault"]+"/accounts/7", &b.mesh, bearer(held))
		tried = append(tried, control)
	}
	held := b.mint(t, "appliance", b.appliance, vault)
	a := b.try(t, letIn, "vault", address["vault"]+"/accounts/7", &b.appliance, bearer(held))
	opened := b.compare(t, append(tried, a), want)
	b.service.keepsToItself(t, opened)
}
