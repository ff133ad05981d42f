package authn_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
)

// alternative makes the extension with names of one kind (RFC 5280 section
// 4.2.1.6: dNSName is [2], uniformResourceIdentifier is [6]).
func alternative(t *testing.T, tag int, names ...string) pkix.Extension {
	t.Helper()
	var all []asn1.RawValue
	for _, name := range names {
		all = append(all, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, Bytes: []byte(name)})
	}
	value, err := asn1.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: value}
}

// A name is compared as it stands in the certificate. An authority that gives
// out two spellings has given them to two clients.
func TestOddNamesOfCertificates(t *testing.T) {
	const uri, dns = "https://legacy.example.test/client", "legacy.example.test"
	ca := newAuthority(t)
	byURI, byDNS := registry.CertificateRule{URI: uri}, registry.CertificateRule{DNS: dns}
	bySubject := registry.CertificateRule{SubjectDN: "CN=legacy,O=Example"}
	pair := func(kind string, value any) pkix.AttributeTypeAndValue {
		return pkix.AttributeTypeAndValue{Type: map[string]asn1.ObjectIdentifier{"CN": {2, 5, 4, 3}, "O": {2, 5, 4, 10}}[kind], Value: value}
	}
	for name, c := range map[string]struct {
		rule registry.CertificateRule
		san  []pkix.Extension
		dn   pkix.RDNSequence
		want bool
	}{
		"the URI":                {byURI, []pkix.Extension{alternative(t, 6, uri)}, nil, true},
		"one URI of two":         {byURI, []pkix.Extension{alternative(t, 6, "https://x.example.test", uri)}, nil, true},
		"an empty fragment":      {byURI, []pkix.Extension{alternative(t, 6, uri+"#")}, nil, false},
		"a scheme in upper case": {byURI, []pkix.Extension{alternative(t, 6, strings.Replace(uri, "https", "HTTPS", 1))}, nil, false},
		"an escaped path":        {byURI, []pkix.Extension{alternative(t, 6, strings.Replace(uri, "/client", "/%63lient", 1))}, nil, false},
		"a name behind it":       {byURI, []pkix.Extension{alternative(t, 6, uri+"/x")}, nil, false},
		"the URI as a DNS name":  {byURI, []pkix.Extension{alternative(t, 2, uri)}, nil, false},

		"the DNS name":           {byDNS, []pkix.Extension{alternative(t, 2, dns)}, nil, true},
		"in upper case":          {byDNS, []pkix.Extension{alternative(t, 2, strings.ToUpper(dns))}, nil, true},
		"a NUL behind it":        {byDNS, []pkix.Extension{alternative(t, 2, dns+"\x00.x.example.test")}, nil, false},
		"a wildcard":             {byDNS, []pkix.Extension{alternative(t, 2, "*.example.test")}, nil, false},
		"a dot behind it":        {byDNS, []pkix.Extension{alternative(t, 2, dns+".")}, nil, false},
		"as the common name":     {byDNS, nil, pkix.RDNSequence{{pair("CN", dns)}}, false},
		"the DNS name as a URI":  {byDNS, []pkix.Extension{alternative(t, 6, dns)}, nil, false},
		"PrintableString":        {bySubject, nil, pkix.RDNSequence{{pair("O", "Example")}, {pair("CN", "legacy")}}, true},
		"UTF8String":             {bySubject, nil, pkix.RDNSequence{{pair("O", asn1.RawValue{Tag: asn1.TagUTF8String, Bytes: []byte("Example")})}, {pair("CN", "legacy")}}, true},
		"one element with two":   {bySubject, nil, pkix.RDNSequence{{pair("O", "Example"), pair("CN", "legacy")}}, false},
		"the other way round":    {bySubject, nil, pkix.RDNSequence{{pair("CN", "legacy")}, {pair("O", "Example")}}, false},
		"one element of a comma": {bySubject, nil, pkix.RDNSequence{{pair("CN", "legacy,O=Example")}}, false},
		"a NUL in the name":      {bySubject, nil, pkix.RDNSequence{{pair("O", "Example")}, {pair("CN", asn1.RawValue{Tag: asn1.TagUTF8String, Bytes: []byte("legacy\x00")})}}, false},
		"a common name too many": {bySubject, nil, pkix.RDNSequence{{pair("O", "Example")}, {pair("CN", "x")}, {pair("CN", "legacy")}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := travel(t)
			c.rule.Authorities = [][]byte{ca.certificate.Raw}
			h.world.clients = append(h.world.clients, registry.Client{ID: "legacy", Authenticate: []registry.Credential{{Kind: registry.TLSClientAuth, Certificate: c.rule}}})
			chain := ca.client(t, func(made *x509.Certificate) {
				made.DNSNames, made.URIs, made.EmailAddresses, made.IPAddresses = nil, nil, nil, []net.IP(nil)
				made.ExtraExtensions = c.san
				if c.dn != nil {
					raw, err := asn1.Marshal(c.dn)
					if err != nil {
						t.Fatal(err)
					}
					made.RawSubject = raw
				}
			})
			_, err := h.Authenticate(t.Context(), issuer.Credentials{ClientID: "legacy", Certificates: chain})
			if (err == nil) != c.want {
				t.Errorf("err = %v", err)
			}
		})
	}
}
