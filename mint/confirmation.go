package mint

// Confirmation names the key that whoever uses a token must show (RFC 7800
// claim cnf). The zero Confirmation names none: the token is a bearer token.
type Confirmation struct {
	// Key is the SHA-256 thumbprint of a public key, base64url without padding:
	// cnf.jkt (RFC 9449 section 6.1).
	Key string
	// Certificate is the SHA-256 of a certificate, base64url without padding:
	// cnf.x5t#S256 (RFC 8705 section 3.1).
	Certificate string

	_ struct{}
}
