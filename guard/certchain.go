package guard

import (
	"crypto/x509"
	"errors"
	"net/http"
	"strings"
)

// maxChain is how many certificates of a chain are read.
const maxChain = 8

// Chain returns the certificates of the caller, its own first, for somebody who
// has to find out whom they name: an issuer that authenticates clients. They are
// those of the connection; from a proxy whose header counts they are what the
// header says, with the chain of RFC 9440 section 2.3 behind it. Nothing has been
// verified but that the caller holds the key. It fails when the header cannot be
// read, or is that of Envoy, which need not hold the certificate itself.
func (c *Certificates) Chain(r *http.Request) ([]*x509.Certificate, error) {
	if !c.trusts(r) {
		if r.TLS == nil {
			return nil, nil
		}
		return r.TLS.PeerCertificates, nil
	}
	if c.Header == XForwardedClientCert {
		return nil, errors.New("x-forwarded-client-cert does not hold the certificate")
	}
	values := r.Header[c.Header.name()]
	switch {
	case len(values) == 0 || len(values) == 1 && values[0] == "":
		return nil, nil
	case len(values) > 1:
		return nil, errors.New("the certificate header is there twice")
	}
	der, err := readDER(c.Header, values[0])
	if err != nil {
		return nil, err
	}
	all := [][]byte{der}
	if c.Header == ClientCert {
		rest, err := readChain(r.Header["Client-Cert-Chain"])
		if err != nil {
			return nil, err
		}
		all = append(all, rest...)
	}
	var chain []*x509.Certificate
	for _, der := range all {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, errCertificateInner
		}
		chain = append(chain, certificate)
	}
	return chain, nil
}

// readChain reads a list of byte sequences (RFC 9440 section 2.3).
func readChain(values []string) (all [][]byte, err error) {
	text := strings.Join(values, ",")
	switch {
	case text == "":
		return nil, nil
	case len(text) > 4*maxCertificateHeader:
		return nil, errCertificateLong
	}
	for element := range strings.SplitSeq(text, ",") {
		der, err := readByteSequence(strings.Trim(element, " \t"))
		if err != nil {
			return nil, err
		}
		if all = append(all, der); len(all) >= maxChain {
			return nil, errCertificateLong
		}
	}
	return all, nil
}
