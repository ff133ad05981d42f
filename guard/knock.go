package guard

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"

	"github.com/narrowcast-io/narrowcast"
)

// knock is one request at the door, as far as the decision may know it.
type knock struct {
	request       *http.Request // what goes on when the door opens
	authorization []string
	query         string
	method, path  string
	peer          string
	certificate   string // thumbprint of the client's certificate
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
		certificate:   certificateOf(r),
		fault:         targetFault(r.Method, r.URL),
	}
	if g.peer != nil {
		k.peer = g.peer(r)
	}
	return k
}

// certificateOf returns the thumbprint of RFC 8705 section 3.1. Only the
// connection counts: a header that claims to forward a certificate is not read.
func certificateOf(r *http.Request) string {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return ""
	}
	sum := sha256.Sum256(r.TLS.PeerCertificates[0].Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// need asks the scope rule.
func (g *Guard) need(k *knock) narrowcast.Scope {
	if g.scopeFor == nil || k.fault != "" {
		return narrowcast.Scope{}
	}
	if k.fault = ruleFault(k.request.Method, k.request.URL); k.fault != "" {
		return narrowcast.Scope{}
	}
	return g.scopeFor(withoutToken(k.request))
}
