package federation

import (
	"fmt"
	"slices"
	"strings"
)

// Match reports whether a genuine token fits a rule. When it does not, why
// names the claim and what was expected, and shows nothing of the token. A rule
// that [Check] refuses fits no token.
//
// Match is not told the audience: that it is ours alone was for the verifier.
func Match(platform string, r Rule, t Token) (ok bool, why string) {
	if faults := Check(platform, r); len(faults) > 0 {
		return false, "the rule is refused: " + faults.Error()
	}
	if iss, here := t.Claim("iss"); !here || iss != r.Issuer.String() {
		return false, "claim iss: expected " + r.Issuer.String()
	}
	of := shapes()[platform]
	if !r.AllowPullRequests {
		if claim := of.pulls.caused(t); claim != "" {
			return false, "claim " + claim + ": the run was caused by a pull request; the rule does not allow them"
		}
	}
	for _, claim := range r.Claims {
		if why := mismatch(claim, t, of.lists); why != "" {
			return false, why
		}
	}
	return true, ""
}

// caused names a claim which tells that a proposed change caused the run.
func (p pulls) caused(t Token) string {
	for _, name := range slices.Concat([]string{p.claim, "ref", "ref_path", "sub"}, p.filled) {
		if p.claim == "" {
			break
		}
		if value, here := t.Claim(name); here && p.names([]string{name}, value) {
			return name
		}
	}
	return ""
}

// mismatch says why a token does not have a claim as it is demanded.
func mismatch(claim Claim, t Token, lists []string) string {
	values, state := look(t, claim.Name, lists)
	for _, value := range values {
		if slices.Contains(claim.AnyOf, value) {
			return ""
		}
	}
	if state == "" {
		state = "differs"
	}
	return fmt.Sprintf("claim %s %s: expected %s", dotted(claim.Name), state, expected(claim.AnyOf))
}

func expected(values []string) string {
	quoted := make([]string, len(values))
	for i, value := range values {
		quoted[i] = fmt.Sprintf("%q", value)
	}
	return strings.Join(quoted, " or ")
}

// look returns the value of a claim, or the elements of a claim that is known to
// be a list. State says what is in the way.
func look(t Token, name, lists []string) (values []string, state string) {
	text, here := t.Claim(name[0])
	switch {
	case !here:
		return nil, "is missing"
	case len(name) > 1:
		return lookInside(text, name[1:])
	case slices.Contains(lists, name[0]) && strings.HasPrefix(text, "["):
		if values, here = elements(text); !here {
			return nil, "is no list of texts"
		}
		return values, ""
	case strings.HasPrefix(text, "["):
		return nil, "is a list"
	}
	return []string{text}, ""
}

func lookInside(text string, name []string) (values []string, state string) {
	for _, element := range name {
		inner, here := member(text, element)
		if !here {
			return nil, "is missing"
		}
		text = inner
	}
	value, plain := leaf(text)
	if !plain {
		return nil, "is no string, number or boolean"
	}
	return []string{value}, ""
}
