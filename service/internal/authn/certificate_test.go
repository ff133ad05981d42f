package authn_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"math/big"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
)

// authority signs certificates.
type authority struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
}

func certify(t testing.TB, template, parent *x509.Certificate, public *ecdsa.PrivateKey, by *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	if template.NotBefore.IsZero() {
		template.NotBefore, template.NotAfter = time.Unix(start-60, 0), time.Unix(start+3600, 0)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &public.PublicKey, by)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newAuthority(t testing.TB) authority {
	t.Helper()
	a := authority{key: key(t)}
	template := &x509.Certificate{Subject: pkix.Name{CommonName: "clients"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	a.certificate = certify(t, template, template, a.key, a.key)
	return a
}

// client makes a client certificate with names of all kinds.
func (a authority) client(t testing.TB, change func(*x509.Certificate)) []*x509.Certificate {
	t.Helper()
	uri, _ := url.Parse("https://legacy.example.test/client")
	template := &x509.Certificate{
		Subject:  pkix.Name{CommonName: "legacy", Organization: []string{"Example"}, Country: []string{"SE"}},
		DNSNames: []string{"legacy.example.test"}, URIs: []*url.URL{uri}, IPAddresses: []net.IP{net.ParseIP("192.0.2.7")},
		EmailAddresses: []string{"legacy@example.test"}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(template)
	}
	return []*x509.Certificate{certify(t, template, a.certificate, key(t), a.key), a.certificate}
}

func TestCertificatesOfAnAuthority(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	for name, rule := range map[string]registry.CertificateRule{
		"subject": {SubjectDN: "CN=legacy,O=Example,C=SE"}, "dns": {DNS: "legacy.example.test"}, "uri": {URI: "https://legacy.example.test/client"},
		"ip": {IP: "192.0.2.7"}, "email": {Email: "legacy@example.test"},
	} {
		t.Run(name, func(t *testing.T) {
			h := travel(t)
			rule.Authorities = [][]byte{ca.certificate.Raw}
			h.world.clients = append(h.world.clients, registry.Client{ID: "legacy", Authenticate: []registry.Credential{{Kind: registry.TLSClientAuth, Certificate: rule}}})
			good := ca.client(t, nil)
			who, err := h.Authenticate(t.Context(), issuer.Credentials{ClientID: "legacy", Certificates: good})
			if err != nil || who.Client != "legacy" || who.Method != registry.TLSClientAuth || !who.Until.Equal(good[0].NotAfter) {
				t.Fatalf("%+v, %v", who, err)
			}
			for what, c := range map[string]struct {
				chain  []*x509.Certificate
				id     string
				detail string
			}{
				"no client_id":      {good, "", "client_id"},
				"another client":    {good, "checkout", ""},
				"no such client":    {good, "nobody", "client_id"},
				"another authority": {stranger.client(t, nil), "legacy", "chain"},
				"its chain beside":  {append(stranger.client(t, nil), ca.certificate), "legacy", "chain"},
				"for servers": {ca.client(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }),
					"legacy", "chain"},
				"expired": {ca.client(t, func(c *x509.Certificate) {
					c.NotBefore, c.NotAfter = time.Unix(start-60, 0), time.Unix(start-1, 0)
				}), "legacy", "chain"},
				"other names": {ca.client(t, func(c *x509.Certificate) {
					c.Subject.CommonName, c.DNSNames, c.URIs, c.IPAddresses, c.EmailAddresses = "legacy2", []string{"x.legacy.example.test"}, nil, nil, []string{"Legacy@example.test"}
				}), "legacy", "another name"},
			} {
				_, err := h.Authenticate(t.Context(), issuer.Credentials{ClientID: c.id, Certificates: c.chain})
				if r := refused(t, err, issuer.Unauthenticated); !strings.Contains(r.Detail, c.detail) {
					t.Errorf("%s: %v", what, r)
				}
			}
		})
	}
}

func TestSelfSignedCertificates(t *testing.T) {
	h, ca := travel(t), newAuthority(t)
	own, another := ca.client(t, nil), ca.client(t, nil)
	sum := sha256.Sum256(own[0].Raw)
	h.world.clients = append(h.world.clients, registry.Client{ID: "pinned", Authenticate: []registry.Credential{
		{Kind: registry.SelfSignedTLS, Thumbprints: []string{base64.RawURLEncoding.EncodeToString(sum[:])}}}})
	who, err := h.Authenticate(t.Context(), issuer.Credentials{ClientID: "pinned", Certificates: own})
	if err != nil || who.Method != registry.SelfSignedTLS {
		t.Fatalf("%+v, %v", who, err)
	}
	_, err = h.Authenticate(t.Context(), issuer.Credentials{ClientID: "pinned", Certificates: another})
	refused(t, err, issuer.Unauthenticated)
	h.now = own[0].NotAfter.Add(time.Second)
	_, err = h.Authenticate(t.Context(), issuer.Credentials{ClientID: "pinned", Certificates: own})
	refused(t, err, issuer.Unauthenticated)
}

func TestX509SVIDs(t *testing.T) {
	h, ca := travel(t), newAuthority(t)
	chain := ca.client(t, nil)
	shown, fault := domain+"/checkout", error(nil)
	h.peer = func([]*x509.Certificate, time.Time) (string, error) { return shown, fault }
	for _, id := range []string{"checkout", domain + "/checkout"} {
		who, err := h.Authenticate(t.Context(), issuer.Credentials{ClientID: id, Certificates: chain})
		if err != nil || who.Client != "checkout" || who.Subject != domain+"/checkout" || who.Method != registry.SPIFFE {
			t.Errorf("%s: %+v, %v", id, who, err)
		}
	}
	shown = domain + "/other"
	_, err := h.Authenticate(t.Context(), issuer.Credentials{ClientID: "checkout", Certificates: chain})
	refused(t, err, issuer.Unauthenticated)
	shown, fault = domain+"/checkout", errors.New("the bundle says no")
	_, err = h.Authenticate(t.Context(), issuer.Credentials{ClientID: "checkout", Certificates: chain})
	refused(t, err, issuer.Unauthenticated)
	fault, h.peer = nil, nil
	_, err = h.Authenticate(t.Context(), issuer.Credentials{ClientID: "checkout", Certificates: chain})
	refused(t, err, issuer.Unauthenticated)
}

// A certificate beside another proof is there to bind the token to, and says
// nothing about who asks.
func TestACertificateBesideAnotherProofIsNoProofOfIdentity(t *testing.T) {
	h, ca := travel(t), newAuthority(t)
	h.peer = func([]*x509.Certificate, time.Time) (string, error) { return "", errors.New("not asked") }
	who, err := h.Authenticate(t.Context(), issuer.Credentials{
		AssertionType: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
		Assertion:     sign(t, h.key, header, claims("checkout", `"`+ours+`"`, 60)), Certificates: ca.client(t, nil)})
	if err != nil || who.Method != registry.PrivateKeyJWT {
		t.Errorf("%+v, %v", who, err)
	}
}
