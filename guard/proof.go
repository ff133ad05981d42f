package guard

import (
	"errors"
	"net/http"
	"net/url"
	"sync/atomic"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/dpop"
)

// shown is what a caller brought to prove that a token is his.
type shown struct {
	proofs   []string    // DPoP header fields
	scheme   bool        // the token came under the scheme DPoP
	received string      // the path that a proof must name
	proof    *dpop.Proof // that was examined and not yet used up
	used     bool        // it was used up, if there is one
	fault    *dpop.Fault // why it was refused
	ask      bool        // the caller is asked for a nonce, everything else being right
}

// receivedPath is the path as it was sent: a handler further out may have altered
// the URL.
func receivedPath(r *http.Request) string {
	if u, err := url.ParseRequestURI(r.RequestURI); err == nil {
		return u.EscapedPath()
	}
	return r.URL.EscapedPath()
}

// prove examines the proof that came with a token. The verifier asks for it when
// the token is genuine and bound to a key, and compares the keys.
func (g *Guard) prove(k *knock, token string) (thumbprint string, failed narrowcast.Reason) {
	p, err := g.possession.checker.Examine(dpop.Shown{
		Proofs: k.shown.proofs, Method: k.method, URI: g.possession.origin + k.shown.received, Token: token,
	})
	if err != nil {
		k.shown.fault = faultOf(err)
		return "", narrowcast.ProofInvalid
	}
	k.shown.proof = p
	return p.Thumbprint(), 0
}

func faultOf(err error) *dpop.Fault {
	var fault *dpop.Fault
	if !errors.As(err, &fault) {
		fault = &dpop.Fault{Detail: "it could not be checked"}
	}
	return fault
}

// use uses up the proof of a request that would be let in otherwise. Only then:
// nobody can fill the memory with requests that are refused, and only the sender
// of a good token learns that a nonce is wanted.
func (g *Guard) use(k *knock, token *narrowcast.Token, rej *narrowcast.Rejection) *narrowcast.Rejection {
	if k.shown.used {
		return rej
	}
	switch reason := g.useProof(k); reason {
	case 0:
		return rej
	case narrowcast.SenderMismatch:
		return g.unproved(token, rej, reason, "shown with a proof, and bound to no key")
	default:
		return g.unproved(token, rej, reason, "")
	}
}

// useProof returns what is wrong with the proof, or zero.
func (g *Guard) useProof(k *knock) narrowcast.Reason {
	if !k.shown.scheme {
		return 0
	}
	if k.shown.proof == nil { // a certificate was all that the token asked for
		return narrowcast.SenderMismatch
	}
	err := g.possession.checker.Use(k.shown.proof)
	if err == nil {
		return 0
	}
	fault := faultOf(err)
	k.shown.fault, k.shown.ask = fault, fault.Kind == dpop.NonceNeeded
	if fault.Kind == dpop.Replayed {
		return narrowcast.Replayed
	}
	return narrowcast.ProofInvalid
}

// unproved is the rejection of a token whose proof failed last. In observe mode
// there is one already, about the audience alone, and it grows.
func (g *Guard) unproved(token *narrowcast.Token, rej *narrowcast.Rejection, reason narrowcast.Reason, detail string) *narrowcast.Rejection {
	if rej != nil {
		rej.Also = append(rej.Also, reason)
		return rej
	}
	claimed := token.Describe()
	return &narrowcast.Rejection{
		Reason: reason, Genuine: true, Detail: detail, Claimed: claimed,
		Expected: g.verifier.Audience().String(), Received: claimed.Audience,
	}
}

// explain adds to a rejection what exactly was wrong with the proof.
func (k *knock) explain(rej *narrowcast.Rejection) {
	switch fault := k.shown.fault; {
	case rej == nil || fault == nil:
	case rej.Detail == "":
		rej.Detail = fault.Detail
	default:
		rej.Detail += "; the proof: " + fault.Detail
	}
}

// senders are the running totals behind Senders.
type senders struct {
	proved, downgraded, other                                         atomic.Uint64
	malformed, method, address, token, time, replayed, nonce, refused atomic.Uint64
}

// count counts a proof that was refused, and what the verifier found.
func (s *senders) count(k *knock, rej *narrowcast.Rejection) {
	if rej.Failed(narrowcast.Downgrade) {
		s.downgraded.Add(1)
	}
	if rej.Failed(narrowcast.SenderMismatch) {
		s.other.Add(1)
	}
	if k.shown.fault != nil {
		s.of(k.shown.fault).Add(1)
	}
}

func (s *senders) of(fault *dpop.Fault) *atomic.Uint64 {
	switch {
	case fault.Kind == dpop.Replayed:
		return &s.replayed
	case fault.Kind == dpop.NonceNeeded:
		return &s.nonce
	case fault.Kind == dpop.Full:
		return &s.refused
	}
	switch fault.Claim {
	case "htm":
		return &s.method
	case "htu":
		return &s.address
	case "ath":
		return &s.token
	case "iat":
		return &s.time
	}
	return &s.malformed
}

// Senders are totals of what callers showed to prove that a token is theirs.
type Senders struct {
	Proved      uint64 // requests let in with a proof of possession
	Downgraded  uint64 // bound tokens that came without what they are bound to
	OtherSender uint64 // bound tokens that came with another key or certificate, or a proof for a token bound to no key
	Malformed   uint64 // proofs missing, there twice, malformed or wrongly signed
	OtherMethod uint64 // proofs for another method (htm)
	OtherURI    uint64 // proofs for another address (htu)
	OtherToken  uint64 // proofs for another token (ath)
	OtherTime   uint64 // proofs too old or too new (iat)
	Replayed    uint64 // proofs that were shown before
	NonceAsked  uint64 // proofs without a nonce that is still good
	MemoryFull  uint64 // proofs refused because no more can be remembered
}

func (s *senders) totals() Senders {
	return Senders{
		Proved: s.proved.Load(), Downgraded: s.downgraded.Load(), OtherSender: s.other.Load(), Malformed: s.malformed.Load(),
		OtherMethod: s.method.Load(), OtherURI: s.address.Load(), OtherToken: s.token.Load(), OtherTime: s.time.Load(),
		Replayed: s.replayed.Load(), NonceAsked: s.nonce.Load(), MemoryFull: s.refused.Load(),
	}
}
