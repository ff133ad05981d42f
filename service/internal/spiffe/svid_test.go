package spiffe_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/spiffe"
)

func addURI(text string) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		u, _ := url.Parse(text)
		c.URIs = append(c.URIs, u)
	}
}

// rawURI names a certificate in a spelling that a parsed URL would lose.
func rawURI(text string) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		c.URIs = nil
		der, _ := asn1.Marshal([]asn1.RawValue{{Class: asn1.ClassContextSpecific, Tag: 6, Bytes: []byte(text)}})
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: der}}
	}
}

func uncritical(c *x509.Certificate) {
	c.KeyUsage = 0
	c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 15}, Value: []byte{3, 2, 7, 0x80}}}
}

func TestVerifyX509SVID(t *testing.T) {
	at := newClock()
	ours, theirs := authority(t, corp, at.now), authority(t, partner, at.now)
	source := must[*spiffe.Source](t)(spiffe.NewFixed(corp, document(t, ours)))
	for name, c := range map[string]struct {
		id     string
		change func(*x509.Certificate)
		good   bool
	}{
		"a workload":            {checkout, nil, true},
		"any purpose":           {checkout, func(c *x509.Certificate) { c.ExtKeyUsage = nil }, true},
		"a DNS name beside it":  {checkout, func(c *x509.Certificate) { c.DNSNames = []string{"pay.example.test"} }, true},
		"a raw URI":             {checkout, rawURI(checkout), true},
		"a server only":         {checkout, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }, false},
		"two URIs":              {checkout, addURI("spiffe://corp.example/other"), false},
		"no URI":                {checkout, func(c *x509.Certificate) { c.URIs = nil; c.DNSNames = []string{"pay.example.test"} }, false},
		"a path with %":         {checkout, rawURI("spiffe://corp.example/p%61y"), false},
		"an empty fragment":     {checkout, rawURI(checkout + "#"), false},
		"an upper-case scheme":  {checkout, rawURI("SPIFFE://corp.example/pay"), false},
		"the domain itself":     {"spiffe://corp.example", nil, false},
		"an authority":          {checkout, func(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, x509.KeyUsageDigitalSignature }, false},
		"no digital signature":  {checkout, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }, false},
		"no key usage":          {checkout, func(c *x509.Certificate) { c.KeyUsage = 0 }, false},
		"key usage uncritical":  {checkout, uncritical, false},
		"may sign certificates": {checkout, func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageCertSign }, false},
		"may sign CRLs":         {checkout, func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageCRLSign }, false},
		"ended":                 {checkout, func(c *x509.Certificate) { c.NotAfter = at.now().Add(-1) }, false},
		"not begun":             {checkout, func(c *x509.Certificate) { c.NotBefore = at.now().Add(time.Hour) }, false},
		"of another domain":     {"spiffe://partner.example/pay", nil, false},
	} {
		id, err := source.Verify(t.Context(), svid(t, ours, c.id, c.change), at.now())
		if c.good && (err != nil || id.String() != checkout) || !c.good && !errors.Is(err, spiffe.ErrRefused) {
			t.Errorf("%s: %q, %v", name, id, err)
		}
	}
	if _, err := source.Verify(t.Context(), svid(t, theirs, checkout, nil), at.now()); !errors.Is(err, spiffe.ErrRefused) {
		t.Errorf("the authority of another domain vouches for ours: %v", err)
	}
	if _, err := source.Verify(t.Context(), nil, at.now()); !errors.Is(err, spiffe.ErrRefused) {
		t.Errorf("an empty chain: %v", err)
	}
	var none *spiffe.Source
	if _, err := none.Verify(t.Context(), svid(t, ours, checkout, nil), at.now()); !errors.Is(err, spiffe.ErrUnavailable) {
		t.Errorf("the zero source: %v", err)
	}
}

// A signer in between that is named for another domain, or like a workload, does
// not sign for ours, although the root vouches for it.
func TestSignersInBetween(t *testing.T) {
	at := newClock()
	root := authority(t, corp, at.now)
	source := must[*spiffe.Source](t)(spiffe.NewFixed(corp, document(t, root)))
	for name, good := range map[string]bool{
		"": true, "spiffe://corp.example": true, "spiffe://partner.example": false, "spiffe://corp.example/workload": false,
	} {
		signer, key, err := root.X509SVID("spiffe://corp.example/x", func(c *x509.Certificate) {
			c.URIs, c.IsCA, c.BasicConstraintsValid = nil, true, true
			c.KeyUsage, c.ExtKeyUsage = x509.KeyUsageCertSign, nil
			if name != "" {
				addURI(name)(c)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		leaf := signedBy(t, signer, key, checkout, at.now())
		_, err = source.Verify(t.Context(), []*x509.Certificate{leaf, signer}, at.now())
		if good && err != nil || !good && !errors.Is(err, spiffe.ErrRefused) {
			t.Errorf("a signer named %q: %v", name, err)
		}
	}
}
