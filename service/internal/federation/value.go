package federation

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds on a rule.
const (
	MaxClaims = 16  // claims of one rule
	MaxValues = 32  // values of one claim
	MaxDepth  = 4   // elements of one name
	maxText   = 512 // bytes of a name or a value
)

// valueFault says what is wrong with a value, or "". Values are compared
// exactly, so whatever looks like a pattern is a misunderstanding that would
// hold for nothing, or was meant to hold for everything.
func valueFault(text string, naming bool) string {
	switch {
	case strings.TrimSpace(text) == "":
		return "has an empty value, which fixes nothing"
	case len(text) > maxText:
		return "has a value longer than 512 bytes"
	case !printable(text) || strings.TrimSpace(text) != text:
		return "has a value with white space around it, control characters or broken UTF-8"
	case strings.ContainsAny(text, "*?") && naming:
		return "has a wildcard where the owner or the workload is named; name exactly one"
	case strings.ContainsAny(text, "*?"):
		return "has a wildcard; values are compared exactly, so list every one"
	case text == "null" || text[0] == '{' || text[0] == '[':
		return "has a value that is no string, number or boolean"
	case pattern(text, naming):
		return "has a value that looks like a regular expression; values are compared exactly"
	}
	return ""
}

// pattern reports what cannot be meant literally: ^ and \ are allowed in no git
// reference (git-check-ref-format), and names of owners and workloads hold no
// brackets either.
func pattern(text string, naming bool) bool {
	return strings.ContainsAny(text, "^\\") || strings.Contains(text, ".+") ||
		naming && strings.ContainsAny(text, "$|()[]{}")
}

func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
	})
}

// number reports an identifier in decimal digits, as platforms number things.
func number(text string) bool {
	return text != "" && len(text) <= 32 && text[0] != '0' && strings.Trim(text, "0123456789") == ""
}

// guid reports 8-4-4-4-12 hexadecimal digits in lower case.
func guid(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i, c := range []byte(text) {
		hyphen := i == 8 || i == 13 || i == 18 || i == 23
		if hyphen != (c == '-') || !hyphen && strings.IndexByte("0123456789abcdef", c) < 0 {
			return false
		}
	}
	return true
}

// label reports the name of a namespace or of a service account (RFC 1123).
func label(text string) bool {
	return text != "" && len(text) <= 253 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-.") == "" &&
		!strings.HasPrefix(text, "-") && !strings.HasPrefix(text, ".")
}
