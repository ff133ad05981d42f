package vectors_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/vectors"
	"github.com/narrowcast-io/narrowcast/vectors/internal/corpus"
)

func all(t testing.TB) []vectors.Vector {
	t.Helper()
	found, err := vectors.All()
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestFilesAreWhatTheCatalogueMakes(t *testing.T) {
	want, err := corpus.Files()
	if err != nil {
		t.Fatal(err)
	}
	onDisk, err := filepath.Glob("*/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range onDisk {
		if want[filepath.ToSlash(path)] == nil {
			t.Errorf("%s: no longer made; run go generate ./vectors", path)
		}
	}
	for path, text := range want {
		got, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, text) {
			t.Errorf("%s: differs (%v); run go generate ./vectors", path, err)
		}
	}
}

func TestEveryVectorGetsItsVerdict(t *testing.T) {
	for _, v := range all(t) {
		if err := v.Check(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestEveryControlIsAcceptedInTheSameSetting(t *testing.T) {
	for _, v := range all(t) {
		if v.Accept {
			continue
		}
		control, err := vectors.Find(v.Control)
		if err != nil {
			t.Errorf("%s: %v", v.ID, err)
			continue
		}
		shown := v
		shown.ID, shown.Token, shown.Accept, shown.Reason = v.ID+" with its control", control.Token, true, 0
		shown.Unreachable, shown.Stale = false, false // here the setting is the fault
		if shown.Proof == "invalid" || shown.Proof == "replayed" {
			shown.Proof = control.Proof
		}
		if v.Request == "" {
			shown.Request, shown.Content = control.Request, control.Content
		}
		if v.Uses != "first" {
			shown.Uses = control.Uses
		}
		if !control.Accept {
			t.Errorf("%s: its control is a rejected token", v.ID)
		}
		if err := shown.Check(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestEveryReasonHasAVector(t *testing.T) {
	without := map[narrowcast.Reason]string{
		narrowcast.NotConfigured:    "needs a verifier that was never made",
		narrowcast.RequestMalformed: "is about the request around the token; package guard finds it",
	}
	covered := map[narrowcast.Reason]bool{}
	for _, v := range all(t) {
		covered[v.Reason] = true
	}
	for _, r := range narrowcast.Reasons() {
		if _, exempt := without[r]; covered[r] == exempt {
			t.Errorf("%s: has a vector: %t; exempt: %t", r, covered[r], exempt)
		}
	}
}

func TestEveryVectorHasOneFault(t *testing.T) {
	for _, v := range all(t) {
		verifier, err := v.Verifier()
		if err != nil {
			t.Fatal(err)
		}
		_, err = verifier.Verify(t.Context(), v.Token, v.Presentation())
		var rej *narrowcast.Rejection
		// A claim of a wrong type has no value, so the check that needs it fails too.
		if errors.As(err, &rej) && len(rej.Also) > 0 && rej.Reason != narrowcast.ClaimMalformed {
			t.Errorf("%s: besides %s also %v", v.ID, rej.Reason, rej.Also)
		}
	}
}

func TestCorpusHoldsNoPrivateKey(t *testing.T) {
	err := fs.WalkDir(vectors.Files(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(vectors.Files(), path)
		if bytes.Contains(text, []byte("PRIVATE KEY")) || bytes.Contains(text, []byte(`"d":`)) {
			t.Errorf("%s holds private key material", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
