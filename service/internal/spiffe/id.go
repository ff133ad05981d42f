package spiffe

import "github.com/narrowcast-io/narrowcast"

// scheme is that of every SPIFFE ID, in lower case only: identifiers are
// compared as strings, so each has one spelling.
const scheme = "spiffe://"

// Domain is the name of a trust domain, such as corp.example.
type Domain string

// String returns the SPIFFE ID of the domain itself.
func (d Domain) String() string { return scheme + string(d) }

// ParseDomain reads the SPIFFE ID of a trust domain: spiffe://corp.example,
// without a path.
func ParseDomain(s string) (Domain, error) {
	id, err := narrowcast.ParseTrustDomain(s)
	return Domain(id.TrustDomain()), err
}

// ID is a SPIFFE ID. The zero ID names nobody.
type ID struct{ narrowcast.SPIFFEID }

// Domain returns the trust domain.
func (i ID) Domain() Domain { return Domain(i.TrustDomain()) }

// ParseID reads a SPIFFE ID (SPIFFE-ID section 2).
func ParseID(s string) (ID, error) {
	id, err := narrowcast.ParseSPIFFEID(s)
	return ID{id}, err
}

func checkDomain(domain string) error {
	_, err := ParseDomain(scheme + domain)
	return err
}
