//go:build unix

package runner_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/runner"
)

const secret = "s3cr3t.token.text"

type tokens struct{}

func (tokens) Token(_ context.Context, name, scope string) (runner.Issued, error) {
	switch name {
	case "pay":
		return runner.Issued{Token: secret, Resource: "https://pay.example.test", Scope: scope, Expires: time.Unix(1_800_000_000, 0)}, nil
	case "down":
		return runner.Issued{}, errors.New("the issuer is away")
	}
	return runner.Issued{}, runner.ErrNotInTask
}

func TestSocketHandsOutTheTokensOfTheTask(t *testing.T) {
	var log strings.Builder
	s, err := runner.ServeSocket(tokens{}, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	path := s.Path()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}}
	get := func(query, accept string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://task/token"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", accept)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	for query, want := range map[string]int{
		"?for=pay": 200, "?for=pay&scope=charge": 200, "?for=crm": 403, "?for=down": 502, "": 400, "?for=pay&for=crm": 400, "?for=": 403,
	} {
		status, body := get(query, "*/*")
		if status != want || (status == 200) != (body == secret) || status != 200 && strings.Contains(body, secret) {
			t.Errorf("%s: %d %s", query, status, body)
		}
	}
	var issued runner.Issued
	if status, body := get("?for=pay&scope=charge", "application/json"); status != 200 || json.Unmarshal([]byte(body), &issued) != nil ||
		issued.Token != secret || issued.Resource != "https://pay.example.test" || issued.Scope != "charge" {
		t.Errorf("%d %s", status, body)
	}
	if printed := fmt.Sprintf("%v %+v %#v", issued, issued, issued); strings.Contains(printed, secret) || strings.Contains(log.String(), secret) {
		t.Errorf("a token shows: %s %s", printed, log.String())
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory of the socket: %v, %v", info.Mode(), err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

// A directory for temporary files that lies deep is no reason not to run: there is
// room for about a hundred bytes in the address of a socket.
func TestADeepDirectoryForTemporaryFiles(t *testing.T) {
	deep := filepath.Join(t.TempDir(), strings.Repeat("d", 100))
	if err := os.Mkdir(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"deep": deep, "flat": "/tmp"} {
		t.Setenv("TMPDIR", dir)
		s, err := runner.ServeSocket(tokens{}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left, err := os.ReadDir(deep); err != nil || len(left) != 0 {
		t.Errorf("%d things are left, %v", len(left), err)
	}
}
