package spiffe_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/spiffe"
	"github.com/narrowcast-io/narrowcast/service/internal/spiffe/spiffetest"
)

const server = "spiffe://corp.example/bundle-endpoint"

// site serves the bundle of an authority with a certificate that can change.
type site struct {
	*httptest.Server
	certificate atomic.Pointer[tls.Certificate]
	answer      atomic.Pointer[http.HandlerFunc]
	asked       atomic.Int64
}

func serve(t *testing.T, a *spiffetest.Authority, id string) *site {
	t.Helper()
	s := &site{}
	s.identify(t, a, id, nil)
	s.says(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(document(t, a)) })
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		(*s.answer.Load())(w, r)
	}))
	s.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{Certificates: []tls.Certificate{*s.certificate.Load()}}, nil
	}}
	s.Config.ErrorLog = silent()
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func (s *site) says(answer http.HandlerFunc) { s.answer.Store(&answer) }

func (s *site) identify(t *testing.T, a *spiffetest.Authority, id string, change func(*x509.Certificate)) {
	t.Helper()
	cert, key, err := a.X509SVID(id, change)
	if err != nil {
		t.Fatal(err)
	}
	s.certificate.Store(&tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key})
}

func TestEndpointWithSPIFFEID(t *testing.T) {
	at := newClock()
	a, other := authority(t, corp, at.now), authority(t, corp, at.now)
	web := serve(t, a, server)
	open := func(bootstrap *spiffetest.Authority) *spiffe.Source {
		s := must[*spiffe.Source](t)(spiffe.NewEndpoint(spiffe.EndpointConfig{
			Domain: corp, URL: web.URL, Server: server, Bootstrap: document(t, bootstrap), Now: at.now,
		}))
		t.Cleanup(s.Close)
		return s
	}
	first := keyID(t, a)
	wants(t, open(other), first, spiffe.ErrUnavailable) // the bootstrap does not vouch for the endpoint
	source := open(a)
	wants(t, source, first, nil)

	// The authority rotates: the bundle that was fetched last vouches for the
	// endpoint, and the bootstrap does no longer.
	for range 2 {
		if err := errors.Join(a.RotateX509(), a.RotateJWT()); err != nil {
			t.Fatal(err)
		}
		at.add(spiffe.LeastRefresh)
		wants(t, source, keyID(t, a), nil)
		a.Retire()
		web.identify(t, a, server, nil)
		at.add(spiffe.LeastRefresh)
		wants(t, source, "unknown", narrowcast.ErrKeyUnknown)
		wants(t, source, keyID(t, a), nil)
	}
	wants(t, source, first, narrowcast.ErrKeyUnknown)

	for name, spoil := range map[string]func(){
		"another ID":      func() { web.identify(t, a, "spiffe://corp.example/bundle-endpoint2", nil) },
		"another domain":  func() { web.identify(t, a, "spiffe://partner.example/bundle-endpoint", nil) },
		"not for servers": func() { web.identify(t, a, server, clientOnly) },
		"by another":      func() { web.identify(t, other, server, nil) },
	} {
		spoil()
		at.add(spiffe.LeastRefresh)
		wants(t, source, "unknown", spiffe.ErrUnavailable)
		if err := source.Stats().LastError; err == nil {
			t.Errorf("%s: the endpoint is believed", name)
		}
		wants(t, source, keyID(t, a), nil) // what is held goes on to count
	}
	web.identify(t, a, server, nil)
	at.add(spiffe.LeastRefresh)
	wants(t, source, "unknown", narrowcast.ErrKeyUnknown)
	at.add(spiffe.DefaultKeepFor)
	web.Close()
	wants(t, source, keyID(t, a), spiffe.ErrUnavailable)
}

func clientOnly(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }

