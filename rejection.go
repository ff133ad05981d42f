package narrowcast

import "slices"

// Rejection is the error of a token that was not accepted. It holds no token,
// and its message is safe to log; what the caller is told is Reason.Answer.
type Rejection struct {
	// Reason is the first check that failed, in the fixed order.
	Reason Reason
	// Also are the other checks that a genuine token failed.
	Also []Reason
	// Genuine reports that the signature is right: the token was really issued
	// by Claimed.Issuer. Without it, everything in Claimed is hearsay.
	Genuine bool
	// Detail says what exactly was wrong, such as the name of a claim.
	Detail string
	// Expected is the audience of the verifier; Received are those of the token.
	Expected string
	Received []string
	// Near says how an audience that almost fits differs, or is empty.
	Near string
	// Claimed is what the token says of itself, as far as it could be read.
	Claimed Claimed
	// Cause is the error behind KeyUnavailable, for logs.
	Cause error
}

// Error names the reason in words. It never contains the token.
func (r *Rejection) Error() string {
	s := "token rejected: " + r.Reason.String() + ": " + r.Reason.Sentence()
	if r.Detail != "" {
		s += " (" + r.Detail + ")"
	}
	return s
}

// Unwrap returns the cause, if there is one.
func (r *Rejection) Unwrap() error { return r.Cause }

// Failed reports whether reason is among the checks that failed.
func (r *Rejection) Failed(reason Reason) bool {
	return r.Reason == reason || slices.Contains(r.Also, reason)
}

// OffTarget reports that a genuine token was shown to a resource it is not
// addressed to: the best sign of theft there is. It is true also for a token
// that has expired or was revoked (law 3 keeps forged noise out).
func (r *Rejection) OffTarget() bool { return r.Genuine && r.Failed(AudienceMismatch) }

// OnlyAboutAudience reports that the token failed no check but those of its
// audience. This is the one kind of rejection that observe mode may set aside.
func (r *Rejection) OnlyAboutAudience() bool {
	if !r.Genuine || !r.Reason.AboutAudience() {
		return false
	}
	for _, also := range r.Also {
		if !also.AboutAudience() {
			return false
		}
	}
	return true
}

func reject(reason Reason) *Rejection { return &Rejection{Reason: reason} }
