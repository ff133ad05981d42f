package narrowcast_test

import (
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
)

// TestAudienceIsOneExactString holds the comparison rules of RFC 3986 section
// 6.2.1, with the one exception of the empty path.
func TestAudienceIsOneExactString(t *testing.T) {
	tests := []struct {
		name, audience, received string
		same                     bool
	}{
		{"the same", "https://h.example.test", "https://h.example.test", true},
		{"root slash received", "https://h.example.test", "https://h.example.test/", true},
		{"root slash configured", "https://h.example.test/", "https://h.example.test", true},
		{"root slash on both sides", "https://h.example.test/", "https://h.example.test/", true},
		{"root slash behind a port", "https://h.example.test:8443", "https://h.example.test:8443/", true},
		{"same path", "https://h.example.test/a", "https://h.example.test/a", true},
		{"same name", "api://payments", "api://payments", true},

		{"slash behind a path", "https://h.example.test/a", "https://h.example.test/a/", false},
		{"no slash behind a path", "https://h.example.test/a/", "https://h.example.test/a", false},
		{"two root slashes", "https://h.example.test", "https://h.example.test//", false},
		{"slash behind a plain name", "api://payments", "api://payments/", false},
		{"scheme", "https://h.example.test", "http://h.example.test", false},
		{"scheme in capitals", "https://h.example.test", "HTTPS://h.example.test", false},
		{"port", "https://h.example.test", "https://h.example.test:8443", false},
		{"default port", "https://h.example.test", "https://h.example.test:443", false},
		{"query", "https://h.example.test", "https://h.example.test?a=1", false},
		{"empty query", "https://h.example.test", "https://h.example.test?", false},
		{"query behind the root", "https://h.example.test", "https://h.example.test/?", false},
		{"fragment", "https://h.example.test", "https://h.example.test#a", false},
		{"user information", "https://h.example.test", "https://u@h.example.test", false},
		{"percent-encoding", "https://h.example.test/~a", "https://h.example.test/%7Ea", false},
		{"case of percent-encoding", "https://h.example.test/%7Ea", "https://h.example.test/%7ea", false},
		{"letter case of the path", "https://h.example.test/a", "https://h.example.test/A", false},
		{"letter case of the host", "https://h.example.test", "https://H.example.test", false},
		{"prefix", "https://h.example.test/a", "https://h.example.test", false},
		{"suffix", "https://h.example.test", "https://h.example.test/a", false},
		{"look-alike host behind", "https://h.example.test", "https://h.example.test.evil.test", false},
		{"look-alike host before", "https://h.example.test", "https://evil-h.example.test", false},
		{"trailing dot", "https://h.example.test", "https://h.example.test.", false},
		{"Cyrillic letter", "https://pay.example.test", "https://p\u0430y.example.test", false},
		{"white space", "https://h.example.test", " https://h.example.test", false},
		{"line break", "https://h.example.test", "https://h.example.test\n", false},
		{"nothing", "https://h.example.test", "", false},
		{"only the slash", "https://h.example.test", "/", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := narrowcast.MustAudience(test.audience).Names(test.received); got != test.same {
				t.Errorf("%s names %q = %t, want %t", test.audience, test.received, got, test.same)
			}
		})
	}
	if (narrowcast.Audience{}).Names("") {
		t.Error("the zero audience names the empty string")
	}
}

func TestAudienceFoldsOnlyTheRootSlash(t *testing.T) {
	if narrowcast.MustAudience("https://h.example.test/") != narrowcast.MustAudience("https://h.example.test") {
		t.Error("the root slash makes another audience")
	}
	if narrowcast.MustAudience("https://h.example.test/a/") == narrowcast.MustAudience("https://h.example.test/a") {
		t.Error("/a and /a/ are one audience")
	}
}

func TestParseAudienceAcceptsCanonicalForms(t *testing.T) {
	for _, s := range []string{
		"https://h.example.test", "http://127.0.0.1:8080", "https://[2001:db8::1]:8443", "https://h.example.test/a/b",
		"https://h.example.test:80", "http://h.example.test:443", "https://h.example.test/a.b/..c", "https://h.example.test/%41",
		"api://payments", "urn:example:payments", "payments", "spiffe://corp.example.test/pay", strings.Repeat("a", 512),
	} {
		if a, err := narrowcast.ParseAudience(s); err != nil || a.String() != s || a.IsZero() {
			t.Errorf("ParseAudience(%q) = %q, %v", s, a, err)
		}
	}
}

