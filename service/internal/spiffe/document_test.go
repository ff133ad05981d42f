package spiffe_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/spiffe"
)

const (
	ecX = `"crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"`
	okp = `"crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"`
)

func entry(use, kid string) string {
	return fmt.Sprintf(`{"kty":"EC","use":%q,"kid":%q,%s}`, use, kid, ecX)
}

func TestParseBundle(t *testing.T) {
	at := newClock()
	a := authority(t, corp, at.now)
	b := must[*spiffe.Bundle](t)(spiffe.ParseBundle(corp, document(t, a)))
	if len(b.Authorities()) != 1 || b.Keys() != 1 || b.Refresh() != 10*time.Second || b.Domain() != corp {
		t.Errorf("a bundle of go-spiffe is read as %d authorities, %d keys, refresh %s", len(b.Authorities()), b.Keys(), b.Refresh())
	}
	for name, c := range map[string]struct {
		text    string
		keys    int
		refresh time.Duration
	}{
		"null is empty":       {`{"keys":null}`, 0, spiffe.DefaultRefresh},
		"empty revokes":       {`{"keys":[]}`, 0, spiffe.DefaultRefresh},
		"a key":               {`{"keys":[` + entry("jwt-svid", "a") + `]}`, 1, spiffe.DefaultRefresh},
		"other uses left out": {`{"keys":[` + entry("wit-svid", "a") + `,` + entry("sig", "b") + `,{"kty":"EC","kid":"c",` + ecX + `}]}`, 0, spiffe.DefaultRefresh},
		"no EdDSA":            {`{"keys":[{"kty":"OKP","use":"jwt-svid","kid":"a",` + okp + `}]}`, 0, spiffe.DefaultRefresh},
		"a hint too short":    {`{"spiffe_refresh_hint":1,"keys":[]}`, 0, spiffe.LeastRefresh},
		"a hint too long":     {`{"spiffe_refresh_hint":18446744073709551615,"keys":[]}`, 0, spiffe.MostRefresh},
		"a hint":              {`{"spiffe_refresh_hint":60,"keys":[]}`, 0, time.Minute},
	} {
		b, err := spiffe.ParseBundle(corp, []byte(c.text))
		if err != nil || b.Keys() != c.keys || b.Refresh() != c.refresh {
			t.Errorf("%s: %+v, %v", name, b, err)
		}
	}
	cert := svid(t, a, checkout, nil)[0]
	for name, text := range map[string]string{
		"no keys member":         `{}`,
		"keys as an object":      `{"keys":{}}`,
		"Keys":                   `{"Keys":[]}`,
		"a name twice":           `{"keys":[],"spiffe_sequence":1,"spiffe_sequence":2}`,
		"a name twice in a key":  `{"keys":[{"use":"jwt-svid","use":"x509-svid"}]}`,
		"a name twice, escaped":  `{"keys":[],"a":{"b":1,"\u0062":2}}`,
		"something behind it":    `{"keys":[]}{}`,
		"a kid twice":            `{"keys":[` + entry("jwt-svid", "a") + `,` + entry("jwt-svid", "a") + `]}`,
		"no kid":                 `{"keys":[` + entry("jwt-svid", "") + `]}`,
		"a private key":          `{"keys":[{"kty":"EC","use":"jwt-svid","kid":"a","d":"AA",` + ecX + `}]}`,
		"a negative sequence":    `{"keys":[],"spiffe_sequence":-1}`,
		"a hint as text":         `{"keys":[],"spiffe_refresh_hint":"60"}`,
		"an authority without":   `{"keys":[{"kty":"EC","use":"x509-svid",` + ecX + `}]}`,
		"not base64":             `{"keys":[{"kty":"EC","use":"x509-svid","x5c":["-"]}]}`,
		"a leaf as an authority": `{"keys":[{"kty":"EC","use":"x509-svid","x5c":["` + base64.StdEncoding.EncodeToString(cert.Raw) + `"]}]}`,
		"too deep":               `{"keys":[],"a":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`,
		"too many keys":          `{"keys":[` + strings.Repeat("{},", 200) + `{}]}`,
		"too large":              `{"keys":[]` + strings.Repeat(" ", spiffe.MaxBundle) + `}`,
		"not UTF-8":              "{\"keys\":[],\"a\":\"\xff\"}",
	} {
		if _, err := spiffe.ParseBundle(corp, []byte(text)); !errors.Is(err, spiffe.ErrRefused) {
			t.Errorf("%s is accepted: %v", name, err)
		}
	}
	if _, err := spiffe.ParseBundle("Corp", []byte(`{"keys":[]}`)); err == nil {
		t.Error("a bad domain has a bundle")
	}
}

func TestAuthoritiesOfOneDomain(t *testing.T) {
	at := newClock()
	source := must[*spiffe.Source](t)(spiffe.NewFixed(corp, document(t, authority(t, corp, at.now))))
	if got, err := source.Authorities(t.Context(), corp); err != nil || len(got) != 1 {
		t.Errorf("authorities of its domain: %d, %v", len(got), err)
	}
	if got, err := source.Authorities(t.Context(), partner); !errors.Is(err, spiffe.ErrRefused) || got != nil {
		t.Errorf("authorities of another domain: %d, %v", len(got), err)
	}
}

func TestFile(t *testing.T) {
	at := newClock()
	a := authority(t, corp, at.now)
	path := filepath.Join(t.TempDir(), "bundle.json")
	source := must[*spiffe.Source](t)(spiffe.NewFile(spiffe.FileConfig{Domain: corp, Path: path, Now: at.now}))
	first := keyID(t, a)
	wants(t, source, first, spiffe.ErrUnavailable)
	write := func(text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		at.add(spiffe.DefaultEvery)
	}
	old := document(t, a)
	write(old)
	wants(t, source, first, nil)

	if err := a.RotateJWT(); err != nil {
		t.Fatal(err)
	}
	second := keyID(t, a)
	wants(t, source, second, narrowcast.ErrKeyUnknown)
	write(document(t, a))
	wants(t, source, second, nil)
	wants(t, source, first, nil)

	write(old) // its sequence goes back
	wants(t, source, second, nil)
	if err := source.Stats().LastError; !errors.Is(err, spiffe.ErrRefused) {
		t.Errorf("an older bundle was taken: %v", err)
	}
	write([]byte("{")) // a bad file leaves the last good one in force, for a time
	wants(t, source, second, nil)
	at.add(spiffe.DefaultKeepFor)
	wants(t, source, second, spiffe.ErrUnavailable)

	a.Revoke()
	write(document(t, a))
	wants(t, source, second, narrowcast.ErrKeyUnknown)
	if _, err := source.Verify(t.Context(), svid(t, a, checkout, nil), at.now()); !errors.Is(err, spiffe.ErrRefused) {
		t.Errorf("an empty bundle vouches: %v", err)
	}
	source.Close()
	wants(t, source, second, spiffe.ErrUnavailable)
}

func FuzzParseBundle(f *testing.F) {
	f.Add([]byte(`{"keys":[` + entry("jwt-svid", "a") + `],"spiffe_sequence":3,"spiffe_refresh_hint":60}`))
	f.Add([]byte(`{"keys":[{"use":"x509-svid","x5c":["MIIB"]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := spiffe.ParseBundle(corp, text)
		if err == nil && (b.Domain() != corp || b.Refresh() < spiffe.LeastRefresh || b.Refresh() > spiffe.MostRefresh) {
			t.Fatalf("%q gives %+v", text, b)
		}
	})
}
