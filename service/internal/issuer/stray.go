package issuer

import (
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// hold reports whether a text repeats one of the credentials. A token need not
// look like one.
func (c *Credentials) hold(text string) bool {
	for _, secret := range []string{c.Token, c.Assertion, c.Secret} {
		if secret != "" && strings.Contains(text, secret) {
			return true
		}
	}
	return false
}

// holdsToken keeps tokens that strayed into another field out of the book. One
// may stand between other words with dots, as in a path with an ending, so every
// three parts in a row are looked at.
func holdsToken(s string) bool {
	for run := range strings.FieldsFuncSeq(s, outsideToken) {
		if len(run) < shortestToken {
			continue
		}
		parts := strings.Split(run, ".")
		for i := 0; i+2 < len(parts); i++ {
			if isToken(parts[i], parts[i+1:i+3]) {
				return true
			}
		}
	}
	return false
}

// isToken also finds a token that stands right behind a word.
func isToken(header string, rest []string) bool {
	for _, from := range []int{0, strings.Index(header, "eyJ")} { // as nearly every JOSE header begins
		if from < 0 {
			continue
		}
		if _, err := narrowcast.Inspect(header[from:] + "." + rest[0] + "." + rest[1]); err == nil {
			return true
		}
	}
	return false
}

// shortestToken is below the length of the shortest signature in base64url.
const shortestToken = 80

// outsideToken reports whether r is none of the characters of a compact JWS.
func outsideToken(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
		return false
	}
	return true
}
