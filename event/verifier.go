package event

import (
	"encoding/json"
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

const (
	// maxIssuers bounds what an event says of the issuers of a verifier, encoded:
	// an event that is too long would not be written at all.
	maxIssuers = 12 << 10
	// termsLeftOut stands in place of terms that are too long. It is no term: whoever
	// reads it knows that there are some and not which.
	termsLeftOut = "terms-left-out"
)

// VerifierOf turns what a verifier is set to do into the facts of an event. An
// issuer with the plain tokens of its class is told by the class alone, one with a
// dialect by the class and its terms (narrowcast.TrustedIssuer.Terms).
func VerifierOf(v *narrowcast.Verifier, mode Mode) *Verifier {
	d := v.Describe()
	facts := &Verifier{
		Audience: d.Audience.String(), Digest: v.Digest(), Mode: mode,
		Issuers: issuersOf(d.Issuers), Skew: d.Skew, MaxLife: d.MaxLifetime,
		Tenant: d.Tenant, Environment: d.Environment, Binding: d.Binding, Revocation: d.Revocation, SingleUse: d.SingleUse,
	}
	for _, alg := range d.Algorithms {
		facts.Algorithms = append(facts.Algorithms, string(alg))
	}
	return facts
}

func issuersOf(described []narrowcast.DescribedIssuer) map[string]string {
	all := make(map[string]string, len(described))
	for _, i := range described {
		all[i.Issuer.String()] = strings.Join(append([]string{i.Class}, i.Terms...), "; ")
	}
	if text, err := json.Marshal(all); err == nil && len(text) <= maxIssuers {
		return all
	}
	for _, i := range described {
		if len(i.Terms) > 0 {
			all[i.Issuer.String()] = i.Class + "; " + termsLeftOut
		}
	}
	return all
}
