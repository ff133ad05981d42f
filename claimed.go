package narrowcast

import (
	"crypto/sha256"
	"time"
)

// Claimed is what a token says of itself. It proves nothing: only inside a
// [Rejection] that is Genuine, or from [Token.Describe], has a signature
// vouched for it. Strings may be anything that a stranger chose to send.
type Claimed struct {
	Type        string // header typ
	Algorithm   string // header alg
	KeyID       string // header kid
	Issuer      string
	Subject     string
	ClientID    string
	TokenID     string
	Lineage     string // the id of the token at the root of its delegation; its own id when it has no parent
	Task        string
	Tenant      string
	Environment string
	Scope       string
	Audience    []string // nil when absent or not readable
	IssuedAt    time.Time
	NotBefore   time.Time
	Expires     time.Time
	Bound       bool     // the token is bound to a sender (claim cnf)
	Parent      string   // the id of the token that it was exchanged for
	Actors      []string // who acts for the subject, the current one first (claim act, RFC 8693 section 4.1)
	StatusList  string   // the status list that tells of it, and its place there
	StatusAt    uint64
	SingleUse   bool // it is good for one request
	Fingerprint Fingerprint
}

// Inspect reads what a token says of itself and checks nothing but its shape.
// The error is a *Rejection.
func Inspect(text string) (Claimed, error) {
	t, rej := parse(text)
	if rej != nil {
		return Claimed{Fingerprint: FingerprintOf(text)}, rej
	}
	return t.c.describe(), nil
}

// FingerprintOf returns the SHA-256 of a token's text.
func FingerprintOf(text string) Fingerprint { return sha256.Sum256([]byte(text)) }
