package httpapi_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/httpapi"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
)

// The certificate of RFC 8705 appendix A, in force in the years 2019 to 2021.
const (
	rfc8705Thumbprint  = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0"
	rfc8705Certificate = `-----BEGIN CERTIFICATE-----
MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAx
ODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwEbXRsczBZMBMGByqG
SM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ
/Au08/coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8wCgYIKoZIzj0EAwID
SQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOV
bUlJSGQgjwD5vaUaKlLR50Q2DmFfQj1L+SY=
-----END CERTIFICATE-----`
)

func rfc8705(t testing.TB) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(rfc8705Certificate))
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// shown puts a certificate into the connection of a request.
func shown(certificate *x509.Certificate) func(*http.Request) {
	return func(r *http.Request) {
		r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{certificate}}
	}
}

func TestCertificateBoundToken(t *testing.T) {
	h := openWith(t, ours, func(*issuer.Config) {}, func(c *httpapi.Config) {
		c.MTLSTokenEndpoint, c.Offers.CertificateBound = "https://mtls.issuer.example.test/t/token", true
	})
	h.now = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	alias := func(r *http.Request) { r.URL.Path = "/t/token" }
	w := h.post(h.form(t, "resource", vault).Encode(), alias, shown(rfc8705(t)))
	answer, claims := claimsOf(t, w)
	if cnf, _ := claims["cnf"].(map[string]any); answer["token_type"] != "Bearer" || len(cnf) != 1 || cnf["x5t#S256"] != rfc8705Thumbprint || claims["iss"] != ours {
		t.Errorf("%v %v", answer, claims)
	}
	if w := h.post(h.form(t, "resource", vault).Encode(), alias); w.Code != 400 {
		t.Errorf("without a certificate: %d", w.Code)
	}
	// The audience of assertions stays the issuer, at every address.
	aimed := h.form(t, "resource", vault, "client_assertion", h.assertion(t, "https://mtls.issuer.example.test/t/token"))
	if w := h.post(aimed.Encode(), alias, shown(rfc8705(t))); w.Code != 401 {
		t.Errorf("an assertion for the alias: %d", w.Code)
	}
	if w := h.do(httptest.NewRequest(http.MethodGet, "/t/token", nil)); w.Code != 405 {
		t.Errorf("GET at the alias: %d", w.Code)
	}
	// A header is no certificate.
	if w := h.post(h.form(t, "resource", vault).Encode(), func(r *http.Request) {
		r.Header.Set("Client-Cert", ":"+base64.StdEncoding.EncodeToString(rfc8705(t).Raw)+":")
	}); w.Code != 400 {
		t.Errorf("a certificate in a header: %d", w.Code)
	}
}

// A proxy that ends TLS hands the certificate on, and the configuration says how
// to read it; then the certificate of the connection is the proxy's.
func TestCertificatesOfATrustedProxy(t *testing.T) {
	handed := []*x509.Certificate{rfc8705(t)}
	h := openWith(t, ours, func(*issuer.Config) {}, func(c *httpapi.Config) {
		c.Certificates = func(r *http.Request) []*x509.Certificate {
			if r.Header.Get("Client-Cert") == "" {
				return nil
			}
			return handed
		}
	})
	h.now = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	proxied := func(r *http.Request) { r.Header.Set("Client-Cert", ":x:") }
	if w := h.post(h.form(t, "resource", vault).Encode(), proxied); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := h.post(h.form(t, "resource", vault).Encode(), shown(rfc8705(t))); w.Code != 400 {
		t.Errorf("the certificate of the proxy itself bound a token: %d", w.Code)
	}
}
