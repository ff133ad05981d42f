package issuer

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
)

// ask asks the rules. Whatever grant brought a visit here, the client asks in
// its own name for one resource (RFC 6749 section 4.4, RFC 7523 section 2.1, RFC
// 8693 section 2.1), and how it proved who it is widens nothing.
func (d *Desk) ask(v *visit) *Refusal {
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
	v.rule = decide(rules, v, policy.Request{
		Client: v.who.Client, Resource: target, Scope: scope, Lifetime: lifetime, At: v.at, Until: v.who.Until,
	})
	if v.rule.Allowed {
		return nil
	}
	refusal = denied(v.rule, target)
	if refusal.Ground == ProofOfKeyMissing && len(v.request.Credentials.Certificates) > 0 && v.certificate() == nil {
		refusal.Detail += "; the certificate that was shown is not in force"
	}
	return refusal
}

// decide asks with the keys that were proved. A token that is bound to a
// certificate is of no use after the certificate, so it ends with it; one that
// is bound to another key does not.
func decide(rules Rules, v *visit, q policy.Request) policy.Decision {
	certificate := v.certificate()
	q.Shown = policy.Shown{DPoP: v.proof.Thumbprint != "", MTLS: certificate != nil}
	rule := rules.Decide(q)
	if rule.Bind.MTLS && certificate != nil && (q.Until.IsZero() || certificate.NotAfter.Before(q.Until)) {
		q.Until = certificate.NotAfter
		rule = rules.Decide(q)
	}
	return rule
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
	case holdsToken(all[0]), r.Credentials.hold(all[0]):
		return "", &Refusal{Ground: TargetRefused, Detail: "the resource holds the text of a token or of a secret"}
	}
	if _, err := narrowcast.ParseAudience(all[0]); err != nil {
		// The error around this one repeats what was sent.
		return "", &Refusal{Ground: TargetRefused, Detail: "the resource is malformed: " + errors.Unwrap(err).Error()}
	}
	return all[0], nil
}

const maxTarget = 512

// hold reports whether a text repeats one of the credentials. A token need not
// look like one.
func (c *Credentials) hold(text string) bool {
	for _, secret := range []string{c.Token, c.Assertion, c.Secret} {
		if secret != "" && strings.Contains(text, secret) {
			return true
		}
	}
	return false
}

// holdsToken keeps tokens that strayed into another field out of the book. One
// may stand between other words with dots, as in a path with an ending, so every
// three parts in a row are looked at.
func holdsToken(s string) bool {
	for run := range strings.FieldsFuncSeq(s, outsideToken) {
		if len(run) < shortestToken {
			continue
		}
		parts := strings.Split(run, ".")
		for i := 0; i+2 < len(parts); i++ {
			if isToken(parts[i], parts[i+1:i+3]) {
				return true
			}
		}
	}
	return false
}

// isToken also finds a token that stands right behind a word.
func isToken(header string, rest []string) bool {
	for _, from := range []int{0, strings.Index(header, "eyJ")} { // as nearly every JOSE header begins
		if from < 0 {
			continue
		}
		if _, err := narrowcast.Inspect(header[from:] + "." + rest[0] + "." + rest[1]); err == nil {
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
