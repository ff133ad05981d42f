// Package federation decides whether a token of a foreign issuer speaks for a
// client: a rule fixes the issuer and the claims that name exactly one workload.
package federation

import "github.com/narrowcast-io/narrowcast"

// Platforms whose tokens have a shape that is known. The platform decides which
// claims name a workload, and which tokens are refused by default.
const (
	GitHub     = "github"
	GitLab     = "gitlab"
	Google     = "google"
	AWS        = "aws"
	Azure      = "azure"
	Kubernetes = "kubernetes"
	SPIFFE     = "spiffe"
	OIDC       = "oidc" // any other issuer
)

// Rule says which tokens of one foreign issuer speak for a client. Every claim
// must hold.
type Rule struct {
	Issuer   narrowcast.Issuer
	Claims   []Claim
	Position string // file:line, for explanations
}

// Claim demands a value of one claim.
type Claim struct {
	// Name is the claim. Members of objects are reached by further elements:
	// ["kubernetes.io", "serviceaccount", "uid"].
	Name []string
	// AnyOf are the values that fit, exactly one of which the token must have.
	AnyOf []string
}

// Token is a token of a foreign issuer that was found genuine. *narrowcast.Token
// is one.
type Token interface {
	// Claim returns the JSON text of a claim; that of a string without quotes.
	Claim(name string) (value string, ok bool)
}
