package outside_test

import (
	"crypto/tls"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
)

// terminator is a proxy that ends TLS and hands the certificate on (RFC 9440), as
// docs/protect.md asks: whatever callers send under that name is written over.
func (b *bound) terminator(t *testing.T, guard string) string {
	t.Helper()
	target, err := url.Parse(guard)
	must(t, err)
	s := httptest.NewUnstartedServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Header.Del("Client-Cert")
		if shown := r.In.TLS.PeerCertificates; len(shown) > 0 {
			r.Out.Header.Set("Client-Cert", byteSequence(shown[0]))
		}
	}})
	certificate, err := tls.LoadX509KeyPair(b.gate.certificate, b.gate.key)
	must(t, err)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequestClientCert}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}
