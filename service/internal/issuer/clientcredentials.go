package issuer

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
)

// clientCredentials is the grant of RFC 6749 section 4.4: a client asks in its
// own name.
func (d *Desk) clientCredentials(v *visit) *Refusal {
	target, refusal := v.request.target()
	if refusal != nil {
		return refusal
	}
	v.asked = target
	scope, err := narrowcast.ParseScope(v.request.Scope)
	if err != nil {
		return &Refusal{Ground: ScopeMalformed, Detail: "the scope is malformed"}
	}
	lifetime, ok := seconds(v.request.Lifetime)
	if !ok {
		return &Refusal{Ground: LifetimeMalformed}
	}
	rules := d.config.Rules()
	if rules == nil {
		return &Refusal{Ground: Unavailable, Detail: "no registry revision is in force"}
	}
	v.rule = rules.Decide(policy.Request{Client: v.who.Client, Resource: target, Scope: scope, Lifetime: lifetime, At: v.at})
	if !v.rule.Allowed {
		return denied(v.rule, target)
	}
	return nil
}

// target finds the one resource. The parameter audience is read as another name
// of resource, because real clients send nothing else (RFC 8693 section 2.1
// knows both); a request that uses both must mean one resource by them.
func (r *Request) target() (string, *Refusal) {
	if len(r.Resources) > 1 || len(r.Audiences) > 1 {
		return "", &Refusal{Ground: TargetMany}
	}
	all := append(append(make([]string, 0, 2), r.Resources...), r.Audiences...)
	switch {
	case len(all) == 0:
		return "", nil // the rules may know a default
	case len(all) == 2 && all[0] != all[1]:
		return "", &Refusal{Ground: TargetMany, Detail: "resource and audience differ"}
	case len(all[0]) > maxTarget:
		return "", &Refusal{Ground: TargetRefused, Detail: "the resource is longer than " + strconv.Itoa(maxTarget) + " bytes"}
	case holdsToken(all[0]):
		return "", &Refusal{Ground: TargetRefused, Detail: "the resource holds the text of a token"}
	}
	if _, err := narrowcast.ParseAudience(all[0]); err != nil {
		// The error around this one repeats what was sent.
		return "", &Refusal{Ground: TargetRefused, Detail: "the resource is malformed: " + errors.Unwrap(err).Error()}
	}
	return all[0], nil
}

const maxTarget = 512

// holdsToken keeps tokens that strayed into another field out of the book.
func holdsToken(s string) bool {
	for part := range strings.FieldsFuncSeq(s, outsideToken) {
		if len(part) < shortestToken {
			continue
		}
		if _, err := narrowcast.Inspect(part); err == nil {
			return true
		}
	}
	return false
}

// shortestToken is below the length of the shortest signature in base64url.
const shortestToken = 80

// outsideToken reports whether r is none of the characters of a compact JWS.
func outsideToken(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
		return false
	}
	return true
}

// seconds reads the parameter lifetime; "" is 0. Nine digits are thirty years.
func seconds(s string) (time.Duration, bool) {
	if s == "" {
		return 0, true
	}
	if len(s) > 9 || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return time.Duration(n) * time.Second, err == nil && n > 0
}

// denied turns a decision of the rules into a refusal.
func denied(rule policy.Decision, target string) *Refusal {
	r := &Refusal{Edge: rule.Edge, Detail: explain(rule)}
	switch rule.Refusal {
	case "invalid_target":
		r.Ground = TargetRefused
		if target == "" {
			r.Ground = TargetMissing
		}
	case "invalid_scope":
		r.Ground = ScopeRefused
	case "invalid_request":
		r.Ground = ProofOfKeyMissing
	default:
		r.Ground, r.Detail = Broken, "the rules refused with an unknown code: "+r.Detail
	}
	return r
}

// explain writes the reasons of a decision with the lines that decided.
func explain(rule policy.Decision) string {
	var b strings.Builder
	for i, reason := range rule.Reasons {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(reason.Text)
		if reason.Position != "" {
			b.WriteString(" (" + reason.Position + ")")
		}
	}
	return b.String()
}
