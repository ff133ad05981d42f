package narrowcast

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Description is what a verifier is set to do, in a form that can be reported,
// compared and kept.
type Description struct {
	Audience    Audience
	Issuers     []DescribedIssuer
	Algorithms  []Algorithm
	Tenant      string
	Environment string
	Skew        time.Duration
	MaxLifetime time.Duration
	Binding     bool // tokens must be bound to their sender
	Revocation  bool // a Liveness is asked
	SingleUse   bool // a Uses is asked, so that tokens for one use are accepted
	CacheFor    time.Duration
}

// DescribedIssuer is one trusted issuer of a Description.
type DescribedIssuer struct {
	Issuer Issuer
	Class  string
	Terms  []string // what sets it apart from its class; see TrustedIssuer.Terms
}

// Describe returns what v is set to do.
func (v *Verifier) Describe() Description {
	d := Description{
		Audience: v.audience, Algorithms: slices.Clone(v.algorithms),
		Tenant: v.tenant, Environment: v.environment, Skew: v.skew, MaxLifetime: v.maxLifetime,
		Binding: v.binding, Revocation: v.liveness != nil, SingleUse: v.uses != nil,
	}
	for _, id := range v.ordered {
		by := v.issuers[id.text]
		d.Issuers = append(d.Issuers, DescribedIssuer{id, by.Class.String(), by.Terms()})
	}
	if v.cache != nil {
		d.CacheFor = v.cache.keep
	}
	return d
}

// String names the verifier by its audience.
func (v *Verifier) String() string {
	if v == nil {
		return "no verifier"
	}
	return "verifier for " + v.audience.text
}

// GoString is String: the cache of a verifier holds tokens.
func (v *Verifier) GoString() string { return v.String() }

// Audience returns the one resource that v guards.
func (v *Verifier) Audience() Audience { return v.audience }

// Issuers returns the trusted issuers.
func (v *Verifier) Issuers() []Issuer { return slices.Clone(v.ordered) }

// Digest identifies the configuration of v: two verifiers with the same digest
// give the same answers, keys and revocations aside. It is the SHA-256 of the
// Description, in hexadecimal.
func (v *Verifier) Digest() string { return v.digest }

func (d Description) digest() string {
	var b strings.Builder
	fmt.Fprintf(&b, "narrowcast verifier 1\naudience %s\n", d.Audience)
	issuers := slices.Clone(d.Issuers)
	slices.SortFunc(issuers, func(a, b DescribedIssuer) int { return strings.Compare(a.Issuer.text, b.Issuer.text) })
	for _, i := range issuers {
		fmt.Fprintf(&b, "issuer %s %s\n", i.Issuer, i.Class)
		for _, term := range i.Terms {
			fmt.Fprintf(&b, "term %s\n", term)
		}
	}
	for _, alg := range slices.Sorted(slices.Values(d.Algorithms)) {
		fmt.Fprintf(&b, "algorithm %s\n", alg)
	}
	fmt.Fprintf(&b, "tenant %s\nenvironment %s\nbinding %t\nskew %s\nlifetime %s\nrevocation %t\ncache %s\n",
		d.Tenant, d.Environment, d.Binding, d.Skew, d.MaxLifetime, d.Revocation, d.CacheFor)
	if d.SingleUse { // written only then, so that the digests of others stay as they were
		b.WriteString("single use true\n")
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:])
}
