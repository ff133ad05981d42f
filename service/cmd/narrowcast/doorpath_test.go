package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/settings"
)

// pressOf makes keys, writes the public one to file and returns what signs.
func pressOf(t *testing.T, file string) *mint.Press {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := narrowcast.NewKey(narrowcast.KeyConfig{ID: "k", Algorithm: narrowcast.ES256, Public: &private.PublicKey})
	if err != nil {
		t.Fatal(err)
	}
	set, err := jwks.Marshal([]narrowcast.Key{key})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, set, 0o600); err != nil {
		t.Fatal(err)
	}
	press, err := mint.New(mint.Config{Issuer: narrowcast.MustIssuer("https://issuer.example.test"), KeyID: "k", Algorithm: narrowcast.ES256, Signer: private})
	if err != nil {
		t.Fatal(err)
	}
	return press
}

// TestNoTargetGetsPastTheRoutes asks a whole door, as the program puts it
// together, for a path that needs a scope which the token has not.
func TestNoTargetGetsPastTheRoutes(t *testing.T) {
	dir := t.TempDir()
	token, err := pressOf(t, filepath.Join(dir, "keys.json")).Mint(mint.Letter{
		Audience: narrowcast.MustAudience("https://pay.example.test"), Subject: "c", Client: "c", ID: "j",
		IssuedAt: time.Now(), Lifetime: time.Minute, Scope: narrowcast.MustScope("read"),
	})
	if err != nil {
		t.Fatal(err)
	}
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "served %s", r.URL.Path) }))
	defer upstream.Close()
	text := "name: g\naudience: https://pay.example.test\nissuers:\n  - id: https://issuer.example.test\n    jwks_file: keys.json\nalgorithms: [ES256]\nupstream: " + upstream.URL +
		"\nevents: {file: events.jsonl}\nroutes:\n  - {path: /, scope: [read]}\n  - {path: /admin, scope: [admin]}\n"
	s, err := settings.ParseGuard(filepath.Join(dir, "guard.yaml"), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	a := &app{in: strings.NewReader(""), out: io.Discard, errs: &bytes.Buffer{}, now: time.Now, getenv: func(string) string { return "" }}
	d, err := a.openDoor(s, slog.New(slog.NewJSONHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	front := httptest.NewServer(d.handler)
	defer front.Close()
	const refused = "invalid_request"
	for target, want := range map[string]string{
		"/ok": "served /ok", "/admin": "insufficient_scope", "/Admin": "insufficient_scope", // controls, and capitals
		"http:http://x.example.test/admin": refused, "x:http://x.example.test/admin/users": refused,
		"//admin": refused, "/admin;x": refused, "/admin%20": refused, "/admin/.": refused,
	} {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", front.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: pay.example.test\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n", target, token)
		answer, err := io.ReadAll(c)
		_ = c.Close()
		if _, body, _ := strings.Cut(string(answer), "\r\n\r\n"); err != nil || !strings.Contains(body, want) {
			t.Errorf("%s: %q %v, want %q", target, body, err, want)
		}
	}
}
