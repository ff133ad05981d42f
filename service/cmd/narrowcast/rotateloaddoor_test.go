//go:build !fast

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/guard"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/credential"
)

// loadDoor is a guard before a service, on a listener of its own, that fetches
// the keys of an issuer.
type loadDoor struct {
	url string

	mu      sync.Mutex
	reasons map[string]narrowcast.Reason // by decision
}

// Record remembers why somebody was refused.
func (d *loadDoor) Record(e event.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e.Reason != 0 && len(d.reasons) < 1<<14 {
		d.reasons[e.Decision] = e.Reason
	}
}

// openLoadDoor opens a door. It asks for the key set more often than the
// default, because keys are published for seconds here and not for an hour.
func openLoadDoor(t *testing.T, issuer string, now func() time.Time) *loadDoor {
	t.Helper()
	keys, err := jwks.NewHTTP(jwks.HTTPConfig{URL: issuer + "/jwks", Now: now, Between: loadAhead / 4})
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := narrowcast.NewVerifier(narrowcast.Config{
		Audience: narrowcast.MustAudience(payDoor), Now: now, Algorithms: ownAlgorithms(),
		Issuers: []narrowcast.TrustedIssuer{{Issuer: narrowcast.MustIssuer(issuer), Keys: keys}},
	})
	if err != nil {
		t.Fatal(err)
	}
	d := &loadDoor{reasons: map[string]narrowcast.Reason{}}
	g, err := guard.New(guard.Config{Verifier: verifier, Sink: d, Now: now, Name: "door", NoisePerSecond: 1000})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "served") })))
	ctx, stop := context.WithCancel(t.Context())
	var working sync.WaitGroup
	working.Go(func() { g.Run(ctx) })
	working.Go(func() { _ = keys.Run(ctx) }) // ends with ctx
	t.Cleanup(func() { server.Close(); stop(); working.Wait() })
	d.url = server.URL
	return d
}

// show shows a token and returns the status, and the reason of a refusal.
func (d *loadDoor) show(t *testing.T, client *http.Client, token string) (int, narrowcast.Reason) {
	req, err := http.NewRequest(http.MethodGet, d.url+"/charge", nil)
	if err != nil {
		t.Error(err)
		return 0, 0
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := client.Do(req)
	if err != nil {
		t.Error(err)
		return 0, 0
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Error(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return resp.StatusCode, d.reasons[resp.Header.Get(guard.DecisionHeader)]
}

// mustSay shows a token that must be refused for a reason, or accepted.
func (d *loadDoor) mustSay(t *testing.T, client *http.Client, token string, want narrowcast.Reason) {
	t.Helper()
	wanted := http.StatusOK
	if want != 0 {
		wanted = http.StatusUnauthorized
	}
	if status, why := d.show(t, client, token); status != wanted || why != want {
		t.Errorf("status %d, reason %s; want %d, %s", status, why, wanted, want)
	}
}

// letterAt is a token for payments by a press that somebody has taken away.
func letterAt(t *testing.T, press *mint.Press, at time.Time) string {
	t.Helper()
	text, err := press.Mint(mint.Letter{
		Audience: narrowcast.MustAudience(payDoor), Subject: "mallory", Client: "mallory", ID: mint.NewTokenID(),
		IssuedAt: at, Lifetime: time.Minute,
	})
	if err != nil {
		t.Error(err)
	}
	return text
}

// strangePress signs with a key that nobody has.
func strangePress(t *testing.T, issuer string) *mint.Press {
	t.Helper()
	made, err := credential.New(narrowcast.MustIssuer(issuer), "stranger")
	if err != nil {
		t.Fatal(err)
	}
	press, err := mint.New(mint.Config{Issuer: made.Issuer, KeyID: made.Key.ID(), Algorithm: made.Key.Algorithm(), Signer: made.Signer()})
	if err != nil {
		t.Fatal(err)
	}
	return press
}

// signerSettings builds the program in front of a PKCS #11 token, makes a token
// of SoftHSM, and returns the lines of the settings that name them, and the
// pattern of the files that the token keeps its objects in.
func signerSettings(t *testing.T) (lines []string, objects string) {
	t.Helper()
	module := ""
	for _, pattern := range []string{"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/*/softhsm/libsofthsm2.so"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			module = found[0]
		}
	}
	if module == "" {
		t.Fatal("libsofthsm2.so is missing: install the Debian package softhsm2")
	}
	dir := t.TempDir()
	program, conf, pin := filepath.Join(dir, "signer"), filepath.Join(dir, "conf"), filepath.Join(dir, "pin")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/narrowcast-signer-pkcs11")
	build.Dir = filepath.Join("..", "..", "..", "adapters", "kms")
	build.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the signer cannot be built; it needs a C compiler, Debian package gcc: %v\n%s", err, out)
	}
	if err := os.Mkdir(filepath.Join(dir, "tokens"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{conf: "directories.tokendir = " + dir + "/tokens\nobjectstore.backend = file\n", pin: "271828\n"} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("SOFTHSM2_CONF", conf)
	made := exec.CommandContext(t.Context(), "softhsm2-util", "--init-token", "--free", "--label", "t", "--so-pin", "314159", "--pin", "271828")
	if out, err := made.CombinedOutput(); err != nil {
		t.Fatalf("a token could not be made with softhsm2-util of the Debian package softhsm2: %v: %s", err, out)
	}
	return []string{
		"signer:",
		fmt.Sprintf("  command: [%s, -module, %s, -token-label, t, -pin-file, %s, -rsa-bits, \"2048\"]", strconv.Quote(program), strconv.Quote(module), strconv.Quote(pin)),
		"  environment: [SOFTHSM2_CONF]", "  make_keys: signer",
	}, filepath.Join(dir, "tokens", "*", "*.object")
}
