package outside_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast/event"
)

// The resources whose tokens belong to their senders, by the names of their
// guards.
const (
	ledger = "https://ledger.example.test" // DPoP; a client may still leave it out
	stock  = "https://stock.example.test"  // DPoP or a certificate, and never neither
	vault  = "https://vault.example.test"  // a certificate
)

// bound is an issuer behind TLS with the guards of three resources, each a
// process of its own in front of the same plain service.
type bound struct {
	binary
	issuer     string
	credential string            // of the client reporting, which has a key
	server     papers            // the authority of every listener
	gate       papers            // the certificate of every listener
	callers    papers            // the authority that the registry knows
	mesh       papers            // of the client mesh, by that authority
	appliance  papers            // of the client appliance, by nobody
	worn       papers            // of the client worn, and out of date
	guards     map[string]*place // by name
	log        *diary            // of the issuer
	service    *service          // behind the guards
}

// place is a running guard.
type place struct {
	address string
	events  string // file name
	log     *diary
}

// openBound runs the issuer and the guards with the settings that docs/protect.md
// shows.
func openBound(t *testing.T, program string) *bound {
	t.Helper()
	free, dir := freeAddresses(t, 2), t.TempDir()
	b := &bound{
		binary: binary{program: program, home: filepath.Join(dir, "home")}, issuer: "https://" + free[0],
		credential: filepath.Join(dir, "reporting.json"), server: authority(t, "servers"), callers: authority(t, "callers"),
		guards: map[string]*place{}, service: openService(t),
	}
	b.gate = b.server.vouch(t, "gate.example.test", nil)
	b.mesh = b.callers.vouch(t, "mesh.example.test", nil)
	b.appliance, b.worn = selfSigned(t, "appliance", nil), selfSigned(t, "worn", expired)
	b.run(t, "init", b.home, "--issuer", b.issuer, "--listen", free[0], "--operations", free[1])
	b.run(t, "client", "add", "reporting", "--owner", "team-data", "--kind", "job", "--credential", b.credential)
	b.enrol(t)
	must(t, appendTo(filepath.Join(b.home, "narrowcast.yaml"), b.listener(true)+"dpop: {nonces: true}\n"))
	b.run(t, "apply", filepath.Join(b.home, "registry"), "--author", "outside")
	b.log = serve(t, `"msg":"listening"`, len(free), os.Environ(), b.program, "serve", "--home", b.home)
	return b
}

// listener are the lines of TLS in the settings of an issuer or a guard.
func (b *bound) listener(asks bool) string {
	lines := "tls:\n  certificate_file: " + b.gate.certificate + "\n  key_file: " + b.gate.key + "\n"
	if asks {
		lines += "  client_certificates: true\n"
	}
	return lines
}

// enrol adds the clients with certificates and the resources to the registry.
func (b *bound) enrol(t *testing.T) {
	t.Helper()
	registry := filepath.Join(b.home, "registry")
	for name, p := range map[string]papers{"callers.pem": b.callers, "appliance.pem": b.appliance} {
		text, err := os.ReadFile(p.certificate)
		must(t, err)
		must(t, os.WriteFile(filepath.Join(registry, name), text, 0o600))
	}
	text := "clients:" +
		registered("mesh", "tls_client_auth: {ca_file: callers.pem, san_dns: mesh.example.test}") +
		registered("appliance", "self_signed_tls_client_auth: {certificate_file: appliance.pem}") +
		registered("worn", `self_signed_tls_client_auth: {thumbprints: ["`+thumbprint(b.worn.parsed)+`"]}`) +
		"\nresources:" +
		guarded(ledger, "{sender: preferred, binding: [dpop]}", "reporting") +
		guarded(stock, "{sender: required}", "reporting", "mesh") +
		guarded(vault, "{sender: required, binding: [mtls]}", "mesh", "appliance", "worn") + "\n"
	must(t, os.WriteFile(filepath.Join(registry, "bound.yaml"), []byte(text), 0o600))
}

func registered(id, credential string) string {
	return "\n  - {id: " + id + ", owner: team-shop, kind: workload, authenticate: [{" + credential + "}]}"
}

func guarded(id, tokens string, callers ...string) string {
	name := strings.TrimSuffix(strings.TrimPrefix(id, "https://"), ".example.test")
	text := "\n  - id: " + id + "\n    name: " + name +
		"\n    owner: team-finance\n    environment: test\n    criticality: medium\n    scopes: [post]\n    tokens: " + tokens + "\n    callers:"
	for _, c := range callers {
		text += "\n      - {client: " + c + ", scopes: [post]}"
	}
	return text
}

// guard runs a guard that demands a sender. The settings are what is special
// about it.
func (b *bound) guard(t *testing.T, name, scheme, audience, settings string) *place {
	t.Helper()
	free, dir := freeAddresses(t, 2), t.TempDir()
	p := &place{address: scheme + "://" + free[0], events: filepath.Join(dir, "events.jsonl")}
	text := "name: " + name + "\naudience: " + audience + "\nissuers:\n  - {id: \"" + b.issuer + "\", jwks_url: \"" + b.issuer + "/jwks\"}\n" +
		"algorithms: [ES256]\nlisten: " + free[0] + "\noperations: " + free[1] + "\nupstream: " + b.service.URL + "\n" +
		"events: {file: events.jsonl}\nsender: required\n" + strings.ReplaceAll(settings, "ORIGIN", p.address)
	file := filepath.Join(dir, "guard.yaml")
	must(t, os.WriteFile(file, []byte(text), 0o600))
	p.log = serve(t, `"msg":"listening"`, len(free), append(os.Environ(), "SSL_CERT_FILE="+b.server.certificate), b.program, "guard", "--config", file)
	b.guards[name] = p
	return p
}

// event finds a decision: of a guard in its file, of the issuer in the book.
func (b *bound) event(t *testing.T, at, decision string) event.Event {
	t.Helper()
	if b.guards[at] == nil {
		var record struct{ Event event.Event }
		must(t, json.Unmarshal(b.run(t, "why", "--json", decision), &record))
		return record.Event
	}
	lines, err := os.ReadFile(b.guards[at].events)
	must(t, err)
	for line := range bytes.Lines(lines) {
		if e, err := event.Decode(bytes.TrimSpace(line)); err != nil {
			t.Fatalf("an event of %s: %v", at, err)
		} else if e.Decision == decision && decision != "" {
			return e
		}
	}
	t.Fatalf("%s recorded no decision %q", at, decision)
	return event.Event{}
}

// silent fails when a log or a file of events holds a token or a proof: both are
// JSON in base64url.
func (b *bound) silent(t *testing.T) {
	t.Helper()
	all := map[string][]byte{"the log of the issuer": b.log.bytes()}
	for name, g := range b.guards {
		all["the log of "+name] = g.log.bytes()
		events, err := os.ReadFile(g.events)
		must(t, err)
		all["the events of "+name] = events
	}
	for name, text := range all {
		if len(text) == 0 || bytes.Contains(text, []byte("eyJ")) {
			t.Errorf("%s (%d bytes) holds a token or a proof, or nothing", name, len(text))
		}
	}
}

func appendTo(file, text string) error {
	before, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(before, text...), 0o600)
}
