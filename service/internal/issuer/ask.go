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
	if v.details, err = readDetails(v.request.Details); err != nil || holdsToken(v.request.Details) || v.request.Credentials.hold(v.request.Details) {
		return &Refusal{Ground: DetailsRefused, Detail: errDetails.Error()}
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
		Client: v.who.Client, Resource: target, Scope: scope, Lifetime: lifetime, At: v.at, Until: v.until(),
		Details: kinds(v.details), Parent: d.behind(v), Actor: v.actor(),
	})
	if v.rule.Allowed {
		return nil
	}
	refusal = v.denied(target)
	if refusal.Ground == ProofOfKeyMissing && len(v.request.Credentials.Certificates) > 0 && v.certificate() == nil {
		refusal.Detail += "; the certificate that was shown is not in force"
	}
	return refusal
}

// behind are the facts of the letter that is exchanged.
func (d *Desk) behind(v *visit) *policy.Parent {
	if v.parent == nil {
		return nil
	}
	p := d.facts(v.parent.token.Describe())
	p.MayAct, p.Behind = v.parent.token.MayAct(), v.parent.holders
	return p
}

// actor is whom a token of the client names as the one who acts. Subjects that
// foreign issuers made up mean nothing without them, and verifiers read no name
// that is longer.
func (v *visit) actor() narrowcast.Subject {
	if s := v.who.Subject; strings.HasPrefix(string(s), "spiffe://") && len(s) <= maxActor {
		return v.who.Subject
	}
	return narrowcast.Subject(v.who.Client)
}

// until is when what the token is based on ends: the proof of identity or the
// task. The rules look at the letter that is exchanged.
func (v *visit) until() time.Time {
	until := v.who.Until
	if v.task != nil && (until.IsZero() || v.task.Deadline.Before(until)) {
		until = v.task.Deadline
	}
	return until
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

const (
	maxTarget = 512
	maxActor  = 256
)

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
func (v *visit) denied(target string) *Refusal {
	rule := v.rule
	r := &Refusal{Edge: rule.Edge, Detail: explain(rule)}
	if rule.NotAddressee {
		r.Ground, r.Detail = NotAddressed, offTarget+"; "+r.Detail
		claimed := v.parent.token.Describe()
		r.Assertion = &narrowcast.Rejection{Genuine: true, Received: claimed.Audience, Claimed: claimed}
		return r
	}
	switch rule.Refusal {
	case "invalid_target":
		r.Ground = TargetRefused
		if target == "" {
			r.Ground = TargetMissing
		}
	case "invalid_scope":
		r.Ground = ScopeRefused
	case policy.InvalidGrant:
		r.Ground = DelegationRefused
	case policy.InvalidDetails:
		r.Ground = DetailsRefused
	case "invalid_request":
		r.Ground = LifetimeRefused
		if rule.KeyMissing {
			r.Ground = ProofOfKeyMissing
		}
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
