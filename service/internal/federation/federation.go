// Package federation decides whether a token of a foreign issuer speaks for a
// client: a rule fixes the issuer and the claims that name exactly one workload.
//
// The room is pure. Signature, times and audience were checked before a token
// comes here.
package federation

import (
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

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

// Platforms returns all of them.
func Platforms() []string {
	return []string{GitHub, GitLab, Google, AWS, Azure, Kubernetes, SPIFFE, OIDC}
}

// Rule says which tokens of one foreign issuer speak for a client. Every claim
// must hold. A rule that [Check] finds fault with holds for no token.
type Rule struct {
	Issuer narrowcast.Issuer
	Claims []Claim
	// AllowPullRequests lets tokens count that somebody may get by proposing a
	// change. The rule must name the event as well.
	AllowPullRequests bool
	Position          string // file:line, for explanations
}

// Claim demands a value of one claim.
type Claim struct {
	// Name is the claim. Members of objects are reached by further elements:
	// ["kubernetes.io", "serviceaccount", "uid"].
	Name []string
	// AnyOf are the values that fit, exactly one of which the token must have.
	// A number or a boolean is compared by its JSON text.
	AnyOf []string
}

// Token is a token of a foreign issuer that was found genuine. *narrowcast.Token
// is one.
type Token interface {
	// Claim returns the JSON text of a claim; that of a string without quotes.
	Claim(name string) (value string, ok bool)
}

// key makes one text of a name, for maps.
func key(name ...string) string { return strings.Join(name, "\x1f") }

// dotted shows a name to people.
func dotted(name []string) string { return strings.Join(name, ".") }

// find returns the first demand on the claim, or nil.
func (r Rule) find(name ...string) *Claim {
	for i := range r.Claims {
		if key(r.Claims[i].Name...) == key(name...) {
			return &r.Claims[i]
		}
	}
	return nil
}

// has reports whether the rule demands something of all these top-level claims.
func (r Rule) has(names ...string) bool {
	for _, name := range names {
		if r.find(name) == nil {
			return false
		}
	}
	return true
}

// is reports whether the rule demands exactly this value of a claim.
func (r Rule) is(name, value string) bool {
	c := r.find(name)
	return c != nil && len(c.AnyOf) == 1 && c.AnyOf[0] == value
}
