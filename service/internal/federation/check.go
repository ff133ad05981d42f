package federation

import (
	"fmt"
	"slices"
	"strings"
)

// Check returns what is wrong with a rule for tokens of the platform; nothing
// when it fixes exactly one workload. A rule that fixes issuer and audience
// alone lets in everybody who can get a token from that issuer.
func Check(platform string, r Rule) Faults {
	c := &checker{rule: r, platform: platform}
	if r.Issuer.IsZero() {
		c.whole("names no issuer")
	}
	of, known := shapes()[platform]
	switch {
	case platform == SPIFFE:
		c.whole("is for claims, and a workload of a trust domain is named by its SPIFFE ID; write spiffe: spiffe://… instead")
		return c.faults
	case !known:
		c.whole("is for a platform that is not known; known are " + strings.Join(Platforms(), ", "))
		return c.faults
	case len(r.Claims) == 0:
		c.whole("fixes issuer and audience and no subject: every token of this issuer would do; it must fix " + of.wanted)
		return c.faults
	}
	c.claims(of)
	of.check(c)
	c.pullRequests(of.pulls)
	return c.faults
}

type checker struct {
	rule     Rule
	platform string
	faults   Faults
}

func (c *checker) whole(text string) { c.faults = append(c.faults, Fault{Whole, text}) }

func (c *checker) at(i int, text string) {
	c.faults = append(c.faults, Fault{i, "claim " + dotted(c.rule.Claims[i].Name) + " " + text})
}

// claims checks each claim by itself.
func (c *checker) claims(of shape) {
	if len(c.rule.Claims) > MaxClaims {
		c.whole(fmt.Sprintf("has more than %d claims", MaxClaims))
	}
	seen := map[string]bool{}
	for i, claim := range c.rule.Claims {
		name := key(claim.Name...)
		if fault := nameFault(claim.Name); fault != "" {
			c.faults = append(c.faults, Fault{i, fault})
			continue
		}
		if seen[name] {
			c.at(i, "is named twice")
		}
		seen[name] = true
		c.values(i, claim, slices.Contains(of.naming, name))
	}
}

func nameFault(name []string) string {
	if len(name) == 0 || len(name) > MaxDepth {
		return fmt.Sprintf("the name of a claim has 1 to %d elements", MaxDepth)
	}
	for _, element := range name {
		if element == "" || len(element) > maxText || !printable(element) {
			return "the name of a claim must be printable text"
		}
	}
	switch name[0] {
	case "iss", "aud", "exp", "nbf", "iat", "jti":
		return "claim " + name[0] + " does not say who somebody is; issuer, audience and times are checked without a rule"
	}
	return ""
}

func (c *checker) values(i int, claim Claim, naming bool) {
	switch n := len(claim.AnyOf); {
	case n == 0:
		c.at(i, "has no value, which fixes nothing")
	case n > MaxValues:
		c.at(i, fmt.Sprintf("has more than %d values", MaxValues))
	case n > 1 && naming && !c.oneRepository(claim):
		c.at(i, "has several values, and it names the owner or the workload; give every workload a client of its own")
	}
	for j, value := range claim.AnyOf {
		if fault := valueFault(value, naming); fault != "" {
			c.at(i, fault)
			return
		}
		if slices.Contains(claim.AnyOf[:j], value) {
			c.at(i, "has a value twice")
		}
	}
}

// form demands that all values of a claim, when it is there, have a form. A
// claim with a fault has been spoken of.
func (c *checker) form(has func(string) bool, what string, name ...string) {
	for i, claim := range c.rule.Claims {
		faulty := slices.ContainsFunc(c.faults, func(f Fault) bool { return f.Claim == i })
		if key(claim.Name...) != key(name...) || faulty {
			continue
		}
		if slices.ContainsFunc(claim.AnyOf, func(value string) bool { return !has(value) }) {
			c.at(i, "must be "+what)
		}
	}
}

// pullRequests refuses events that somebody may cause by proposing a change,
// unless the rule says twice that it wants them.
func (c *checker) pullRequests(p pulls) {
	if p.claim == "" {
		if c.rule.AllowPullRequests {
			c.whole("allows pull requests, which tokens of " + c.platform + " know nothing of")
		}
		return
	}
	if !c.rule.has(p.claim) {
		c.whole("does not fix " + p.claim + ", so every event would do; name those that count, such as " + p.usual)
		return
	}
	asked := false
	for i, claim := range c.rule.Claims {
		for _, value := range claim.AnyOf {
			if !p.names(claim.Name, value) {
				continue
			}
			asked = asked || claim.Name[0] == p.claim
			if !c.rule.AllowPullRequests {
				c.at(i, "lets in pull requests, which anybody with a fork can open; if that is meant, add allow_pull_requests: true")
			}
		}
	}
	if c.rule.AllowPullRequests && !asked {
		c.whole("allows pull requests and does not name their event in " + p.claim + "; leave out allow_pull_requests")
	}
}
