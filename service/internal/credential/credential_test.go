package credential_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/credential"
)

func TestWriteThenRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkout.json")
	made, err := credential.New(narrowcast.MustIssuer("https://issuer.example.test"), "checkout")
	if err != nil {
		t.Fatal(err)
	}
	if err := made.Write(path); err != nil {
		t.Fatal(err)
	}
	read, err := credential.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if read.Client != made.Client || read.Issuer != made.Issuer || read.Key.ID() != made.Key.ID() {
		t.Errorf("read %v, wrote %v", read, made)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, %v", info.Mode(), err)
	}
	if err := made.Write(path); err == nil {
		t.Error("a second Write overwrote the file")
	}
}

func TestReadRefusesWithoutRepeatingTheContent(t *testing.T) {
	for name, content := range map[string]string{
		"no json":     `-----BEGIN PRIVATE KEY----- topsecret`,
		"unknown key": `{"issuer":"https://issuer.example.test","client_id":"c","algorithm":"ES256","private_key":"topsecret","x":1}`,
		"bad key":     `{"issuer":"https://issuer.example.test","client_id":"c","algorithm":"ES256","private_key":"topsecret"}`,
		"no issuer":   `{"client_id":"c","algorithm":"ES256","private_key":"topsecret"}`,
	} {
		path := filepath.Join(t.TempDir(), "c.json")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := credential.Read(path)
		if err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), "topsecret") {
			t.Errorf("%s: the error repeats the content: %v", name, err)
		}
	}
}

func TestPrintingGivesNothingAway(t *testing.T) {
	c, err := credential.New(narrowcast.MustIssuer("https://issuer.example.test"), "checkout")
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(verb, c); text != c.String() {
			t.Errorf("%s prints %q", verb, text)
		}
	}
}
