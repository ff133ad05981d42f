package mint

import (
	"crypto/sha256"
	"encoding/base64"
)

// Confirmation names the key that whoever uses a token must show (RFC 7800
// claim cnf). The zero Confirmation names none: the token is a bearer token.
// When both members are set, both must be shown.
type Confirmation struct {
	// Key is the SHA-256 thumbprint of a public key, base64url without padding,
	// 43 characters: cnf.jkt (RFC 9449 section 6.1).
	Key string
	// Certificate is the SHA-256 of a certificate, base64url without padding, 43
	// characters: cnf.x5t#S256 (RFC 8705 section 3.1).
	Certificate string

	_ struct{}
}

// IsZero reports whether c names nothing.
func (c Confirmation) IsZero() bool { return c == Confirmation{} }

// claim writes the value of cnf. Both members were checked and need no quoting.
func (c Confirmation) claim() string {
	switch {
	case c.Certificate == "":
		return `{"jkt":"` + c.Key + `"}`
	case c.Key == "":
		return `{"x5t#S256":"` + c.Certificate + `"}`
	}
	return `{"jkt":"` + c.Key + `","x5t#S256":"` + c.Certificate + `"}`
}

// isThumbprint reports whether s is a SHA-256 in base64url, written in the one
// way there is: a resource server compares the text.
func isThumbprint(s string) bool {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(raw) == sha256.Size && len(s) == base64.RawURLEncoding.EncodedLen(sha256.Size)
}
