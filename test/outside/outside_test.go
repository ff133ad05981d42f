package outside_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const verified = "own audience ok\nforeign audience refused ok\nforged token refused ok\n"

// TestOutside starts the real issuer once and lets every client that this
// machine can run come to it. A client that was not tried is no test, so it
// cannot pass either; prepare says aloud what is left out.
func TestOutside(t *testing.T) {
	b := build(t)
	s := openIssuer(t, b)
	t.Run("oauth2", s.oauth2Works)
	t.Run("oauth2 is told why not", s.oauth2IsToldWhyNot)
	if hasNode(t) {
		t.Run("oauth4webapi", func(t *testing.T) {
			s.run(t, "discovery ok\nprivate_key_jwt ok\nresource confirmed ok\nown audience ok\nforeign audience refused ok\n"+
				"unknown resource ok\nno resource ok\ntwo resources ok\nnot a caller ok\nforeign key ok\n", "node", "node/oauth4webapi.mjs")
		})
		t.Run("jose", func(t *testing.T) { s.run(t, verified, "node", "node/jose.mjs") })
		t.Run("oidc-provider", oidcProvider)
	}
	if hasNode(t) && hasStatic(t) {
		t.Run("status lists", func(t *testing.T) { statusLists(t, b.program) })
	}
	if hasPython(t) {
		t.Run("PyJWT", func(t *testing.T) { s.run(t, verified, "python/venv/bin/python", "-B", "python/pyjwt.py") })
		t.Run("joserfc", func(t *testing.T) { s.run(t, verified, "python/venv/bin/python", "-B", "python/rfc.py") })
	}
	t.Run("bound to its sender", func(t *testing.T) { boundToItsSender(t, b.program) })
}

// boundToItsSender: tokens that are bound to a key or a certificate, by clients
// and tools that others wrote.
func boundToItsSender(t *testing.T, program string) {
	node, python, curl := hasNode(t), hasPython(t), hasCurl(t)
	b := openBound(t, program)
	old, young := b.openLedger(t)
	b.guard(t, "stock", "https", stock, b.listener(true)+"dpop: {origin: \"ORIGIN\"}\n")
	b.guard(t, "vault", "https", vault, b.listener(true)+"certificate_header: {dialect: client-cert, from: [10.1.0.7]}\n")
	b.guard(t, "behind", "http", vault, "certificate_header: {dialect: client-cert, from: [127.0.0.1]}\n")
	if node {
		nonces := []string{"SITE_OLD_NONCE=" + old, "SITE_YOUNG_NONCE=" + young}
		t.Run("DPoP at the issuer", func(t *testing.T) { b.dpopAtTheIssuer(t, nonces) })
		t.Run("DPoP at the guards", func(t *testing.T) { b.dpopAtTheGuards(t, nonces) })
	}
	if curl {
		t.Run("mTLS at the issuer", b.mtlsAtTheIssuer)
		t.Run("mTLS at the guards", b.mtlsAtTheGuards)
	}
	if curl && node {
		t.Run("jose", func(t *testing.T) { b.confirmed(t, "node", "node/confirmation.mjs") })
	}
	if curl && python {
		t.Run("PyJWT", func(t *testing.T) { b.confirmed(t, "python/venv/bin/python", "python/confirmation.py") })
	}
	b.silent(t)
}

func hasNode(t *testing.T) bool {
	t.Helper()
	if exec.Command("node", "-e", `process.exit(+process.versions.node.split(".")[0] >= 20 ? 0 : 1)`).Run() != nil || exec.Command("npm", "--version").Run() != nil {
		t.Log("left out: oauth4webapi, jose and oidc-provider, because there is no Node.js 20 or later with npm here")
		return false
	}
	prepared(t, "node/package-lock.json", "node/node_modules/package-lock.json")
	return true
}

func hasPython(t *testing.T) bool {
	t.Helper()
	if exec.Command("python3", "-c", "import ensurepip, venv").Run() != nil {
		t.Log("left out: PyJWT and joserfc, because there is no Python 3 with venv here")
		return false
	}
	prepared(t, "python/requirements.txt", "python/venv/requirements.txt")
	return true
}

func hasStatic(t *testing.T) bool {
	t.Helper()
	if exec.Command("python3", "-c", "import http.server").Run() != nil {
		t.Log("left out: status lists in a directory, because there is no Python 3 here")
		return false
	}
	return true
}

// prepared fails unless the clients that are wanted are those that were installed.
func prepared(t *testing.T, wanted, installed string) {
	t.Helper()
	want, err := os.ReadFile(wanted)
	must(t, err)
	if have, err := os.ReadFile(installed); err != nil || !bytes.Equal(have, want) {
		t.Fatalf("what %s pins is not installed: run test/outside/prepare", wanted)
	}
}

// run starts a client with a fresh token on its standard input and compares
// what it prints. A token must not be part of that.
func (s *site) run(t *testing.T, want, program string, args ...string) {
	t.Helper()
	if strings.Contains(program, "/") {
		program, _ = filepath.Abs(program)
	}
	token, err := ask(t, s, s.Secret, s.Resource)
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client := exec.CommandContext(ctx, program, args...)
	client.Env = s.environment()
	client.Stdin = strings.NewReader(token.AccessToken)
	out, err := client.Output()
	said := string(out) + problems(err)
	if err != nil || string(out) != want {
		t.Errorf("%s: %v, printed %q, want %q\n%s", args[len(args)-1], err, out, want, problems(err))
	}
	if strings.Contains(said, token.AccessToken) {
		t.Errorf("%s prints the token", args[len(args)-1])
	}
	s.keepsSilent(t, token.AccessToken)
}

// problems is what a process that failed wrote to standard error.
func problems(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(exit.Stderr)
	}
	return ""
}
