package narrowcast

import (
	"fmt"
	"iter"
	"slices"
	"strings"
)

// Scope is a set of scope tokens (RFC 6749 section 3.3). It is held in one
// canonical spelling, so two scopes with the same tokens are ==. The zero Scope
// is empty.
type Scope struct{ text string }

// ParseScope reads a space-separated list of scope tokens. The empty string is
// the empty scope; doubled or outer spaces and characters that the RFC does not
// allow are errors.
func ParseScope(s string) (Scope, error) {
	if s == "" {
		return Scope{}, nil
	}
	if len(s) > 4096 {
		return Scope{}, fmt.Errorf("scope: is longer than 4096 bytes")
	}
	sorted, previous := true, ""
	for token := range strings.SplitSeq(s, " ") {
		if err := checkScopeToken(token); err != nil {
			return Scope{}, err
		}
		sorted = sorted && previous < token
		previous = token
	}
	if sorted {
		return Scope{s}, nil
	}
	tokens := strings.Split(s, " ")
	slices.Sort(tokens)
	return Scope{strings.Join(slices.Compact(tokens), " ")}, nil
}

// MustScope is ParseScope for constants; it panics on a bad one.
func MustScope(s string) Scope { return must(ParseScope(s)) }

func checkScopeToken(token string) error {
	if token == "" {
		return fmt.Errorf("scope: empty token; separate tokens by one space")
	}
	for i := 0; i < len(token); i++ {
		if c := token[i]; c <= 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return fmt.Errorf("scope: character %q is not allowed", c)
		}
	}
	return nil
}

// String returns the tokens in order, separated by one space.
func (s Scope) String() string { return s.text }

// IsZero reports whether s has no tokens.
func (s Scope) IsZero() bool { return s.text == "" }

// Tokens yields the tokens in order.
func (s Scope) Tokens() iter.Seq[string] {
	return func(yield func(string) bool) {
		for rest := s.text; rest != ""; {
			token, after, _ := strings.Cut(rest, " ")
			if !yield(token) {
				return
			}
			rest = after
		}
	}
}

// Has reports whether token is one of s. A part of a token is not.
func (s Scope) Has(token string) bool {
	for own := range s.Tokens() {
		if own == token {
			return true
		}
	}
	return false
}

// Covers reports whether every token of need is one of s.
func (s Scope) Covers(need Scope) bool {
	for token := range need.Tokens() {
		if !s.Has(token) {
			return false
		}
	}
	return true
}

// MarshalText writes the tokens.
func (s Scope) MarshalText() ([]byte, error) { return []byte(s.text), nil }

// UnmarshalText reads the tokens as ParseScope does.
func (s *Scope) UnmarshalText(b []byte) (err error) {
	*s, err = ParseScope(string(b))
	return err
}
