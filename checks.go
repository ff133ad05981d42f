package narrowcast

import (
	"context"
	"strings"
	"time"
)

// judge runs every check that comes after the signature: law 3, the second
// half. It looks at everything, so that the Rejection names all that failed.
func (v *Verifier) judge(ctx context.Context, t *Token, p Presentation, now time.Time) *Rejection {
	var f findings
	v.checkClaims(t, &f)
	v.checkTimes(t, now, &f)
	v.checkAudience(t, &f)
	if t.c.tenant != v.tenant || t.odd.tenant {
		f.add(TenantMismatch, "")
	}
	if t.c.environment != v.environment || t.odd.environment {
		f.add(EnvironmentMismatch, "")
	}
	v.checkSender(t, p, &f)
	v.checkLiveness(t, &f)
	v.checkRequest(t, p.Request, &f)
	if !p.Need.IsZero() && !t.scope.Covers(p.Need) {
		f.add(InsufficientScope, "needs "+p.Need.text)
	}
	if t.SingleUse() {
		v.checkUse(ctx, t, p.Last, &f)
	}
	if f.n == 0 {
		return nil
	}
	return v.genuineRejection(t, &f)
}

func (v *Verifier) genuineRejection(t *Token, f *findings) *Rejection {
	rej := v.expecting(&Rejection{Reason: f.reasons[0], Detail: f.detail, Genuine: true, Claimed: t.c.describe()})
	rej.Also = append(rej.Also, f.reasons[1:f.n]...)
	if rej.Failed(AudienceMismatch) {
		for _, received := range rej.Received {
			if rej.Near = Difference(v.audience, received); rej.Near != "" {
				break
			}
		}
	}
	return rej
}

// findings are the checks that failed, in order, without a heap allocation for
// the tokens that fail none.
type findings struct {
	reasons [16]Reason
	n       int
	detail  string // of the first
}

func (f *findings) add(r Reason, detail string) {
	if f.n == 0 {
		f.detail = detail
	}
	if f.n < len(f.reasons) {
		f.reasons[f.n] = r
		f.n++
	}
}

func (v *Verifier) checkClaims(t *Token, f *findings) {
	c := &t.c
	class := t.by.Class
	if c.malformed != "" {
		f.add(ClaimMalformed, c.malformed)
		return
	}
	if missing := class.missing(c); missing != "" {
		f.add(ClaimMissing, missing)
	} else if t.odd.missing != "" {
		f.add(ClaimMissing, t.odd.missing)
	}
	if class == ClientAssertion && c.issuer != c.subject {
		f.add(ClaimMalformed, "sub differs from iss")
	}
	if c.exp.present && c.iat.present && c.exp.seconds <= c.iat.seconds {
		f.add(ClaimMalformed, "exp is not after iat")
	}
	if class == JWTSVID && len(c.subject) == len(c.issuer) {
		f.add(ClaimMalformed, "sub is a trust domain and no workload")
	}
	if t.odd.wrong != "" {
		f.add(ClaimMismatch, t.odd.wrong)
	}
}

// missing names the first required claim that is absent. The audience has
// reasons of its own.
func (class Class) missing(c *claims) string {
	switch {
	case !c.exp.present:
		return "exp"
	case class == JWTSVID: // sub was read to find the trust domain
		return ""
	case !c.iat.present && class != ClientAssertion:
		return "iat"
	case c.subject == "" && class != DangerouslyUntyped:
		return "sub"
	case c.id == "" && class != DangerouslyUntyped:
		return "jti"
	case c.client == "" && class == AccessToken:
		return "client_id"
	}
	return ""
}

func (v *Verifier) checkTimes(t *Token, now time.Time, f *findings) {
	at, skew := now.Unix(), int64(v.skew/time.Second)
	c := &t.c
	if c.exp.present && at >= c.exp.seconds+skew {
		f.add(Expired, "")
	}
	if c.nbf.present && at < c.nbf.seconds-skew {
		f.add(NotYetValid, "nbf")
	}
	if c.iat.present && at < c.iat.seconds-skew {
		f.add(NotYetValid, "iat")
	}
	from := c.iat.seconds
	if !c.iat.present {
		from = at + skew
	}
	if c.exp.present && c.exp.seconds-from > t.by.maxLifetime {
		f.add(LifetimeExceeded, "")
	}
	if !t.until.IsZero() && now.After(t.until) {
		f.add(KeyWindow, "")
	}
}

func (v *Verifier) checkAudience(t *Token, f *findings) {
	aud := &t.c.aud
	switch {
	case t.by.foreign:
		if t.odd.audience != 0 {
			f.add(t.odd.audience, "")
		}
	case aud.malformed:
		f.add(AudienceMalformed, "")
	case aud.one != "":
		if !v.audience.Names(aud.one) {
			f.add(AudienceMismatch, "")
		}
	case len(aud.many) == 0:
		f.add(AudienceMissing, "")
	default:
		v.checkAudiences(aud.many, f)
	}
}

// checkAudiences refuses a list in any case: a token that opens two doors is
// what this house exists to end.
func (v *Verifier) checkAudiences(many []string, f *findings) {
	for _, one := range many {
		if v.audience.Names(one) {
			f.add(AudienceMultiple, "")
			return
		}
	}
	f.add(AudienceMismatch, "")
}

// checkSender refuses a bound token unless its binding is proved. A cnf that is
// not understood is a cnf that is not met.
func (v *Verifier) checkSender(t *Token, p Presentation, f *findings) {
	cnf := &t.c.cnf
	switch {
	case !cnf.present && v.binding:
		f.add(BindingRequired, "")
	case !cnf.present && p.Prove != nil:
		f.add(SenderMismatch, "shown with a proof, and bound to no key")
	case !cnf.present:
	case cnf.unknown:
		f.add(SenderMismatch, "cnf has a member that is not understood")
	default:
		checkProof(cnf, p, f)
	}
}

// checkProof demands a proof for each member of cnf.
func checkProof(cnf *confirmation, p Presentation, f *findings) {
	if cnf.key != "" {
		checkKeyProof(cnf.key, p, f)
		if !cnf.bothWays {
			return
		}
	}
	switch {
	case p.Certificate == "":
		f.add(Downgrade, "bound to a certificate, and none came")
	case p.Certificate != cnf.certificate:
		f.add(SenderMismatch, "another certificate")
	}
}

func checkKeyProof(bound string, p Presentation, f *findings) {
	if p.Prove == nil {
		f.add(Downgrade, "bound to a key, and no proof came")
		return
	}
	switch shown, failed := p.Prove(); {
	case failed == Replayed:
		f.add(Replayed, "")
	case failed != 0:
		f.add(ProofInvalid, "")
	case shown != bound:
		f.add(SenderMismatch, "another key")
	}
}

func (v *Verifier) checkLiveness(t *Token, f *findings) {
	if v.liveness == nil {
		return
	}
	switch r := v.liveness.Check(t); r {
	case 0:
	case Revoked, TaskEnded, TaskPaused:
		f.add(r, "")
	default:
		f.add(Stale, "")
	}
}

func mediaType(typ, want string) bool {
	if strings.EqualFold(typ, want) {
		return true
	}
	const tree = "application/"
	return len(typ) > len(tree) && strings.EqualFold(typ[:len(tree)], tree) && strings.EqualFold(typ[len(tree):], want)
}
