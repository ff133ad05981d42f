package guard_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"testing"

	"github.com/narrowcast-io/narrowcast/guard"
)

// TestChain: whose certificates they are is decided by the connection alone.
func TestChain(t *testing.T) {
	leaf, middle, own := certificate(t), certificate(t), certificate(t)
	sequence := func(c *x509.Certificate) string { return ":" + base64.StdEncoding.EncodeToString(c.Raw) + ":" }
	escaped := url.PathEscape(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw})))
	for name, c := range map[string]struct {
		dialect guard.CertificateHeader
		peer    string
		headers [][2]string
		want    []*x509.Certificate
		fails   bool
	}{
		"connection":               {guard.NoCertificateHeader, "192.0.2.1:1", nil, []*x509.Certificate{own}, false},
		"header from nobody":       {guard.ClientCert, "192.0.2.1:1", [][2]string{{"Client-Cert", sequence(leaf)}}, []*x509.Certificate{own}, false},
		"header":                   {guard.ClientCert, "192.0.2.9:1", [][2]string{{"Client-Cert", sequence(leaf)}}, []*x509.Certificate{leaf}, false},
		"header with its chain":    {guard.ClientCert, "192.0.2.9:1", [][2]string{{"Client-Cert", sequence(leaf)}, {"Client-Cert-Chain", sequence(middle) + ", " + sequence(own)}}, []*x509.Certificate{leaf, middle, own}, false},
		"nginx":                    {guard.SSLClientCert, "192.0.2.9:1", [][2]string{{"Ssl-Client-Cert", escaped}}, []*x509.Certificate{leaf}, false},
		"proxy without a header":   {guard.ClientCert, "192.0.2.9:1", nil, nil, false},
		"twice":                    {guard.ClientCert, "192.0.2.9:1", [][2]string{{"Client-Cert", sequence(leaf)}, {"Client-Cert", sequence(leaf)}}, nil, true},
		"not a certificate":        {guard.ClientCert, "192.0.2.9:1", [][2]string{{"Client-Cert", ":AAAA:"}}, nil, true},
		"a chain that is no chain": {guard.ClientCert, "192.0.2.9:1", [][2]string{{"Client-Cert", sequence(leaf)}, {"Client-Cert-Chain", "x"}}, nil, true},
		"envoy":                    {guard.XForwardedClientCert, "192.0.2.9:1", [][2]string{{"X-Forwarded-Client-Cert", "Hash=00"}}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			certificates := guard.Certificates{Header: c.dialect}
			if c.dialect != guard.NoCertificateHeader {
				certificates.From = []netip.Prefix{netip.MustParsePrefix("192.0.2.9/32")}
			}
			r := httptest.NewRequest("POST", "/token", nil)
			r.RemoteAddr, r.TLS = c.peer, &tls.ConnectionState{PeerCertificates: []*x509.Certificate{own}}
			for _, h := range c.headers {
				r.Header.Add(h[0], h[1])
			}
			chain, err := certificates.Chain(r)
			if (err != nil) != c.fails || !slices.EqualFunc(chain, c.want, (*x509.Certificate).Equal) {
				t.Errorf("%d certificates, %v", len(chain), err)
			}
		})
	}
}
