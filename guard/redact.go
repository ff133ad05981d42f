package guard

import (
	"encoding/base64"
	"strings"
)

// decodings bounds how often a text is percent-decoded in the search for tokens.
const decodings = 4

// redact cuts a text where a JWS begins, in plain or percent-encoded spelling.
// Only a text with something to cut comes back decoded.
func redact(s string) string {
	text := s
	for range decodings {
		if from := tokenIn(text); from >= 0 {
			return text[:from] + "[token]"
		}
		decoded := unescape(text)
		if decoded == text {
			break
		}
		text = decoded
	}
	return s
}

// tokenIn finds where three parts joined by dots begin, the first of which opens
// a JSON object in base64url (RFC 7515 section 3.1); -1 when nowhere. Parts are
// not judged further: to cut too much does no harm.
func tokenIn(s string) int {
	dots := strings.LastIndexByte(s, '.')
	if dots < 0 {
		return -1
	}
	if dots = strings.LastIndexByte(s[:dots], '.'); dots < 0 {
		return -1
	}
	for i, begins := 0, true; i < dots; i++ {
		if !isBase64URL(s[i]) {
			begins = true
			continue
		}
		// An opening brace makes the first sextet e. White space may come before it
		// only where the part begins.
		if (begins || s[i] == 'e') && opensObject(s[i:dots]) {
			return i
		}
		begins = false
	}
	return -1
}

// opensObject reports whether s begins as the base64url of a JSON object does: a
// brace, then a quote or the other brace, with white space anywhere.
func opensObject(s string) bool {
	brace := false
	for len(s) >= 2 {
		group := s[:min(4, len(s))]
		s = s[len(group):]
		var bytes [3]byte
		n, err := base64.RawURLEncoding.Decode(bytes[:], []byte(group))
		for _, c := range bytes[:n] {
			switch {
			case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			case c == '{' && !brace:
				brace = true
			default:
				return brace && (c == '"' || c == '}')
			}
		}
		if err != nil {
			return false
		}
	}
	return false
}

func isBase64URL(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

// unescape percent-decodes what can be decoded and leaves the rest.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			high, low := hexDigit(s[i+1]), hexDigit(s[i+2])
			if high >= 0 && low >= 0 {
				b.WriteByte(byte(high<<4 | low))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
