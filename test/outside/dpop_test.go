package outside_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/dpop"
)

// openLedger runs a guard that demands nonces, and makes two nonces with the
// secret that guards of one audience share: one past its life, one past half of
// it.
func (b *bound) openLedger(t *testing.T) (old, young string) {
	t.Helper()
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	file := filepath.Join(t.TempDir(), "nonce.secret")
	must(t, os.WriteFile(file, secret, 0o600))
	b.guard(t, "ledger", "https", ledger, b.listener(false)+"dpop: {origin: \"ORIGIN\", nonces: true, nonce_secret_file: "+file+"}\n")
	nonces, err := dpop.NewNonces(secret, 5*time.Minute)
	must(t, err)
	now := time.Now()
	return nonces.New(now.Add(-6 * time.Minute)), nonces.New(now.Add(-3 * time.Minute))
}

// script runs a script that is told about the issuer and the guards, and returns
// what it prints.
func (b *bound) script(t *testing.T, input string, environment []string, program string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, program, args...)
	c.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+b.server.certificate, "SSL_CERT_FILE="+b.server.certificate,
		"SITE_ISSUER="+b.issuer, "SITE_JWKS="+b.issuer+"/jwks", "SITE_CREDENTIAL="+b.credential,
		"SITE_LEDGER="+ledger, "SITE_STOCK="+stock, "SITE_VAULT="+vault)
	for name, g := range b.guards {
		c.Env = append(c.Env, "SITE_"+strings.ToUpper(name)+"_GUARD="+g.address)
	}
	c.Env = append(c.Env, environment...)
	c.Stdin = strings.NewReader(input)
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v, printed %s\n%s", args[len(args)-1], err, out, problems(err))
	}
	if bytes.Contains(out, []byte("eyJ")) {
		t.Errorf("%s prints a token or a proof", args[len(args)-1])
	}
	return out
}

// dpopAtTheIssuer: oauth4webapi asks for tokens that are bound to its key.
func (b *bound) dpopAtTheIssuer(t *testing.T, nonces []string) {
	tried, judged := attempts(t, b.script(t, "", nonces, "node", "node/dpop-issuer.mjs"))
	if want := []string{"token_type", "cnf.jkt", "no proof, no cnf"}; !slices.Equal(judged, want) {
		t.Errorf("the script found %q, want %q", judged, want)
	}
	invalid := func(detail string) outcome { return ungranted(http.StatusBadRequest, "invalid_dpop_proof", detail) }
	b.compare(t, tried, map[string]outcome{
		"no nonce":                   askedAgain(),
		"a nonce of a guard":         askedAgain(),
		"another method":             invalid("htm is not the method"),
		"another address":            invalid("htu is not the address"),
		"the address of a guard":     invalid("htu is not the address"),
		"too old":                    invalid("iat is too far from now"),
		"too new":                    invalid("iat is too far from now"),
		"no id":                      invalid("jti is missing"),
		"a critical header":          invalid("header member crit"),
		"replayed":                   invalid("it was shown before"),
		"two proofs":                 invalid("not one JWS in compact form"),
		"none where one is demanded": ungranted(http.StatusBadRequest, "invalid_request", "takes only tokens bound to a key, and no key was proved"),

		"unsigned": invalid("not one JWS in compact form"),
		"symmetric, with the public key as secret": invalid("header member alg"),
		"symmetric, with its secret inside":        invalid("header member alg"),
		"an algorithm that is not offered":         invalid("header member alg"),
		"with the private key inside":              invalid("the key in the header cannot be used"),
		"without a key":                            invalid("there is no key in the header"),
		"of another type":                          invalid("typ is not dpop+jwt"),
		"signed by somebody else":                  invalid("the signature does not match"),
	})
}

// dpopAtTheGuards: the token comes with a proof, and every departure fails with
// its own reason.
func (b *bound) dpopAtTheGuards(t *testing.T, nonces []string) {
	tried, judged := attempts(t, b.script(t, "", nonces, "node", "node/dpop-guard.mjs"))
	if want := []string{"isDPoPNonceError", "a nonce past half its life is replaced"}; !slices.Equal(judged, want) {
		t.Errorf("the script found %q, want %q", judged, want)
	}
	proof := func(detail string) outcome { return refusedFor(narrowcast.ProofInvalid, detail) }
	opened := b.compare(t, tried, map[string]outcome{
		"no nonce":              askedForNonce(),
		"an old nonce":          askedForNonce(),
		"a nonce of the issuer": askedForNonce(),
		"a nonce of nobody":     askedForNonce(),

		"stolen token, another key":           refusedFor(narrowcast.SenderMismatch, "another key"),
		"stolen token, another key, no nonce": refusedFor(narrowcast.SenderMismatch, "another key"),
		"replayed":                            refusedFor(narrowcast.Replayed, "it was shown before"),
		"stolen proof, another method":        proof("htm is not the method"),
		"stolen proof, another path":          proof("htu is not the address"),
		"proof for another guard":             proof("htu is not the address"),
		"proof for another token":             proof("ath is not the hash"),
		"no hash of a token":                  proof("ath is not the hash"),
		"too old":                             proof("iat is too far from now"),
		"two proofs":                          proof("not one JWS in compact form"),
		"no proof":                            proof("0 DPoP header fields"),

		"bound token as Bearer":                 refusedFor(narrowcast.Downgrade, "no proof came"),
		"bound token as Bearer, with its proof": refusedFor(narrowcast.Downgrade, "no proof came"),
		"bearer token":                          refusedFor(narrowcast.BindingRequired, ""),
		"bearer token, with a proof":            refusedFor(narrowcast.BindingRequired, ""),
		"another resource":                      offTarget(0),
		"another resource, another key":         offTarget(narrowcast.SenderMismatch),
		"another resource, as Bearer":           offTarget(narrowcast.Downgrade),

		"unsigned": proof("not one JWS in compact form"),
		"symmetric, with the public key as secret": proof("header member alg"),
		"symmetric, with its secret inside":        proof("header member alg"),
		"an algorithm that is not offered":         proof("header member alg"),
		"with the private key inside":              proof("the key in the header cannot be used"),
		"without a key":                            proof("there is no key in the header"),
		"of another type":                          proof("typ is not dpop+jwt"),
		"signed by somebody else":                  proof("the signature does not match"),
	})
	b.service.keepsToItself(t, opened)
}
