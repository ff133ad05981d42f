package guard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Defaults of a ProxyConfig.
const (
	DefaultDialTimeout     = 5 * time.Second
	DefaultResponseTimeout = 30 * time.Second
)

// ProxyConfig is what a guarding reverse proxy is made of.
type ProxyConfig struct {
	// Upstream is the address of the service behind the door: scheme, host and an
	// optional path that is put in front. Required.
	Upstream *url.URL
	// Claims are the headers that tell the service verified claims: header name
	// to claim name. What a caller sends under these names, in any spelling, is
	// removed. Default none.
	Claims map[string]string
	// Strip are further headers that are removed from what callers send.
	Strip []string
	// DangerouslyKeep are headers that callers may send although services tend to
	// read an identity from them. Authorization, DPoP, the certificate header and
	// the names of Claims cannot be among them.
	DangerouslyKeep []string
	// DangerouslyUpgradeTo are protocols besides websocket to which a connection
	// may be upgraded; requests that name another one are refused. The guard sees
	// nothing of what an upgraded connection carries. With a protocol that carries
	// requests, such as h2c, callers get past every further decision.
	DangerouslyUpgradeTo []string

	// DialTimeout bounds connecting and the TLS handshake; default 5 s.
	DialTimeout time.Duration
	// ResponseTimeout bounds the wait for the first byte of an answer; default
	// 30 s. The body may take as long as it takes.
	ResponseTimeout time.Duration
	// Transport replaces the proxy's own; the two times above then have no effect.
	Transport http.RoundTripper
	// Failed is told why a request could not be passed on; default nobody. The
	// caller is never told.
	Failed func(error)

	_ struct{}
}

func (c *ProxyConfig) check(claims claimHeaders, certificate CertificateHeader) []error {
	var errs []error
	u := c.Upstream
	switch {
	case u == nil || u.Host == "":
		errs = append(errs, errors.New("Upstream is required"))
	case u.Scheme != "http" && u.Scheme != "https":
		errs = append(errs, errors.New("Upstream must be http or https"))
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		errs = append(errs, errors.New("Upstream must not carry user information, a query or a fragment"))
	}
	if c.DialTimeout < 0 || c.ResponseTimeout < 0 {
		errs = append(errs, errors.New("DialTimeout and ResponseTimeout must not be negative"))
	}
	for _, name := range c.DangerouslyUpgradeTo {
		if protocol, version, _ := strings.Cut(name, "/"); !isFieldName(protocol) || version != "" && !isFieldName(version) {
			errs = append(errs, fmt.Errorf("DangerouslyUpgradeTo: %q is not a protocol", name))
		}
	}
	for _, name := range c.DangerouslyKeep {
		p := plain(name)
		for claimed := range claims {
			if p == plain(claimed) {
				errs = append(errs, fmt.Errorf("DangerouslyKeep: %q carries a claim", name))
			}
		}
		if p == "authorization" || p == "proxyauthorization" || p == "dpop" {
			errs = append(errs, fmt.Errorf("DangerouslyKeep: %q holds a credential", name))
		}
		if certificate != NoCertificateHeader && p == plain(certificate.name()) {
			errs = append(errs, fmt.Errorf("DangerouslyKeep: %q tells the guard of a certificate", name))
		}
	}
	return errs
}

// Proxy puts the guard in front of a service that knows nothing of tokens. The
// token never reaches the service; verified claims do, under the names that the
// operator chose. Streams pass through, and so do web sockets, until the token
// expires or Config.Feed says that it was called back. An error holds every fault of
// the configuration.
func (g *Guard) Proxy(c ProxyConfig) (http.Handler, error) {
	claims, errs := newClaimHeaders(c.Claims)
	errs = append(errs, c.check(claims, g.certificates.Header)...)
	if len(errs) > 0 {
		return nil, fmt.Errorf("proxy: %w", errors.Join(errs...))
	}
	inbound, allowed := newStripper(claims, c.Strip, c.DangerouslyKeep), newUpgrades(c.DangerouslyUpgradeTo)
	next := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			inbound.strip(p.Out.Header)
			p.Out.Trailer = nil   // identity headers can come behind the body too
			p.Out.URL.Opaque = "" // it would take the place of the path
			p.SetURL(c.Upstream)
			p.SetXForwarded()
			if token, ok := FromContext(p.In.Context()); ok {
				claims.set(p.Out.Header, token)
			}
		},
		Transport:      c.transport(),
		BufferPool:     &buffers{},
		ErrorLog:       log.New(io.Discard, "", 0),
		ErrorHandler:   g.upstreamFailed(c.Failed),
		ModifyResponse: g.offerBehind,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k := g.knockOf(allowed.decline(r))
		v := g.decide(k)
		if !v.opens {
			g.refuse(w, v)
			return
		}
		admitted, done := g.untilExpiry(v.carrying(g.admit(k.request, v.token)), v)
		defer done()
		next.ServeHTTP(w, admitted)
	}), nil
}

// transport asks no proxy from the environment: the way to the service is
// configuration.
func (c *ProxyConfig) transport() http.RoundTripper {
	if c.Transport != nil {
		return c.Transport
	}
	dial, response := c.DialTimeout, c.ResponseTimeout
	if dial == 0 {
		dial = DefaultDialTimeout
	}
	if response == 0 {
		response = DefaultResponseTimeout
	}
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: dial, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   dial,
		ResponseHeaderTimeout: response,
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConns:          512,
		MaxIdleConnsPerHost:   512,
		DisableCompression:    true,
		ForceAttemptHTTP2:     true,
	}
}

// upstreamFailed answers without details: they would describe the inside of the
// house.
func (g *Guard) upstreamFailed(failed func(error)) func(http.ResponseWriter, *http.Request, error) {
	return func(w http.ResponseWriter, r *http.Request, err error) {
		if !errors.Is(err, context.Canceled) { // the caller went away
			g.counts.upstream.Add(1)
			if failed != nil {
				failed(err)
			}
		}
		status := http.StatusBadGateway
		var timeout net.Error
		if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
			status = http.StatusGatewayTimeout
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "{\"error\":\"upstream_unavailable\"}\n")
	}
}

// buffers lends the space for copying bodies.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if held, ok := b.pool.Get().(*[]byte); ok {
		return *held
	}
	return make([]byte, 32<<10)
}

func (b *buffers) Put(buffer []byte) { b.pool.Put(&buffer) }
