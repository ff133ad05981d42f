package main

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/settings"
)

// asked is a whole door that answers a proxy, as the program puts it together.
func asked(t *testing.T, audience, dialect string) *door {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "keys.json"), []byte(attackKeys), 0o600); err != nil {
		t.Fatal(err)
	}
	text := "name: g\naudience: " + audience + "\nissuers:\n  - id: https://issuer.example.test\n    jwks_file: keys.json\nalgorithms: [ES256]\nforward_auth: " +
		dialect + "\npass_claims: {sub: X-Caller}\nevents: {file: events.jsonl}\n"
	s, err := settings.ParseGuard(filepath.Join(dir, "guard.yaml"), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	a := &app{in: strings.NewReader(""), out: io.Discard, errs: &bytes.Buffer{}, now: time.Now, getenv: func(string) string { return "" }}
	d, err := a.openDoor(s, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.close() })
	return d
}

// TestEveryYesIsADecision: to a proxy that asks with the request line of the caller
// every 200 is leave to pass, so that no path may have one without a token.
func TestEveryYesIsADecision(t *testing.T) {
	for _, audience := range []string{"https://pay.example.test", "https://api.example.test/pay", "https://api.example.test/pay/"} {
		d := asked(t, audience, settings.RequestLine)
		at := d.guard.MetadataPath()
		for _, target := range []string{"/", at, at + "/", at + "/%2e%2e/%2e%2e/%2e%2e/admin", at + "%2e%2e/%2e%2e/%2e%2e/admin", at + "users", "/" + at} {
			for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
				w := httptest.NewRecorder()
				d.handler.ServeHTTP(w, httptest.NewRequest(method, target, nil))
				if w.Code != http.StatusUnauthorized && w.Code != http.StatusBadRequest {
					t.Errorf("%s: %s %s without a token: %d", audience, method, target, w.Code)
				}
			}
		}
	}
}

// TestMetadataStandsAtOnePath: at the door where that is no leave to pass, at the
// operations for every door, and nowhere below its path.
func TestMetadataStandsAtOnePath(t *testing.T) {
	for dialect, atTheDoor := range map[string]int{settings.XForwarded: http.StatusOK, settings.XOriginal: http.StatusOK, settings.RequestLine: http.StatusUnauthorized} {
		d := asked(t, "https://api.example.test/pay/", dialect)
		at := d.guard.MetadataPath()
		for target, want := range map[string][2]int{at: {atTheDoor, http.StatusOK}, at + "users": {http.StatusUnauthorized, http.StatusNotFound}} {
			for i, h := range []http.Handler{d.handler, d.operations} {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
				if w.Code != want[i] || w.Code == http.StatusOK && !strings.Contains(w.Body.String(), `"resource":"https://api.example.test/pay/"`) {
					t.Errorf("%s: %s at handler %d: %d %s", dialect, target, i, w.Code, w.Body)
				}
			}
		}
	}
}

// TestCheckedIsComplete: what the guard would refuse when it starts is found by
// guard check, without the files that only a start needs.
func TestCheckedIsComplete(t *testing.T) {
	const good = "name: g\naudience: https://pay.example.test\nissuers:\n  - {id: https://issuer.example.test, jwks_file: keys.json}\nalgorithms: [ES256]\nupstream: http://127.0.0.1:1\nevents: {file: events.jsonl}\n"
	for lines, want := range map[string]string{
		"pass_claims: {sub: X-Caller}\nsender: preferred\ndpop: {nonces: true, nonce_secret_file: nonce.secret}\n": "",
		"mode: observe\nobserve: {owner: team-payments, until: 2026-12-01}\n":                                      "",
		"mode: observe\nobserve: {owner: team-payments, until: 2099-12-01}\n":                                      "more than 92 days away",
		"pass_claims: {sub: Narrowcast-Decision}\n":                                                                "has a meaning of its own",
		"pass_claims: {sub: X-Caller, client_id: XCaller}\n":                                                       "look alike",
		"sender: preferred\ndpop: {origin: http://pay.localhost:9000}\n":                                           "http on a loopback host",
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, "guard.yaml")
		if err := os.WriteFile(file, []byte(good+lines), 0o600); err != nil {
			t.Fatal(err)
		}
		var errs bytes.Buffer
		now := func() time.Time { return time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC) }
		a := &app{args: []string{"guard", "check", "--config", file}, in: strings.NewReader(""), out: io.Discard, errs: &errs, now: now, getenv: func(string) string { return "" }}
		switch code := run(t.Context(), a); {
		case want == "" && code != 0, want != "" && (code != 2 || !strings.Contains(errs.String(), want)):
			t.Errorf("%s: %d %s", lines, code, errs.String())
		}
	}
}
