package incident

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
)

// judgement is what one setting of a verifier means for a token.
type judgement struct {
	verdict Verdict
	reason  narrowcast.Reason
	near    string
	why     string // continues the sentence of the basis
}

// judge builds the verifier that an enforcement point said it is, and asks it.
func (r *Room) judge(ctx context.Context, q *question, facts *event.Verifier) judgement {
	v, err := r.rebuild(facts, q.life.asOf)
	if err != nil {
		return judgement{verdict: Unknown, why: "; its configuration cannot be rebuilt here"}
	}
	// Whoever stole a bound token may have stolen its key as well.
	with := ""
	if q.proof != (proof{}) {
		with = "; it is bound to its sender, whose proof is taken to be shown with it"
	}
	_, err = v.Verify(ctx, q.text, q.presentation())
	var rej *narrowcast.Rejection
	switch {
	case err == nil && q.bounded() != "":
		return judgement{verdict: Unknown, why: q.bounded() + with}
	case err == nil:
		return judgement{verdict: Accepts, why: with}
	case !errors.As(err, &rej):
		return judgement{verdict: Unknown, why: "; it could not be asked"}
	case errors.Is(rej.Cause, errNotAtHand):
		return judgement{verdict: Unknown, why: "; it trusts this issuer, whose keys are not at hand"}
	}
	j := judgement{verdict: Refuses, reason: rej.Reason, near: rej.Near}
	switch {
	case facts.Mode != event.Enforce && rej.OnlyAboutAudience():
		j.verdict, j.why = Accepts, "; observe mode lets it pass"+with
	case withdrawn(rej.Reason):
		j.verdict, j.why = Unknown, "; the key was not in force then, and a verifier does not report which keys it holds"
	case strange(rej.Reason):
		j.why = "; provided that it holds no keys but the issuer's own"
	}
	return j
}

// withdrawn are reasons by which the archive of keys knows better than a
// verifier may: one that kept an old key set would not have refused.
func withdrawn(r narrowcast.Reason) bool {
	return r == narrowcast.KeyWindow || r == narrowcast.KeyUnavailable
}

// strange are reasons that hold for the keys that the issuer ever had.
func strange(r narrowcast.Reason) bool {
	return r == narrowcast.KeyUnknown || r == narrowcast.AlgorithmMismatch || r == narrowcast.SignatureInvalid
}

// proof is what a token says it is bound to: the thumbprint of a certificate (RFC
// 8705 section 3.1), or of a key (RFC 9449 section 6.1).
type proof struct{ Certificate, Key string }

// proofOf reads the binding of a text that was read as a token before. Into maps,
// because fields of a struct would match names in any case.
func proofOf(text string) proof {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return proof{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return proof{}
	}
	var claims, cnf map[string]json.RawMessage
	if json.Unmarshal(payload, &claims) != nil || json.Unmarshal(claims["cnf"], &cnf) != nil {
		return proof{}
	}
	said := func(name string) (s string) {
		_ = json.Unmarshal(cnf[name], &s) // what is no string is malformed to every verifier
		return s
	}
	return proof{Certificate: said("x5t#S256"), Key: said("jkt")}
}

// presentation is how the rightful sender would show the token.
func (q *question) presentation() narrowcast.Presentation {
	shown := narrowcast.Presentation{Certificate: q.proof.Certificate, Request: q.request}
	if key := q.proof.Key; key != "" {
		shown.Prove = func() (string, narrowcast.Reason) { return key, 0 }
	}
	return shown
}
