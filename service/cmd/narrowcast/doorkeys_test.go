package main

import (
	"encoding/json"
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

// TestBundlesOfTrustDomains: the keys of a trust domain come from its bundle, in a
// file or at its endpoint, and a key for another use is none of them.
func TestBundlesOfTrustDomains(t *testing.T) {
	dir := t.TempDir()
	forge := forgery{
		keyFile: filepath.Join(dir, "corp.key"), set: true, typ: "JWT", life: time.Minute, claims: filepath.Join(dir, "claims.json"),
	}
	plain, err := forge.write()
	if err != nil {
		t.Fatal(err)
	}
	bundle := strings.Replace(plain, `"use":"sig"`, `"use":"jwt-svid"`, 1)
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, bundle) }))
	defer endpoint.Close()
	for name, text := range map[string]string{
		"bundle.json": bundle, "plain.json": plain, "claims.json": `{"aud":"https://pay.example.test","sub":"spiffe://corp.example/shop"}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	forge.set = false
	token, err := forge.write()
	if err != nil {
		t.Fatal(err)
	}
	for place, want := range map[string]int{
		"jwks_file: bundle.json":    http.StatusBadGateway, // let through, and nobody is behind
		"jwks_url: " + endpoint.URL: http.StatusBadGateway,
		"jwks_file: plain.json":     http.StatusUnauthorized,
		"jwks_file: gone.json":      http.StatusUnauthorized,
	} {
		text := "name: g\naudience: https://pay.example.test\nissuers:\n  - id: spiffe://corp.example\n    profile: jwt-svid\n    " + place +
			"\nalgorithms: [ES256]\nupstream: http://127.0.0.1:1\nevents: {file: events.jsonl}\n"
		s, err := settings.ParseGuard(filepath.Join(dir, "guard.yaml"), []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		a := &app{in: strings.NewReader(""), out: io.Discard, errs: io.Discard, now: time.Now, getenv: func(string) string { return "" }}
		d, err := a.openDoor(s, slog.New(slog.NewJSONHandler(io.Discard, nil)))
		if err != nil {
			t.Fatal(err)
		}
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		d.handler.ServeHTTP(w, r)
		ready := d.ready(t.Context()) == nil
		if w.Code != want || ready != (place != "jwks_file: gone.json") {
			t.Errorf("%s: %d, want %d; ready %t", place, w.Code, want, ready)
		}
		state, err := json.Marshal(d.state())
		if err != nil || !strings.Contains(string(state), `"issuer":"spiffe://corp.example","reads":"jwt-svid; own-words","usable":`) {
			t.Errorf("%s: %s %v", place, state, err)
		}
		if err := d.close(); err != nil {
			t.Error(err)
		}
	}
}
