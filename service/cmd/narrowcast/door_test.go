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
	"syscall"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/metrics"
	"github.com/narrowcast-io/narrowcast/service/internal/settings"
)

const attackKeys = `{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","kid":"k","use":"sig","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}`

// TestNoAudienceMakesADoorPanic: an audience that the reader takes must not make the
// program panic.
func TestNoAudienceMakesADoorPanic(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "keys.json"), []byte(attackKeys), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, audience := range []string{
		"https://pay.example.test", "https://pay.example.test//x", "https://pay.example.test/a/", "https://pay.example.test/a%2Fb", "urn:x:y", "plain",
		"https://pay.example.test/%7Bx%7D", "https://pay.example.test/$", "https://pay.example.test/a//",
	} {
		func() {
			defer func() {
				if p := recover(); p != nil {
					t.Errorf("%s: panic: %v", audience, p)
				}
			}()
			text := "name: g\naudience: " + audience + "\nissuers:\n  - id: https://issuer.example.test\n    jwks_file: keys.json\nalgorithms: [ES256]\nupstream: http://127.0.0.1:1\nevents: {file: events.jsonl}\n"
			s, err := settings.ParseGuard(filepath.Join(dir, "guard.yaml"), []byte(text))
			if err != nil {
				t.Logf("%s: %v", audience, err)
				return
			}
			a := &app{in: strings.NewReader(""), out: io.Discard, errs: &bytes.Buffer{}, now: time.Now, getenv: func(string) string { return "" }}
			d, err := a.openDoor(s, slog.New(slog.NewJSONHandler(io.Discard, nil)))
			if err != nil {
				t.Logf("%s: %v", audience, err)
				return
			}
			defer d.close()
			w := httptest.NewRecorder()
			d.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, d.guard.MetadataPath(), nil))
			t.Logf("%s: metadata %d", audience, w.Code)
		}()
	}
}

// TestInitLeavesNothingReadable: what init leaves readable for others under umask 0.
func TestInitLeavesNothingReadable(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	dir := filepath.Join(t.TempDir(), "home")
	a := &app{args: []string{"init", dir}, in: strings.NewReader(""), out: io.Discard, errs: &bytes.Buffer{}, now: time.Now, getenv: func(string) string { return "" }}
	if code := run(t.Context(), a); code != 0 {
		t.Fatal(a.errs)
	}
	a.home = dir
	s, err := a.issuerSettings()
	if err != nil {
		t.Fatal(err)
	}
	h, err := a.openHouse(t.Context(), s, slog.New(slog.NewJSONHandler(io.Discard, nil)), metrics.New())
	if err != nil {
		t.Fatal(err)
	}
	if err := h.ring.Tick(t.Context()); err != nil { // writes, so that the files beside the book exist
		t.Fatal(err)
	}
	_ = filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		t.Logf("%s %s", info.Mode(), rel)
		public := strings.HasPrefix(rel, "registry") || rel == "narrowcast.yaml"
		if !public && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is %s", rel, info.Mode())
		}
		return nil
	})
	_ = h.close()
}

// TestTokensOnTheCommandLineAreNotRepeated: forms of a token on the command line that are repeated.
func TestTokensOnTheCommandLineAreNotRepeated(t *testing.T) {
	token := "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiYXQrand0In0.eyJqdGkiOiJ0In0.eAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for _, args := range [][]string{
		{"inspect", token}, {"inspect", "Bearer " + token}, {"inspect", " " + token}, {"where", token}, {"why", token}, {"ledger", "get", token}, {"token", "--for", token, "--credential", "x"}, {"inspect", "--" + token}, {token}, {"audience", "show", token},
		{"inspect", "-", "--keys", token},
	} {
		var errs bytes.Buffer
		a := &app{args: args, in: strings.NewReader(""), out: io.Discard, errs: &errs, now: time.Now, getenv: func(string) string { return "" }}
		a.home = t.TempDir()
		a.args = append(a.args, "--home", a.home)
		run(t.Context(), a)
		if strings.Contains(errs.String(), token[:70]) {
			t.Errorf("%s: repeated: %.120s", args[0], errs.String())
		}
	}
}
