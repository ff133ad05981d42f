// Package vectors is a corpus of wrong tokens: one file, one token, one fault,
// one verdict, each beside a right token that differs in nothing else. The
// files are plain text for use from any language; README.md describes them.
// This package embeds them and reads them strictly.
//
// The keys behind the corpus are public. Nothing may ever trust them.
package vectors

import (
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// Vector is one token with the setting it is shown in and the verdict that is
// expected.
type Vector struct {
	ID     string            // such as "audience.prefix"; the file is audience/prefix.txt
	Title  string            // what is wrong, or what is right, in a few words
	Accept bool              // the expected verdict
	Reason narrowcast.Reason // why the token is refused; zero when it is accepted

	Control string   // the ID of the right token that it differs from; empty for a right token
	Clause  string   // the text that demands the check
	Source  string   // the clause or published bug that the fault comes from
	CWE     int      // the weakness of a verifier that accepts the token
	ASVS    string   // the requirement of OWASP ASVS 5.0
	Strict  bool     // refused by the laws of this project, not by the letter of an RFC
	Needs   []string // what the verifier needs besides audience, issuer and keys

	Now         time.Time              // the time of the verifier
	Audience    narrowcast.Audience    // the resource that it guards
	Issuers     []TrustedIssuer        // the issuers that it trusts, at least one
	Algorithms  []narrowcast.Algorithm // the algorithms that it allows
	Skew        time.Duration          // how far clocks may differ
	MaxLifetime time.Duration          // the longest life that it accepts
	Tenant      string                 // the tenant that it expects, or ""
	Environment string                 // the environment that it expects, or ""
	Required    narrowcast.Scope       // the scope that the call requires
	Certificate string                 // SHA-256 thumbprint of the certificate that the connection shows
	Proof       string                 // what a checker says of the proof that came along: the thumbprint of its key, "invalid" or "replayed"
	Binding     bool                   // it accepts only tokens that are bound to their sender
	Revoked     []narrowcast.TokenID   // the tokens that it knows to be revoked
	Ended       []narrowcast.TaskID    // the tasks that it knows to have ended
	Paused      []narrowcast.TaskID    // the tasks that it knows to be paused
	Stale       bool                   // what it knows of revocations is too old
	Request     string                 // the request that the token came with: its method, a space, and its target; "" when nothing is told of it
	Content     string                 // the content of that request, one line of text; "" when it has none
	Uses        string                 // what is remembered of the token: "first", "used" or "unknown"; "" when nobody remembers
	Unreachable bool                   // it cannot get the keys of its issuers

	Token string // the text that is shown, byte for byte
}

// TrustedIssuer is an issuer with the file of its keys.
type TrustedIssuer struct {
	Issuer narrowcast.Issuer
	Keys   string   // path of a JWK Set inside the corpus
	Terms  []string // what sets its tokens apart from RFC 9068; narrowcast.TrustedIssuer.SetTerm reads them
}
