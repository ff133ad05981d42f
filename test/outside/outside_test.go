package outside_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const verified = "own audience ok\nforeign audience refused ok\nforged token refused ok\n"

// TestNode runs oauth4webapi and jose. It says so when there is no Node.js.
func TestNode(t *testing.T) {
	if exec.Command("node", "-e", `process.exit(+process.versions.node.split(".")[0] >= 20 ? 0 : 1)`).Run() != nil {
		t.Log("not run: there is no Node.js 20 or later here")
		return
	}
	prepared(t, "node/node_modules/jose/package.json")
	s := openSite(t)
	run(t, s, "discovery ok\nprivate_key_jwt ok\nown audience ok\nforeign audience refused ok\n"+
		"unknown resource ok\nno resource ok\ntwo resources ok\n", "node", "node/oauth4webapi.mjs")
	run(t, s, verified, "node", "node/jose.mjs")
}

// TestPython runs PyJWT and joserfc. It says so when there is no Python.
func TestPython(t *testing.T) {
	if exec.Command("python3", "-c", "import ensurepip, venv").Run() != nil {
		t.Log("not run: there is no Python 3 with venv here")
		return
	}
	prepared(t, "python/venv/requirements.txt")
	s := openSite(t)
	run(t, s, verified, "python/venv/bin/python", "-B", "python/pyjwt.py")
	run(t, s, verified, "python/venv/bin/python", "-B", "python/rfc.py")
}

func prepared(t *testing.T, file string) {
	t.Helper()
	if _, err := os.Stat(file); err != nil {
		t.Fatal("the outside clients are not installed: run test/outside/prepare")
	}
}

// run starts a client with a fresh token on its standard input and compares
// what it prints. A token must not be part of that.
func run(t *testing.T, s *site, want, program string, args ...string) {
	t.Helper()
	if strings.Contains(program, "/") {
		program, _ = filepath.Abs(program)
	}
	token, err := ask(t, s, s.Resource)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client := exec.CommandContext(ctx, program, args...)
	client.Env = s.environment()
	client.Stdin = strings.NewReader(token.AccessToken)
	var out, problems bytes.Buffer
	client.Stdout, client.Stderr = &out, &problems
	if err := client.Run(); err != nil || out.String() != want {
		t.Errorf("%s: %v, printed %q, want %q\n%s", args[len(args)-1], err, out.String(), want, problems.String())
	}
	if strings.Contains(out.String()+problems.String(), token.AccessToken) {
		t.Errorf("%s prints the token", args[len(args)-1])
	}
}
