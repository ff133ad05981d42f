package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// The platforms of the exchange benchmark and what they say of a workload.
const (
	trustDomain = "spiffe://corp.example"
	workloadID  = "spiffe://corp.example/checkout"
	foreignID   = "https://login.example.test"
	foreignSub  = "worker-7"
	partnerName = "gateway.partner.example"

	exchangeResource = "https://bench.example.test"
)

// workloads are all who ask in the exchange benchmark, with their keys.
type workloads struct {
	authority *identity // of the server, of the partner and of the trust domain
	server    *identity
	pinned    *identity // self_signed_tls_client_auth
	partner   *identity // tls_client_auth
	svid      *identity // an X.509-SVID
	domain    *platform // makes JWT-SVIDs, ES256
	foreign   *platform // makes tokens with Ed25519, which JWT-SVIDs cannot have
	ecdsa     *signing  // private_key_jwt with ES256
	edwards   *signing  // and with Ed25519

	domainSet, foreignSet string
}

func newWorkloads() (*workloads, error) {
	w := &workloads{authority: newAuthority("bench")}
	var err error
	for into, l := range map[**identity]leaf{
		&w.server: {loopback: true}, &w.pinned: {dns: "legacy.example.test"},
		&w.partner: {dns: partnerName}, &w.svid: {uri: workloadID},
	} {
		if *into, err = w.authority.issue(l); err != nil {
			return nil, err
		}
	}
	if w.domain, w.domainSet, err = newPlatform(narrowcast.ES256); err != nil {
		return nil, err
	}
	if w.foreign, w.foreignSet, err = newPlatform(narrowcast.Ed25519); err != nil {
		return nil, err
	}
	for alg, into := range map[narrowcast.Algorithm]**signing{narrowcast.ES256: &w.ecdsa, narrowcast.Ed25519: &w.edwards} {
		signer, err := newSigner(alg)
		if err != nil {
			return nil, err
		}
		if *into, err = newSigning("signs-"+strings.ToLower(string(alg)), alg, signer); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func newPlatform(alg narrowcast.Algorithm) (*platform, string, error) {
	signer, err := newSigner(alg)
	if err != nil {
		return nil, "", err
	}
	set, err := keySet("p1", alg, signer.Public())
	return &platform{alg, signer, "p1"}, set, err
}

// bundle is the bundle document of the trust domain: its key for JWT-SVIDs and
// its authority for X.509-SVIDs.
func (w *workloads) bundle() ([]byte, error) {
	var tokens struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal([]byte(w.domainSet), &tokens); err != nil {
		return nil, err
	}
	tokens.Keys[0]["use"] = "jwt-svid"
	authority, err := keySet("", narrowcast.ES256, w.authority.certificate.PublicKey)
	if err != nil {
		return nil, err
	}
	var certificates struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal([]byte(authority), &certificates); err != nil {
		return nil, err
	}
	x := certificates.Keys[0]
	x["use"], x["x5c"] = "x509-svid", []string{base64.StdEncoding.EncodeToString(w.authority.certificate.Raw)}
	delete(x, "kid")
	delete(x, "alg")
	return json.Marshal(map[string]any{"keys": append(tokens.Keys, x), "spiffe_sequence": 1, "spiffe_refresh_hint": 300})
}

// enrol writes the workloads into the registry of a home and applies it.
func (w *workloads) enrol(h *home) error {
	bundle, err := w.bundle()
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		"registry/bench.yaml": []byte(w.registry()), "registry/keys/corp.json": bundle, "registry/keys/login.json": []byte(w.foreignSet),
		"registry/keys/ecdsa.json": []byte(w.ecdsa.set), "registry/keys/edwards.json": []byte(w.edwards.set),
		"registry/tls/pinned.pem": w.pinned.pem(), "registry/tls/authority.pem": w.authority.pem(),
	} {
		if err := h.write(name, content); err != nil {
			return err
		}
	}
	return h.town.run("apply", "--home", h.dir, "--author", "bench")
}

func (w *workloads) registry() string {
	var b strings.Builder
	fmt.Fprintf(&b, "issuers:\n  - {id: %q, profile: spiffe, bundle_file: keys/corp.json}\n  - {id: %q, profile: oidc, jwks_file: keys/login.json}\nclients:\n", trustDomain, foreignID)
	clients := []struct{ id, proof string }{
		{w.ecdsa.id, "private_key_jwt: {jwks_file: keys/ecdsa.json}"},
		{w.edwards.id, "private_key_jwt: {jwks_file: keys/edwards.json}"},
		{"svid", "spiffe: " + workloadID},
		{"worker", fmt.Sprintf("token: {issuer: %q, claims: {sub: %s}}", foreignID, foreignSub)},
		{"pinned", "self_signed_tls_client_auth: {certificate_file: tls/pinned.pem}"},
		{"partner", "tls_client_auth: {ca_file: tls/authority.pem, san_dns: " + partnerName + "}"},
	}
	for _, c := range clients {
		fmt.Fprintf(&b, "  - id: %s\n    owner: team-bench\n    kind: workload\n    authenticate:\n      - %s\n", c.id, c.proof)
	}
	fmt.Fprintf(&b, "resources:\n  - id: %s\n    name: bench\n    owner: team-bench\n    environment: test\n    criticality: medium\n"+
		"    scopes: [charge]\n    tokens: {sender: preferred, binding: [dpop, mtls]}\n    callers:\n", exchangeResource)
	for _, c := range clients {
		fmt.Fprintf(&b, "      - {client: %s, scopes: [charge]}\n", c.id)
	}
	return b.String()
}