func TestEndpointOfTheWeb(t *testing.T) {
	at := newClock()
	a := authority(t, corp, at.now)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(document(t, a)) }))
	t.Cleanup(elsewhere.Close)
	var answer atomic.Pointer[http.HandlerFunc]
	web := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*answer.Load())(w, r) }))
	web.Config.ErrorLog = silent()
	t.Cleanup(web.Close)
	says := func(h http.HandlerFunc) { answer.Store(&h) }
	honest := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(document(t, a)) }
	says(honest)
	c := spiffe.EndpointConfig{Domain: corp, URL: web.URL + "/bundle", Now: at.now, Timeout: 2 * time.Second}
	wants(t, must[*spiffe.Source](t)(spiffe.NewEndpoint(c)), keyID(t, a), spiffe.ErrUnavailable) // nobody vouches for this server

	c.Transport = web.Client().Transport
	for _, spoil := range map[string]http.HandlerFunc{
		"gone":          http.NotFound,
		"too large":     func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, spiffe.MaxBundle+1)) },
		"not a bundle":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) },
		"sent away":     func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) },
		"sent in rings": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/bundle", http.StatusFound) },
	} {
		says(spoil)
		source := must[*spiffe.Source](t)(spiffe.NewEndpoint(c))
		wants(t, source, keyID(t, a), spiffe.ErrUnavailable)
		says(honest)
		at.add(spiffe.LeastRefresh)
		wants(t, source, keyID(t, a), nil)
	}
}

func TestEndpointConfigs(t *testing.T) {
	at := newClock()
	a := authority(t, corp, at.now)
	good := spiffe.EndpointConfig{Domain: corp, URL: "https://bundles.corp.example.test", Server: server, Bootstrap: document(t, a), Now: at.now}
	if _, err := spiffe.NewEndpoint(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*spiffe.EndpointConfig){
		"no domain":               func(c *spiffe.EndpointConfig) { c.Domain = "" },
		"http":                    func(c *spiffe.EndpointConfig) { c.URL = "http://bundles.corp.example.test" },
		"http on loopback":        func(c *spiffe.EndpointConfig) { c.URL = "http://127.0.0.1:1" },
		"no bootstrap":            func(c *spiffe.EndpointConfig) { c.Bootstrap = nil },
		"a bootstrap for the web": func(c *spiffe.EndpointConfig) { c.Server = "" },
		"of another domain":       func(c *spiffe.EndpointConfig) { c.Server = "spiffe://partner.example/endpoint" },
		"a transport":             func(c *spiffe.EndpointConfig) { c.Transport = http.DefaultTransport },
		"no clock":                func(c *spiffe.EndpointConfig) { c.Now = nil },
		"kept for too long":       func(c *spiffe.EndpointConfig) { c.KeepFor = 30 * 24 * time.Hour },
	} {
		c := good
		spoil(&c)
		if _, err := spiffe.NewEndpoint(c); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// A storm of strange certificates and key ids asks the endpoint once in a while.
func TestStormAsksSeldom(t *testing.T) {
	at := newClock()
	a, strange := authority(t, corp, at.now), authority(t, corp, at.now)
	web := serve(t, a, server)
	source := must[*spiffe.Source](t)(spiffe.NewEndpoint(spiffe.EndpointConfig{
		Domain: corp, URL: web.URL, Server: server, Bootstrap: document(t, a), Now: at.now,
	}))
	wants(t, source, keyID(t, a), nil)
	for range 50 {
		wants(t, source, "strange", narrowcast.ErrKeyUnknown)
		if _, err := source.Verify(t.Context(), svid(t, strange, checkout, nil), at.now()); !errors.Is(err, spiffe.ErrRefused) {
			t.Fatal(err)
		}
	}
	if asked := web.asked.Load(); asked != 1 {
		t.Errorf("the endpoint was asked %d times within no time", asked)
	}
	// A new authority is found by the first certificate that it signed.
	if err := a.RotateX509(); err != nil {
		t.Fatal(err)
	}
	at.add(spiffe.LeastRefresh - 1)
	if _, err := source.Verify(t.Context(), svid(t, a, checkout, nil), at.now()); !errors.Is(err, spiffe.ErrRefused) {
		t.Errorf("asked too early: %v", err)
	}
	at.add(1)
	if _, err := source.Verify(t.Context(), svid(t, a, checkout, nil), at.now()); err != nil {
		t.Errorf("the new authority is not found: %v", err)
	}
}