func TestParseAudienceRefusesEverythingElse(t *testing.T) {
	for _, s := range []string{
		"", " ", "*", "https://*.example.test", "https://h.example.test\n", "https://h.example.test ", "https://h\u00e9.example.test",
		"https://h.example.test/\"", "a,b", "a|b", "a\\b", "a'b", "<a>", strings.Repeat("a", 513),
		"HTTPS://h.example.test", "Http://h.example.test", "https://H.example.test", "https://", "https:///a", "https://:8443",
		"https://u@h.example.test", "https://u:p@h.example.test", "https://h.example.test?a=1", "https://h.example.test?",
		"https://h.example.test#a", "https://h.example.test#", "https://h.example.test:443", "http://h.example.test:80",
		"https://h.example.test:", "https://h%2eexample.test", "https://h.example.test/a/../b", "https://h.example.test/.",
		"https://h.example.test/%2e%2E/b", "https://h.example.test/%zz", "https://h.example.test:port",
	} {
		if a, err := narrowcast.ParseAudience(s); err == nil || !a.IsZero() {
			t.Errorf("ParseAudience(%q) = %q, want an error", s, a)
		}
	}
}

func TestIssuerIsComparedByteByByte(t *testing.T) {
	a, err := narrowcast.ParseIssuer("https://issuer.example.test/")
	if err != nil {
		t.Fatal(err)
	}
	if a == narrowcast.MustIssuer("https://issuer.example.test") {
		t.Error("the root slash of an issuer was folded")
	}
	for _, s := range []string{"", "https://i.example.test?x", "https://i.example.test#x", "https://u@i.example.test", "i i"} {
		if i, err := narrowcast.ParseIssuer(s); err == nil || !i.IsZero() {
			t.Errorf("ParseIssuer(%q) = %q, want an error", s, i)
		}
	}
}

func TestWordsTravelAsText(t *testing.T) {
	var a narrowcast.Audience
	if err := a.UnmarshalText([]byte(pay + "/")); err != nil || a != narrowcast.MustAudience(pay) {
		t.Errorf("audience = %q, %v", a, err)
	}
	if b, err := a.MarshalText(); err != nil || string(b) != pay {
		t.Errorf("text = %q, %v", b, err)
	}
	if err := a.UnmarshalText([]byte("*")); err == nil || !a.IsZero() {
		t.Errorf("a wildcard left %q behind", a)
	}
	var i narrowcast.Issuer
	if err := i.UnmarshalText([]byte(issuerA)); err != nil || i.String() != issuerA {
		t.Errorf("issuer = %q, %v", i, err)
	}
	if b, err := i.MarshalText(); err != nil || string(b) != issuerA {
		t.Errorf("text = %q, %v", b, err)
	}
}

func TestNamesArePrintableAndBounded(t *testing.T) {
	parse := map[string]func(string) error{
		"subject":   func(s string) error { _, err := narrowcast.ParseSubject(s); return err },
		"client id": func(s string) error { _, err := narrowcast.ParseClientID(s); return err },
		"token id":  func(s string) error { _, err := narrowcast.ParseTokenID(s); return err },
		"key id":    func(s string) error { _, err := narrowcast.ParseKeyID(s); return err },
		"task id":   func(s string) error { _, err := narrowcast.ParseTaskID(s); return err },
	}
	for what, f := range parse {
		for _, good := range []string{"a", "with space", strings.Repeat("a", 256)} {
			if err := f(good); err != nil {
				t.Errorf("%s %q: %v", what, good, err)
			}
		}
		for _, bad := range []string{"", "a\x00", "a\n", "\u00e9", strings.Repeat("a", 257)} {
			if err := f(bad); err == nil || !strings.HasPrefix(err.Error(), what) {
				t.Errorf("%s %q: error = %v", what, bad, err)
			}
		}
	}
}

// TestErrorsCutLongValues: a token that strayed into the wrong field is not
// repeated in full.
func TestErrorsCutLongValues(t *testing.T) {
	stray := "ey" + strings.Repeat("J", 400) + "*"
	for _, parse := range []func(string) error{
		func(s string) error { _, err := narrowcast.ParseAudience(s); return err },
		func(s string) error { _, err := narrowcast.ParseIssuer(s); return err },
		func(s string) error { _, err := narrowcast.ParseSubject(s + "\x00"); return err },
		func(s string) error { _, err := narrowcast.ParseAlgorithm(s); return err },
		func(s string) error { _, err := narrowcast.ParseReason(s); return err },
		func(s string) error { _, err := narrowcast.ParseClass(s); return err },
	} {
		if err := parse(stray); err == nil || strings.Contains(err.Error(), stray[:100]) {
			t.Errorf("error = %v", err)
		}
	}
}

func TestMustPanicsOnABadConstant(t *testing.T) {
	for name, f := range map[string]func(){
		"MustAudience": func() { narrowcast.MustAudience("*") },
		"MustIssuer":   func() { narrowcast.MustIssuer("") },
		"MustScope":    func() { narrowcast.MustScope("a  b") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s did not panic", name)
				}
			}()
			f()
		}()
	}
}
