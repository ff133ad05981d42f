package narrowcast_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
)

func TestScopeHasOneSpelling(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"", ""}, {"a", "a"}, {"a b", "a b"}, {"b a", "a b"}, {"b a b", "a b"}, {"a a", "a"},
	} {
		s, err := narrowcast.ParseScope(test.in)
		if err != nil || s.String() != test.want || s.IsZero() != (test.want == "") {
			t.Errorf("ParseScope(%q) = %q, %v", test.in, s, err)
		}
	}
	if narrowcast.MustScope("read write") != narrowcast.MustScope("write read") {
		t.Error("order makes another scope")
	}
}

func TestParseScopeRefuses(t *testing.T) {
	for _, s := range []string{" ", " a", "a ", "a  b", "a\tb", "a\nb", `a"b`, `a\b`, "\u00e9", "a\x7f", strings.Repeat("a", 4097)} {
		if got, err := narrowcast.ParseScope(s); err == nil || !got.IsZero() {
			t.Errorf("ParseScope(%q) = %q, want an error", s, got)
		}
	}
}

// TestScopeIsASetOfWholeTokens: a substring of a scope token opens nothing.
func TestScopeIsASetOfWholeTokens(t *testing.T) {
	s := narrowcast.MustScope("charge:all refund")
	for _, test := range []struct {
		need    string
		covered bool
	}{
		{"", true}, {"refund", true}, {"charge:all", true}, {"refund charge:all", true},
		{"charge", false}, {":all", false}, {"refun", false}, {"refunds", false}, {"Refund", false},
		{"refund charge", false}, {"audit", false},
	} {
		if got := s.Covers(narrowcast.MustScope(test.need)); got != test.covered {
			t.Errorf("%q covers %q = %t", s, test.need, got)
		}
	}
	if s.Has("") || s.Has("charge:all refund") {
		t.Error("a scope has something that is not one token")
	}
	if got := slices.Collect(s.Tokens()); !slices.Equal(got, []string{"charge:all", "refund"}) {
		t.Errorf("tokens = %q", got)
	}
	for range s.Tokens() {
		break // an early end must not panic
	}
}

func TestScopeTravelsAsText(t *testing.T) {
	var s narrowcast.Scope
	if err := s.UnmarshalText([]byte("b a")); err != nil || s.String() != "a b" {
		t.Errorf("scope = %q, %v", s, err)
	}
	if b, err := s.MarshalText(); err != nil || string(b) != "a b" {
		t.Errorf("text = %q, %v", b, err)
	}
	if err := s.UnmarshalText([]byte("a  b")); err == nil || !s.IsZero() {
		t.Errorf("a bad scope left %q behind", s)
	}
}
