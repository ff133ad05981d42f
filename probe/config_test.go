package probe_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/probe"
)

func TestTargetsWithoutConsentAreRefused(t *testing.T) {
	for address, want := range map[string]string{
		"http://127.0.0.1:8080/x":           "",
		"http://[::1]:8080/":                "",
		"http://localhost:8080/":            "",
		"https://pay.example.test/":         "",
		"https://pay.example.test:8443/":    "neither loopback nor in Hosts",
		"https://crm.example.test/":         "neither loopback nor in Hosts",
		"http://pay.example.test/":          "must be https",
		"http://127.0.0.1.attacker.example": "neither loopback nor in Hosts",
		"https://user@pay.example.test/":    "user information",
		"ftp://127.0.0.1/":                  "Target is required",
		"":                                  "Target is required",
	} {
		_, err := probe.New(probe.Config{
			Target: address, Hosts: []string{"pay.example.test"},
			Audience: audience, Issuer: issuer, Keys: probeKeys(t), Now: now,
		})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: err = %v; want one that says %q", address, err, want)
		}
	}
}

func TestAllFaultsOfTheConfigurationAreToldAtOnce(t *testing.T) {
	_, err := probe.New(probe.Config{Algorithm: "HS256", Required: charge, Scope: narrowcast.MustScope("refund"), Timeout: -1, Pause: -1})
	for _, want := range []string{"Target", "Audience", "Issuer", "Keys", "Now", "Algorithm", "Scope", "Timeout", "Pause"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err = %v; does not name %s", err, want)
		}
	}
}

func TestZeroProberRefuses(t *testing.T) {
	var p *probe.Prober
	if _, err := p.Run(t.Context()); err == nil {
		t.Error("a prober that was never made went on a visit")
	}
	if _, err := new(probe.Prober).Run(t.Context()); err == nil {
		t.Error("the zero prober went on a visit")
	}
}

func TestKeysComeBackFromTheirFile(t *testing.T) {
	text, err := probeKeys(t).DangerouslyMarshalPrivate()
	if err != nil {
		t.Fatal(err)
	}
	again, err := probe.ParseKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	twice, err := again.DangerouslyMarshalPrivate()
	if err != nil || !bytes.Equal(text, twice) {
		t.Errorf("the keys do not come back: %v", err)
	}
	for name, damaged := range map[string][]byte{
		"empty":           nil,
		"half":            text[:len(text)/2],
		"trailing":        append(bytes.Clone(text), "x"...),
		"twice":           append(bytes.Clone(text), text...),
		"other algorithm": bytes.Replace(text, []byte("Algorithm: ES256"), []byte("Algorithm: ES384"), 1),
		"other role":      bytes.ReplaceAll(text, []byte("Role: stranger"), []byte("Role: friend")),
		"large":           bytes.Repeat([]byte("x"), 100<<10),
	} {
		if _, err := probe.ParseKeys(damaged); err == nil {
			t.Errorf("%s: read without an error", name)
		}
	}
}

func TestKeysDoNotShowThemselves(t *testing.T) {
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(format, probeKeys(t)); got != "5 probe keys" {
			t.Errorf("%s shows %q", format, got)
		}
	}
	set, err := probeKeys(t).PublicSet()
	if err != nil || bytes.Contains(set, []byte(`"d"`)) || bytes.Count(set, []byte(`"kid"`)) != 5 {
		t.Errorf("public set: %s, %v", set, err)
	}
}

func FuzzParseKeys(f *testing.F) {
	text, err := probeKeys(f).DangerouslyMarshalPrivate()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if k, err := probe.ParseKeys(text); err == nil && k == nil {
			t.Error("neither keys nor an error")
		}
	})
}
