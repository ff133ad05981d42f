package authn

import (
	"strings"
	"testing"
)

func TestPHC(t *testing.T) {
	made := HashSecret("right")
	h, err := parsePHC(made)
	if err != nil {
		t.Fatal(err)
	}
	if !h.matches("right") || h.matches("wrong") || h.matches("") {
		t.Error("the hash matches the wrong secret, or not the right one")
	}
	for name, bad := range map[string]string{
		"empty":        "",
		"plain":        "right",
		"argon2i":      strings.Replace(made, "argon2id", "argon2i", 1),
		"version":      strings.Replace(made, "v=19", "v=16", 1),
		"little":       strings.Replace(made, "m=19456", "m=8", 1),
		"much":         strings.Replace(made, "m=19456", "m=4194304", 1),
		"no passes":    strings.Replace(made, "t=2", "t=0", 1),
		"many passes":  strings.Replace(made, "t=2", "t=1000000", 1),
		"no lanes":     strings.Replace(made, "p=1", "p=0", 1),
		"more":         strings.Replace(made, "p=1", "p=1,data=x", 1),
		"padding":      made + "=",
		"short hash":   made[:len(made)-30],
		"another part": made + "$x",
		"negative":     strings.Replace(made, "t=2", "t=-2", 1),
	} {
		if _, err := parsePHC(bad); err == nil {
			t.Errorf("%s: %q was accepted", name, bad)
		} else if len(bad) > 20 && strings.Contains(err.Error(), bad[len(bad)-20:]) {
			t.Errorf("%s: the error repeats the hash", name)
		}
	}
}

func FuzzPHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$c3Vtc3Vtc3Vtc3Vtc3Vtc3Vt")
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$$")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := parsePHC(s)
		if err == nil && (h.memory > maxMemory || h.passes > maxPasses || h.lanes == 0 || len(h.sum) < minSum) {
			t.Errorf("%q became %d %d %d", s, h.memory, h.passes, h.lanes)
		}
	})
}
