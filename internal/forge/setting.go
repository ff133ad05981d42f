package forge

import (
	"slices"
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// Setting is how a verifier must be set up, and how the token is presented to
// it, for a fault to be the only thing wrong.
type Setting struct {
	Audience    narrowcast.Audience
	Issuers     []narrowcast.Issuer
	Algorithms  []narrowcast.Algorithm
	Tenant      string
	Environment string
	Required    narrowcast.Scope     // what the call requires
	Certificate string               // what the connection shows
	Proof       string               // what a checker says of the proof: a thumbprint, "invalid" or "replayed"
	Binding     bool                 // only bound tokens are accepted
	Revoked     []narrowcast.TokenID // tokens known to be revoked
	Ended       []narrowcast.TaskID  // tasks known to have ended
	Paused      []narrowcast.TaskID  // tasks known to be paused
	Stale       bool                 // what is known of revocations is too old
	Request     string               // the request that came: method, a space, and target; or ""
	Content     string               // its content
	Uses        string               // what is remembered of the token: "first", "used" or "unknown"; "" where nothing is
	Unreachable bool                 // the keys cannot be had
}

// Setting returns what the given needs amount to.
func (w *World) Setting(needs []Need) Setting {
	w, needs = w.with(needs), slices.Concat(w.Always, needs)
	s := Setting{
		Audience: w.Audience,
		Issuers:  []narrowcast.Issuer{w.Issuer},
		Algorithms: []narrowcast.Algorithm{narrowcast.ES256, narrowcast.ES384,
			narrowcast.RS256, narrowcast.PS256, narrowcast.Ed25519},
		Stale:       slices.Contains(needs, StaleFeed),
		Unreachable: slices.Contains(needs, KeysUnreachable),
	}
	for _, n := range needs {
		s.meet(w, n)
	}
	return s
}

func (s *Setting) meet(w *World, n Need) {
	switch n {
	case Tenant:
		s.Tenant = w.Tenant
	case Environment:
		s.Environment = w.Environment
	case Scope:
		s.Required = w.Required
	case Certificate:
		s.Certificate = w.Certificate
	case Proof:
		s.Proof = provedKey
	case ProofInvalid, ProofReplayed:
		s.Proof = strings.TrimPrefix(string(n), "proof-")
	case Binding:
		s.Binding, s.Certificate = true, w.Certificate
	case SecondIssuer:
		s.Issuers = append(s.Issuers, w.Second)
	case Revocation:
		s.Revoked = []narrowcast.TokenID{revokedID}
	case TaskEnd:
		s.Ended = []narrowcast.TaskID{endedTask}
	case TaskPause:
		s.Paused = []narrowcast.TaskID{pausedTask}
	case Transaction:
		s.Request, s.Content = askedMethod+" "+askedTarget, askedContent
	case SingleUse:
		s.Uses = "first"
	case UsedUp:
		s.Uses = "used"
	case UsesUnknown:
		s.Uses = "unknown"
	case OneAlgorithm:
		s.Algorithms = []narrowcast.Algorithm{narrowcast.ES256}
	}
}
