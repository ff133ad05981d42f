package spiffe

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"time"
)

// maxChain bounds how many certificates a peer may show.
const maxChain = 8

// errNoPath says that nobody in the bundle vouches for a certificate; a newer
// bundle may.
var errNoPath = errors.New("no authority of the trust domain vouches for the certificate")

// leafID returns the SPIFFE ID of a leaf that keeps the rules of X509-SVID
// sections 2 to 4.
func leafID(leaf *x509.Certificate) (ID, error) {
	id, err := onlyURI(leaf)
	switch {
	case err != nil:
		return ID{}, err
	case id.Path() == "":
		return ID{}, errors.New("the SPIFFE ID names a trust domain and no workload")
	case leaf.IsCA:
		return ID{}, errors.New("the certificate is that of an authority")
	case !criticalKeyUsage(leaf):
		return ID{}, errors.New("the certificate has no critical key usage")
	case leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0:
		return ID{}, errors.New("the key is not meant for signatures")
	case leaf.KeyUsage&(x509.KeyUsageCertSign|x509.KeyUsageCRLSign) != 0:
		return ID{}, errors.New("the key may sign certificates or revocation lists")
	}
	return id, nil
}

func criticalKeyUsage(cert *x509.Certificate) bool {
	for _, e := range cert.Extensions {
		if e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 15}) {
			return e.Critical
		}
	}
	return false
}

// onlyURI reads the one URI of a certificate.
func onlyURI(cert *x509.Certificate) (ID, error) {
	uris, err := rawURIs(cert)
	switch {
	case err != nil:
		return ID{}, err
	case len(uris) != 1:
		return ID{}, fmt.Errorf("the certificate has %d URIs among its names, an X.509-SVID has one", len(uris))
	}
	return ParseID(uris[0])
}

// rawURIs reads the URIs as they stand in the certificate. The parsed ones have
// lost what tells two spellings apart, such as an empty fragment.
func rawURIs(cert *x509.Certificate) ([]string, error) {
	var uris []string
	for _, e := range cert.Extensions {
		if !e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 17}) {
			continue
		}
		var names []asn1.RawValue
		if rest, err := asn1.Unmarshal(e.Value, &names); err != nil || len(rest) > 0 {
			return nil, errors.New("the alternative names cannot be read")
		}
		for _, name := range names {
			// RFC 5280 section 4.2.1.6: uniformResourceIdentifier is [6].
			if name.Class == asn1.ClassContextSpecific && name.Tag == 6 {
				uris = append(uris, string(name.Bytes))
			}
		}
	}
	return uris, nil
}

// peerID verifies a chain, the leaf first, against the authorities of one
// bundle, and returns whose it is. The store of the machine is never asked.
func peerID(chain []*x509.Certificate, b *Bundle, now time.Time, purpose x509.ExtKeyUsage) (ID, error) {
	if len(chain) == 0 || len(chain) > maxChain {
		return ID{}, fmt.Errorf("a chain has 1 to %d certificates, not %d", maxChain, len(chain))
	}
	id, err := leafID(chain[0])
	switch {
	case err != nil:
		return ID{}, err
	case id.Domain() != b.domain:
		return ID{}, fmt.Errorf("the certificate is of %s, not of %s", id.Domain(), b.domain)
	case len(b.authorities) == 0:
		return ID{}, errNoPath
	}
	options := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{purpose}, // counts only when the certificate limits its purposes
	}
	for _, authority := range b.authorities {
		options.Roots.AddCert(authority)
	}
	for _, between := range chain[1:] {
		options.Intermediates.AddCert(between)
	}
	paths, err := chain[0].Verify(options)
	if err != nil {
		return ID{}, unverified(err)
	}
	for _, path := range paths {
		if err = checkSigners(path[1:], b.domain); err == nil {
			return id, nil
		}
	}
	return ID{}, err
}

func unverified(err error) error {
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		return errNoPath
	}
	return err
}

// checkSigners looks at the certificates above a leaf: a signer that has a
// SPIFFE ID signs for its own domain, and is nobody's workload (X509-SVID
// section 3.2).
func checkSigners(signers []*x509.Certificate, domain Domain) error {
	for _, signer := range signers {
		uris, err := rawURIs(signer)
		if err != nil {
			return err
		}
		for _, uri := range uris {
			if of, err := ParseDomain(uri); err != nil || of != domain {
				return fmt.Errorf("a signer of the certificate is named %q, which may not sign for %s", uri, domain)
			}
		}
	}
	return nil
}
