package main

import (
	"strings"
	"unicode/utf8"

	"github.com/narrowcast-io/narrowcast"
)

// redact takes tokens out of a text that goes to people: an error may repeat what
// somebody typed in the wrong place.
func redact(text string) string {
	var b strings.Builder
	rest := text
	for rest != "" {
		n := strings.IndexFunc(rest, outsideToken)
		if n < 0 {
			n = len(rest)
		}
		if run := rest[:n]; isToken(strings.TrimLeft(run, "-_.")) {
			b.WriteString("[a token]")
		} else {
			b.WriteString(run)
		}
		if n < len(rest) {
			_, size := utf8.DecodeRuneInString(rest[n:])
			b.WriteString(rest[n : n+size])
			n += size
		}
		rest = rest[n:]
	}
	return b.String()
}

// isToken reports whether a run of token characters looks like a token: two dots,
// and what stands before the first one begins like the header of a JWS, also when
// the end was cut off.
func isToken(run string) bool {
	if strings.Count(run, ".") < 1 || len(run) < 20 {
		return false
	}
	if _, err := narrowcast.Inspect(run); err == nil {
		return true
	}
	return strings.HasPrefix(run, "ey")
}

func outsideToken(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
		return false
	}
	return true
}

// visible writes the control characters that JSON leaves as they are, because a
// terminal may act on them.
func visible(line []byte) []byte {
	var b []byte
	for _, r := range string(line) {
		if r >= 0x7f && r <= 0x9f {
			b = append(b, `\u00`...)
			b = append(b, "0123456789abcdef"[r>>4], "0123456789abcdef"[r&15])
			continue
		}
		b = utf8.AppendRune(b, r)
	}
	return b
}
