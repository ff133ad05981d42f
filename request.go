package narrowcast

import (
	"crypto/sha256"
	"crypto/subtle"
)

// Request is the request that a token came with. It counts for tokens that are
// for one exact request; see [RequestDetail].
type Request struct {
	// Method is the method, in its case (RFC 9110 section 9.1).
	Method string
	// Target is path and query as they stand in the request line, before anything
	// was decoded or rewritten (RFC 9112 section 3.2.1).
	Target string
	// Digest returns the SHA-256 of the whole content, that of nothing when there is
	// none, or an error when it could not be read. It is called at most once, and
	// only when the token is good in all that comes before and one of its details
	// has this method and target.
	Digest func() ([sha256.Size]byte, error)

	_ struct{}
}

// checkRequest refuses a token that is for one exact request unless this is it. A
// request that is not told is another request.
func (v *Verifier) checkRequest(t *Token, r *Request, f *findings) {
	if t.c.more == nil || len(t.c.more.requests) == 0 {
		return
	}
	if r == nil {
		f.add(TxnMismatch, "nothing is known of the request")
		return
	}
	var fits []requestDetail
	for _, d := range t.c.more.requests {
		if d.isAt(v.audience) && d.method == r.Method && d.target == r.Target {
			fits = append(fits, d)
		}
	}
	switch {
	case len(fits) == 0:
		f.add(TxnMismatch, "another method, target or location")
	case f.n == 0: // nobody reads the content for a token that is refused anyway
		if detail := r.checkContent(fits); detail != "" {
			f.add(TxnMismatch, detail)
		}
	case f.onlyAboutAudience(): // observe mode might let it pass
		f.add(TxnMismatch, "the content was not looked at")
	}
}

func (d *requestDetail) isAt(ours Audience) bool {
	for _, location := range d.locations {
		if ours.Names(location) {
			return true
		}
	}
	return false
}

// checkContent returns what is wrong with the content, or "".
func (r *Request) checkContent(fits []requestDetail) string {
	if r.Digest == nil {
		return "the content is not known"
	}
	sum, err := r.Digest()
	if err != nil {
		return "the content could not be read"
	}
	for _, d := range fits {
		if subtle.ConstantTimeCompare(sum[:], d.digest[:]) == 1 {
			return ""
		}
	}
	return "another content"
}
