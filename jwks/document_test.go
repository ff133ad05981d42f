package jwks_test

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/jwks"
)

func TestMarshalAndParseAreInverse(t *testing.T) {
	from := time.Unix(1_800_000_000, 0).UTC()
	whole := newKey(t, "k1")
	windowed, err := narrowcast.NewKey(narrowcast.KeyConfig{ID: "k2", Algorithm: whole.Algorithm(), Public: whole.Public(), NotBefore: from, NotAfter: from.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	back, err := jwks.Parse([]byte(document(t, whole, windowed)), jwks.Options{})
	if err != nil || len(back) != 2 {
		t.Fatalf("Parse = %v, %v", back, err)
	}
	for i, key := range []narrowcast.Key{whole, windowed} {
		a, _ := key.Thumbprint()
		b, _ := back[i].Thumbprint()
		wantFrom, wantTo := key.Window()
		gotFrom, gotTo := back[i].Window()
		if a != b || back[i].ID() != key.ID() || back[i].Algorithm() != key.Algorithm() || !gotFrom.Equal(wantFrom) || !gotTo.Equal(wantTo) {
			t.Errorf("key %s came back as another", key.ID())
		}
	}
}

func TestParseAssignsAnAlgorithmOnlyWhereOneIsLeftOpen(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	key, err := narrowcast.NewKey(narrowcast.KeyConfig{ID: "r1", Algorithm: narrowcast.PS256, Public: &private.PublicKey})
	if err != nil {
		t.Fatal(err)
	}
	full := document(t, key)
	silent := []byte(strings.Replace(full, `"alg":"PS256",`, "", 1))
	if _, err := jwks.Parse(silent, jwks.Options{}); err == nil || !strings.Contains(err.Error(), `"r1" does not say its algorithm`) {
		t.Errorf("a key without alg: error = %v", err)
	}
	keys, err := jwks.Parse(silent, jwks.Options{Algorithm: narrowcast.RS256})
	if err != nil || keys[0].Algorithm() != narrowcast.RS256 {
		t.Errorf("an assigned algorithm: %v, %v", keys, err)
	}
	keys, err = jwks.Parse([]byte(full), jwks.Options{Algorithm: narrowcast.RS256})
	if err != nil || keys[0].Algorithm() != narrowcast.PS256 {
		t.Errorf("the key's own algorithm was overruled: %v, %v", keys, err)
	}
	if _, err := jwks.Parse(silent, jwks.Options{Algorithm: narrowcast.ES256}); err == nil {
		t.Error("an algorithm that does not fit was assigned")
	}
	if _, err := jwks.Parse(silent, jwks.Options{Algorithm: "HS256"}); err == nil {
		t.Error("a symmetric algorithm was assigned")
	}
}

func TestFixedRefusesWhatCannotBeMeant(t *testing.T) {
	k1 := newKey(t, "k1")
	for name, keys := range map[string][]narrowcast.Key{
		"none": nil, "zero": {{}}, "twice": {k1, k1},
	} {
		if _, err := jwks.Fixed(keys...); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := jwks.Marshal(keys); err == nil && name != "none" {
			t.Errorf("%s: written", name)
		}
	}
	set, err := jwks.Fixed(newKey(t, "k2"), k1)
	if err != nil {
		t.Fatal(err)
	}
	want(t, set, "k1")
	wantUnknown(t, set, "k3")
	if keys := set.Keys(); len(keys) != 2 || keys[0].ID() != "k1" {
		t.Errorf("Keys = %v", keys)
	}
}

func TestFileFollowsTheFileAndKeepsTheLastGood(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Unix(1_800_000_000, 0)
	write(document(t, newKey(t, "k1")))
	f, err := jwks.NewFile(jwks.FileConfig{Path: path, Now: func() time.Time { return now }, KeepFor: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	want(t, f, "k1")
	write(document(t, newKey(t, "k2")))
	want(t, f, "k1") // looked at a moment ago
	now = now.Add(jwks.DefaultEvery)
	want(t, f, "k2")
	wantUnknown(t, f, "k1")
	for _, damage := range []func(){
		func() { write("{") },
		func() { write(strings.Repeat(" ", jwks.MaxBytes+1)) },
		func() { _ = os.Remove(path) },
		func() { _ = os.Mkdir(path, 0o700) },
	} {
		damage()
		now = now.Add(jwks.DefaultEvery)
		want(t, f, "k2")
		wantUnavailable(t, f, "k3")
	}
	if s := f.Stats(); s.Failures != 4 || s.LastError == nil || !s.Usable {
		t.Errorf("stats = %+v", s)
	}
	now = now.Add(time.Hour)
	wantUnavailable(t, f, "k2")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	write(document(t, newKey(t, "k3")))
	now = now.Add(jwks.DefaultEvery)
	want(t, f, "k3")
}

func TestNewFileNeedsAUsableFile(t *testing.T) {
	_, err := jwks.NewFile(jwks.FileConfig{})
	if err == nil || !strings.Contains(err.Error(), "Path") || !strings.Contains(err.Error(), "Now") {
		t.Errorf("error = %v", err)
	}
	missing := filepath.Join(t.TempDir(), "none")
	if _, err := jwks.NewFile(jwks.FileConfig{Path: missing, Now: time.Now}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error = %v", err)
	}
	if _, err := jwks.NewFile(jwks.FileConfig{Path: t.TempDir(), Now: time.Now}); err == nil {
		t.Error("a directory was taken for a file")
	}
}

func FuzzParse(f *testing.F) {
	good := document(f, newKey(f, "k1"))
	for _, seed := range []string{good, `{"keys":[]}`, `{"keys":[{"kty":"RSA"}]}`, `{"keys":{}}`, "[]", "", good[:40], strings.Replace(good, "k1", "", 1)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := jwks.Parse(data, jwks.Options{Algorithm: narrowcast.RS256})
		if err != nil {
			if keys != nil {
				t.Fatal("keys beside an error")
			}
			return
		}
		for _, key := range keys {
			if key.ID() == "" || key.Algorithm() == "" || key.Public() == nil {
				t.Fatalf("a key lacks something: %q %q", key.ID(), key.Algorithm())
			}
		}
		again, err := jwks.Marshal(keys)
		if err != nil {
			t.Fatal(err)
		}
		back, err := jwks.Parse(again, jwks.Options{})
		if err != nil || len(back) != len(keys) {
			t.Fatalf("%d keys came back as %d: %v", len(keys), len(back), err)
		}
	})
}
