package guard

import (
	"context"
	"net/http"
)

// nonceHeader is the header by which callers learn the nonce to use next (RFC
// 9449 section 8.1), as net/http spells it.
const nonceHeader = "Dpop-Nonce"

// nextNonce is the nonce that the answer carries: the one that is asked for, or
// that of a request let in whose own is ageing.
func (g *Guard) nextNonce(k *knock, opens bool) string {
	switch {
	case k.shown.ask:
		return g.possession.checker.NextNonce(nil)
	case opens && k.shown.proof != nil:
		return g.possession.checker.NextNonce(k.shown.proof)
	}
	return ""
}

// offer puts the nonce on an answer. A stored answer would hand out an old one
// (RFC 9449 section 8.2).
func (v verdict) offer(h http.Header) {
	if v.nonce != "" {
		h.Set(nonceHeader, v.nonce)
		h.Set("Cache-Control", "no-store")
	}
}

type nonceKey struct{}

// carrying lets offerBehind find the nonce.
func (v verdict) carrying(r *http.Request) *http.Request {
	if v.nonce == "" {
		return r
	}
	return r.WithContext(context.WithValue(r.Context(), nonceKey{}, v.nonce))
}

// offerBehind puts the nonce on the answer of a service behind a proxy, over one
// of its own: callers show their proofs to the guard.
func (g *Guard) offerBehind(res *http.Response) error {
	if g.possession.checker == nil {
		return nil
	}
	res.Header.Del(nonceHeader)
	nonce, _ := res.Request.Context().Value(nonceKey{}).(string)
	verdict{nonce: nonce}.offer(res.Header)
	return nil
}
