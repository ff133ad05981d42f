package guard

import (
	"net/http"

	"github.com/narrowcast-io/narrowcast"
)

// knock is one request at the door, as far as the decision may know it.
type knock struct {
	request       *http.Request // what goes on when the door opens
	authorization []string
	query         string
	method, path  string
	target        string // path and query as they were sent; empty when nobody told
	sealed        bool   // the content of the request is not here
	peer          string
	certificate   string // thumbprint of the client's certificate
	spiffe        string // the SPIFFE ID in it, when the connection vouches for it
	shown         shown
	inForm        bool   // there is a token in the form body
	fault         string // why the request cannot be understood
}

// knockOf reads a request that came from the caller itself.
func (g *Guard) knockOf(r *http.Request) *knock {
	k := &knock{
		request:       r,
		authorization: r.Header["Authorization"],
		query:         r.URL.RawQuery,
		method:        r.Method,
		path:          r.URL.EscapedPath(),
		target:        targetOf(r),
		fault:         targetFault(r.Method, r.URL),
	}
	certificate, fault := g.certificates.ofCaller(r)
	if k.certificate = certificate; k.fault == "" {
		k.fault = fault
	}
	if !g.certificates.trusts(r) {
		k.spiffe = spiffeOf(r)
	}
	if g.possession.checker != nil {
		k.shown.proofs, k.shown.received = r.Header["Dpop"], receivedPath(r)
	}
	if g.peer != nil {
		k.peer = g.peer(r)
	}
	return k
}

// need asks the scope rule.
func (g *Guard) need(k *knock) narrowcast.Scope {
	if g.scopeFor == nil || k.fault != "" {
		return narrowcast.Scope{}
	}
	if k.fault = ruleFault(k.request.Method, k.request.URL); k.fault != "" {
		return narrowcast.Scope{}
	}
	return g.scopeFor(g.withoutToken(k.request))
}
