package federation

import (
	"crypto/x509"
	"encoding/asn1"
)

// HasURI reports whether a certificate has exactly this URI among its names
// (RFC 5280 section 4.2.1.6). The names that package x509 parses have lost what
// tells two spellings apart, such as an empty fragment.
func HasURI(certificate *x509.Certificate, uri string) bool {
	for _, e := range certificate.Extensions {
		var names []asn1.RawValue
		if !e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 17}) {
			continue
		}
		if rest, err := asn1.Unmarshal(e.Value, &names); err != nil || len(rest) > 0 {
			return false
		}
		for _, name := range names {
			if name.Class == asn1.ClassContextSpecific && name.Tag == 6 && string(name.Bytes) == uri {
				return true
			}
		}
	}
	return false
}
