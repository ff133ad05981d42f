// Package corpus writes the files of package vectors from the catalogue of
// package forge. The same catalogue gives the same files, byte for byte.
package corpus

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/forge"
	"github.com/narrowcast-io/narrowcast/vectors"
)

// Where the keys lie.
const (
	firstKeys  = "keys/issuer.json"
	secondKeys = "keys/second.json"
)

// Files returns the corpus: file name to content.
func Files() (map[string][]byte, error) {
	w, err := forge.Published()
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for name, keys := range map[string][]forge.Key{firstKeys: w.Keys.First, secondKeys: w.Keys.Second} {
		if files[name], err = keySet(keys); err != nil {
			return nil, fmt.Errorf("writing %s: %w", name, err)
		}
	}
	for _, r := range forge.Rights() {
		if err := addRight(files, w, r); err != nil {
			return nil, err
		}
	}
	for _, f := range forge.Faults() {
		if err := addWrong(files, w, f); err != nil {
			return nil, err
		}
	}
	return files, addForeign(files, w)
}

func keySet(keys []forge.Key) ([]byte, error) {
	set, err := forge.Set(keys)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, set, "", "  "); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

func addRight(files map[string][]byte, w *forge.World, r forge.Right) error {
	token, err := w.Right(r.ID)
	if err != nil {
		return err
	}
	v := setting(w, r.Needs)
	v.ID, v.Title, v.Accept, v.Token = r.ID, r.Title, true, token
	return add(files, v)
}

func addWrong(files map[string][]byte, w *forge.World, f forge.Fault) error {
	token, err := w.Wrong(f)
	if err != nil {
		return err
	}
	v := setting(w, f.Needs)
	v.ID, v.Title, v.Token = f.ID, f.Title, token
	v.Reason, v.Control, v.Strict = f.Reason, f.Control, f.Strict
	v.Source, v.Clause, v.CWE, v.ASVS = f.Source, f.Reason.Clause(), f.Reason.CWE(), f.Reason.ASVS()
	return add(files, v)
}

// dialectNeed is what a verifier needs to read the tokens of foreign issuers.
const dialectNeed = "dialect"

func addForeign(files map[string][]byte, w *forge.World) error {
	all, err := w.Foreign()
	if err != nil {
		return err
	}
	for _, f := range all {
		v := setting(w, nil)
		v.ID, v.Title, v.Accept, v.Token, v.Needs = f.ID, f.Title, f.Reason == 0, f.Text, []string{dialectNeed}
		v.Audience, v.Tenant, v.Required, v.Issuers = f.Audience, f.Tenant, f.Required, nil
		for i, trusted := range f.Trusted {
			terms := trusted.Terms()
			if trusted.Class != narrowcast.AccessToken {
				terms = append([]string{"class " + trusted.Class.String()}, terms...)
			}
			v.Issuers = append(v.Issuers, vectors.TrustedIssuer{Issuer: trusted.Issuer, Keys: []string{firstKeys, secondKeys}[i], Terms: terms})
		}
		if !v.Accept {
			v.Reason, v.Control, v.Strict, v.Source = f.Reason, f.Control, f.Strict, f.Source
			v.Clause, v.CWE, v.ASVS = f.Reason.Clause(), f.Reason.CWE(), f.Reason.ASVS()
		}
		if err := add(files, v); err != nil {
			return err
		}
	}
	return nil
}

func add(files map[string][]byte, v vectors.Vector) error {
	path := vectors.Path(v.ID)
	if files[path] != nil {
		return fmt.Errorf("two vectors want to be %s", path)
	}
	text, err := v.Encode()
	files[path] = text
	return err
}

func setting(w *forge.World, needs []forge.Need) vectors.Vector {
	s := w.Setting(needs)
	v := vectors.Vector{
		Now: w.Now, Audience: s.Audience, Algorithms: s.Algorithms,
		Skew: narrowcast.DefaultSkew, MaxLifetime: narrowcast.DefaultMaxLifetime,
		Tenant: s.Tenant, Environment: s.Environment, Required: s.Required, Certificate: s.Certificate, Proof: s.Proof, Binding: s.Binding,
		Revoked: s.Revoked, Ended: s.Ended, Paused: s.Paused, Stale: s.Stale, Unreachable: s.Unreachable,
		Request: s.Request, Content: s.Content, Uses: s.Uses,
	}
	for _, n := range needs {
		v.Needs = append(v.Needs, string(n))
	}
	for i, issuer := range s.Issuers {
		v.Issuers = append(v.Issuers, vectors.TrustedIssuer{Issuer: issuer, Keys: []string{firstKeys, secondKeys}[i]})
	}
	return v
}
