//go:build !fast

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/credential"
	"github.com/narrowcast-io/narrowcast/service/internal/settings"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/store/postgres/pgtest"
)

// replica is one of several processes that are one issuer. They differ by where
// they listen.
type replica struct {
	*killHome
	name    string
	life    *life
	granted atomic.Int64 // tokens that clients received from it
}

// newReplicas makes an issuer on a PostgreSQL server and a second home for it,
// and starts nothing.
func newReplicas(t *testing.T, server *pgtest.Server, schema string, more ...string) (a, b *replica) {
	t.Helper()
	dir := t.TempDir()
	first := &killHome{dir: filepath.Join(dir, "a"), address: freeAddress(t)}
	first.issuer = "http://" + first.address
	if out, err := first.command(t, "init", first.dir, "--issuer", first.issuer, "--listen", first.address, "--operations", "127.0.0.1:0",
		"--postgres", server.URL(), "--password-file", server.PasswordFile, "--schema", schema); err != nil {
		t.Fatalf("init: %v\n%s", err, out)
	}
	first.addSettings(t, more...)
	first.meetClient(t)
	second := &killHome{dir: filepath.Join(dir, "b"), address: freeAddress(t), issuer: first.issuer, press: first.press, client: first.client}
	if err := os.CopyFS(second.dir, os.DirFS(first.dir)); err != nil {
		t.Fatal(err)
	}
	second.replaceSettings(t, "listen: "+first.address, "listen: "+second.address)
	if err := os.Chmod(filepath.Join(second.dir, masterKeyFile), 0o600); err != nil {
		t.Fatal(err)
	}
	return &replica{killHome: first, name: "A"}, &replica{killHome: second, name: "B"}
}

// meetClient reads the credential of the client that asks.
func (h *killHome) meetClient(t *testing.T) {
	t.Helper()
	c, err := credential.Read(filepath.Join(h.dir, credentialsDir, "checkout.json"))
	if err != nil {
		t.Fatal(err)
	}
	h.client = c.Client
	h.press, err = mint.New(mint.Config{
		Issuer: narrowcast.MustIssuer(string(c.Client)), KeyID: c.Key.ID(), Algorithm: c.Key.Algorithm(), Signer: c.Signer(),
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (h *killHome) addSettings(t *testing.T, lines ...string) {
	t.Helper()
	h.editSettings(t, func(text string) string { return text + strings.Join(lines, "\n") + "\n" })
}

func (h *killHome) replaceSettings(t *testing.T, old, by string) {
	t.Helper()
	h.editSettings(t, func(text string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("the settings do not say %q:\n%s", old, text)
		}
		return strings.Replace(text, old, by, 1)
	})
}

func (h *killHome) editSettings(t *testing.T, edit func(string) string) {
	t.Helper()
	path := filepath.Join(h.dir, settingsFile)
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, []byte(edit(string(text))), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// kept opens the store of a home for reading.
func (h *killHome) kept(t *testing.T) store.Source {
	t.Helper()
	s, err := settings.LoadIssuer(filepath.Join(h.dir, settingsFile))
	if err != nil {
		t.Fatal(err)
	}
	kept, err := command(h.dir).readStore(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kept.Close() })
	return kept.(store.Source)
}

// grant is what a token endpoint answered.
type grant struct {
	Token  string `json:"access_token"`
	Type   string `json:"token_type"`
	Error  string `json:"error"`
	status int
	said   narrowcast.Claimed
}

// post sends a token request. An error means that no answer arrived.
func (h *killHome) post(client *http.Client, form url.Values, proof string) (g grant, err error) {
	req, err := http.NewRequest(http.MethodPost, "http://"+h.address+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		return g, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if proof != "" {
		req.Header.Set("DPoP", proof)
	}
	resp, err := client.Do(req)
	if err != nil {
		return g, err
	}
	defer resp.Body.Close()
	g.status = resp.StatusCode
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<16)).Decode(&g); err != nil {
		return g, err
	}
	if g.status == http.StatusOK {
		g.said, err = narrowcast.Inspect(g.Token)
	}
	return g, err
}

// mustSay asks and wants a status, and an error code if there is one.
func (h *killHome) mustSay(t *testing.T, form url.Values, proof string, status int, code string) grant {
	t.Helper()
	g, err := h.post(http.DefaultClient, form, proof)
	if err != nil || g.status != status || g.Error != code {
		t.Errorf("status %d, error %q, %v; want status %d, error %q", g.status, g.Error, err, status, code)
	}
	return g
}

// fresh is a token request with a fresh assertion.
func (h *killHome) fresh(t *testing.T, resource string) url.Values {
	t.Helper()
	form, err := h.request()
	if err != nil {
		t.Fatal(err)
	}
	form.Set("resource", resource)
	return form
}

// within tries until it works; the limit only ends a hopeless wait. It returns
// how long it took.
func within(t *testing.T, limit time.Duration, what string, try func() error) time.Duration {
	t.Helper()
	began := time.Now()
	late := time.NewTimer(limit)
	defer late.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		err := try()
		if err == nil {
			return time.Since(began)
		}
		select {
		case <-again.C:
		case <-late.C:
			t.Fatalf("%s: not within %s: %v", what, limit, err)
		}
	}
}

var errNotYet = errors.New("not yet")

// more waits until a replica has granted n tokens more.
func (r *replica) more(t *testing.T, n int64, after string) {
	t.Helper()
	until := r.granted.Load() + n
	took := within(t, 30*time.Second, "replica "+r.name+" serves after "+after, func() error {
		if now := r.granted.Load(); now < until {
			return fmt.Errorf("%w: %d tokens of %d", errNotYet, now, until)
		}
		return nil
	})
	t.Logf("replica %s serves %s after %s", r.name, took.Round(10*time.Millisecond), after)
}
