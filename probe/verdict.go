package probe

import (
	"fmt"
	"net/http"

	"github.com/narrowcast-io/narrowcast"
)

// Verdict is what a trial showed.
type Verdict string

// The verdicts.
const (
	Enforced       Verdict = "enforced"        // right tokens came in, the wrong one did not
	NotEnforced    Verdict = "not enforced"    // the wrong one came in, at a door that asks for a token
	NotEstablished Verdict = "not established" // something is missing for either; the premise says what
)

// doorstep is how the door answers before any fault is tried.
type doorstep struct{ noToken, garbage int }

// verdict decides about one fault:
//
//   - A door that lets everybody in shows nothing.
//   - A wrong token that gets 2xx where no token does not is accepted.
//   - 401 and 400 are refusals, if the right token was let in before and after
//     with 2xx, or with 403 where garbage is answered otherwise: then 403 means
//     that the token is good and its scope too narrow (RFC 6750 section 3.1).
//   - 403 is a refusal only where the right token gets 2xx.
//   - 413, 414 and 431 refuse a token that is too large, and nothing else.
//   - Redirects, 404, 405, 429, 5xx and silence say nothing about a token.
func (v *visit) verdict(t trial, status, before, after int) (Verdict, string) {
	switch {
	case status == notApplicable:
		return NotEstablished, "not tried: the fault has no form for this audience, issuer or algorithm"
	case success(v.doorstep.noToken):
		return NotEstablished, "the door lets in requests without a token"
	case success(status):
		return NotEnforced, ""
	case status == 0 && v.report.Stopped != "":
		return NotEstablished, "not tried: " + v.report.Stopped
	case status == 0:
		return NotEstablished, "there was no answer"
	case !v.letIn(before):
		return NotEstablished, fmt.Sprintf("the right token was refused with %d", before)
	case !v.letIn(after):
		return NotEstablished, fmt.Sprintf("the right token was refused afterwards with %d", after)
	}
	return refusal(t.fault.Reason, status, before)
}

func refusal(reason narrowcast.Reason, status, right int) (Verdict, string) {
	switch status {
	case http.StatusUnauthorized, http.StatusBadRequest:
		return Enforced, ""
	case http.StatusForbidden:
		if success(right) {
			return Enforced, ""
		}
		return NotEstablished, "403 is also the answer to the right token"
	case http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong, http.StatusRequestHeaderFieldsTooLarge:
		if reason == narrowcast.TooLarge {
			return Enforced, ""
		}
	}
	return NotEstablished, fmt.Sprintf("%d says nothing about the token", status)
}

// letIn reports whether a status means that a token was accepted as genuine.
func (v *visit) letIn(status int) bool {
	return success(status) || status == http.StatusForbidden && v.doorstep.garbage != status && v.doorstep.noToken != status
}

func success(status int) bool { return status >= 200 && status < 300 }
