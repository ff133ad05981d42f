package guard

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Original says where a proxy that asks the guard puts method and URI of the
// request it asks about. A guard reads one place only: headers of the others
// would come from the caller.
type Original uint8

// The places.
const (
	// FromXForwarded: X-Forwarded-Method and X-Forwarded-Uri. Traefik ForwardAuth
	// and Caddy forward_auth.
	FromXForwarded Original = iota + 1
	// FromXOriginal: X-Original-Method and X-Original-URI or X-Original-URL. nginx
	// auth_request. Because that knows only 401 and 403, a malformed request is
	// answered 401 instead of 400.
	FromXOriginal
	// FromRequestLine: the request itself has them. Envoy HTTP ext_authz; put
	// http.StripPrefix in front when a path prefix is configured.
	FromRequestLine
)

// ForwardConfig is what a forward-auth handler is made of.
type ForwardConfig struct {
	// Original says where method and URI are. Required. They are used for events,
	// scope rules and proofs of possession, never for the audience. With scope rules
	// or a proof, a request without one of them is refused.
	Original Original
	// Claims are the headers of a 200 that carry verified claims: header name to
	// claim name. The proxy must copy them over those of the caller. They are
	// always present, and empty when there is no claim, so that the copy of a
	// caller never survives.
	Claims map[string]string

	_ struct{}
}

// maxOriginal bounds an original URI, in bytes.
const maxOriginal = 8 << 10

// ForwardAuth answers a proxy that asks before it passes a request on: 200 or
// the refusal that the caller shall see. With FromRequestLine the caller chooses the
// path of the question: serve nothing else where it arrives, not Metadata either,
// because any 200 there lets a request pass. It returns every fault of the
// configuration.
func (g *Guard) ForwardAuth(c ForwardConfig) (http.Handler, error) {
	claims, errs := newClaimHeaders(c.Claims)
	if c.Original < FromXForwarded || c.Original > FromRequestLine {
		errs = append(errs, errors.New("Original is required: say which proxy asks"))
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("forward-auth: %w", errors.Join(errs...))
	}
	return &forward{guard: g, original: c.Original, claims: claims}, nil
}

type forward struct {
	guard    *Guard
	original Original
	claims   claimHeaders
}

func (f *forward) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := f.guard.decide(f.knockOf(r))
	if !v.opens {
		a := f.guard.answerFor(v)
		if a.status == http.StatusBadRequest && f.original == FromXOriginal {
			a.status = http.StatusUnauthorized
		}
		a.write(w, v)
		return
	}
	v.offer(w.Header())
	for name := range f.claims {
		w.Header().Set(name, "")
	}
	f.claims.set(w.Header(), v.token)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
}

// knockOf describes the original request. The connection is that of the proxy,
// so its certificate says nothing about the caller. A proof of possession must be
// about the original request.
func (f *forward) knockOf(r *http.Request) *knock {
	k := f.guard.knockOf(r)
	if k.sealed, k.spiffe = true, ""; !f.guard.certificates.trusts(r) {
		k.certificate = ""
	}
	if f.original == FromRequestLine {
		k.target = r.URL.RequestURI()
		k.shown.received = r.URL.EscapedPath() // a prefix of the asking proxy may have been cut off
		return k
	}
	method, uri, fault := f.read(r.Header)
	if fault == "" && (f.guard.scopeFor != nil || len(k.shown.proofs) > 0) && (uri == "" || method == "") {
		fault = "the proxy did not name the original method and URI"
	}
	u, err := parseOriginal(uri)
	switch {
	case fault != "":
	case err != nil:
		fault = err.Error()
	case uri != "":
		fault = targetFault(method, u)
	}
	k.method, k.path, k.query, k.target, k.shown.received = method, "", "", "", ""
	if k.fault == "" {
		k.fault = fault
	}
	if err != nil {
		return k
	}
	k.path, k.query, k.shown.received = u.EscapedPath(), u.RawQuery, u.EscapedPath()
	if k.target = uri; u.Host != "" {
		k.target = u.RequestURI()
	}
	copied := *k.request
	copied.Method, copied.URL, copied.RequestURI = method, u, u.RequestURI()
	k.request = &copied
	return k
}

// read takes method and URI from the headers of the one family. A header that is
// there twice was added to and not replaced by the proxy.
func (f *forward) read(h http.Header) (method, uri, fault string) {
	methods, uris := h["X-Forwarded-Method"], h["X-Forwarded-Uri"]
	if f.original == FromXOriginal {
		methods = h["X-Original-Method"]
		uris = append(append([]string{}, h["X-Original-Uri"]...), h["X-Original-Url"]...)
	}
	if len(methods) > 1 || len(uris) > 1 {
		return "", "", "an original method or URI is there twice"
	}
	if len(methods) == 1 {
		method = methods[0]
	}
	if len(uris) == 1 {
		uri = uris[0]
	}
	if len(method) > 32 || method != "" && !isFieldName(method) {
		return "", "", "the original method is not one"
	}
	return method, uri, ""
}

// parseOriginal reads a path with query, or a whole URL. A fragment has no place in a
// request (RFC 9112 section 3.2), and some services take its sign for a letter of the
// path. The error does not repeat the text, which may hold a token.
func parseOriginal(uri string) (*url.URL, error) {
	if uri == "" {
		return &url.URL{}, nil
	}
	if len(uri) > maxOriginal {
		return nil, errors.New("the original URI is too long")
	}
	u, err := url.ParseRequestURI(uri)
	if err != nil || strings.Contains(uri, "#") {
		return nil, errors.New("the original URI is not one")
	}
	return u, nil
}
