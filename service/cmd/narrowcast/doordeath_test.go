package main

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/credential"
	"github.com/narrowcast-io/narrowcast/service/internal/settings"
)

// TestADoorAsksAnIssuerThatItTrusts: the feed of another one tells of no token that
// the door takes, and everything would look well.
func TestADoorAsksAnIssuerThatItTrusts(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "keys.json"), []byte(attackKeys), 0o600); err != nil {
		t.Fatal(err)
	}
	who, err := credential.New(narrowcast.MustIssuer("https://issuer.example.test"), "guard-pay")
	if err == nil {
		err = who.Write(filepath.Join(dir, "guard.json"))
	}
	if err != nil {
		t.Fatal(err)
	}
	const ours, theirs = "  - {id: \"https://issuer.example.test\", jwks_file: keys.json}\n", "  - {id: \"https://other.example.test\", jwks_file: keys.json}\n"
	const follows = "feed: {file: pay.feed, credential_file: guard.json}\n"
	for name, c := range map[string]struct {
		issuers, death string
		opens, warns   bool
	}{
		"its feed":               {ours, follows, true, false},
		"another's feed":         {theirs, follows, false, true},
		"the feed of one of two": {ours + theirs, follows, true, true},
		"no feed":                {theirs, "", true, false},
		"its uses":               {ours + theirs, "feed: {file: pay.feed, credential_file: guard.json}\nsingle_use: {replicas: 2, shared: issuer}\n", true, true},
	} {
		text := "name: g\naudience: https://pay.example.test\nissuers:\n" + c.issuers +
			"algorithms: [ES256]\nupstream: http://127.0.0.1:1\nevents: {file: events.jsonl}\n" + c.death
		s, err := settings.ParseGuard(filepath.Join(dir, "guard.yaml"), []byte(text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var log bytes.Buffer
		a := &app{in: strings.NewReader(""), out: io.Discard, errs: &bytes.Buffer{}, now: time.Now, getenv: func(string) string { return "" }}
		d, err := a.openDoor(s, slog.New(slog.NewJSONHandler(&log, nil)))
		if (err == nil) != c.opens || strings.Contains(log.String(), "only expiry ends") != c.warns {
			t.Errorf("%s: %v, log %s", name, err, log.String())
		}
		if d != nil {
			if err := d.close(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
