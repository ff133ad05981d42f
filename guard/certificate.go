package guard

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
)

// Certificates says how the certificates of callers arrive (RFC 8705). One that
// comes with the connection counts in any case. From a peer that is named here
// only the header counts: the connection is then that of the proxy, and so is its
// certificate. From every other peer only the connection counts, and the header
// is removed.
type Certificates struct {
	// Asked says that the listener asks callers for a certificate, as with
	// tls.RequestClientCert. It is published in the metadata.
	Asked bool
	// Header is how a proxy that ends TLS hands the certificate on; default not
	// at all. It needs From or FromSocket.
	Header CertificateHeader
	// From are the addresses of the proxies whose header counts. They must
	// overwrite what callers send, and nobody else may connect from there.
	From []netip.Prefix
	// FromSocket makes the header count on a unix socket.
	FromSocket bool

	_ struct{}
}

// CertificateHeader is a way of writing a certificate into a header. A guard
// reads one and no other.
type CertificateHeader uint8

// The ways.
const (
	// NoCertificateHeader: no header is read.
	NoCertificateHeader CertificateHeader = iota
	// ClientCert is the header Client-Cert of RFC 9440.
	ClientCert
	// SSLClientCert is the header Ssl-Client-Cert with the percent-encoded PEM of
	// nginx ($ssl_client_escaped_cert).
	SSLClientCert
	// XForwardedClientCert is the header of Envoy with that name, with the Hash of
	// one certificate (forward_client_cert_details: SANITIZE_SET).
	XForwardedClientCert
)

// name is the canonical name of the header, "" for none.
func (h CertificateHeader) name() string {
	names := [...]string{ClientCert: "Client-Cert", SSLClientCert: "Ssl-Client-Cert", XForwardedClientCert: "X-Forwarded-Client-Cert"}
	if int(h) < len(names) {
		return names[h]
	}
	return ""
}

// come reports whether certificates of callers can arrive, as far as the guard
// was told.
func (c *Certificates) come() bool { return c.Asked || c.Header != NoCertificateHeader }

func (c *Certificates) check() error {
	var errs []error
	named := len(c.From) > 0 || c.FromSocket
	switch {
	case c.Header > XForwardedClientCert:
		errs = append(errs, errors.New("Certificates.Header is unknown"))
	case c.Header != NoCertificateHeader && !named:
		errs = append(errs, errors.New("Certificates.From is required with Header: from whom does it count?"))
	case c.Header == NoCertificateHeader && named:
		errs = append(errs, errors.New("Certificates.From is set, and Header is not"))
	}
	for i, prefix := range c.From {
		switch {
		case !prefix.IsValid():
			errs = append(errs, fmt.Errorf("Certificates.From[%d] is not a prefix", i))
		case prefix.Bits() == 0 || prefix.Addr().Is4In6() && prefix.Bits() <= 96: // all of IPv4
			errs = append(errs, fmt.Errorf("Certificates.From[%d] is everybody", i))
		}
	}
	return errors.Join(errs...)
}

// trusts reports whether the other end of the connection is a proxy whose header
// counts. It looks at the connection and at nothing that was sent.
func (c *Certificates) trusts(r *http.Request) bool {
	if c.Header == NoCertificateHeader {
		return false
	}
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && local.Network() == "unix" {
		return c.FromSocket
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	addr := peer.Addr().Unmap().WithZone("")
	for _, prefix := range c.From {
		if prefix.Masked().Contains(addr) || prefix.Addr().Is4In6() && unmapped(prefix).Contains(addr) {
			return true
		}
	}
	return false
}

// unmapped turns a prefix of IPv4 addresses in IPv6 into one of IPv4 addresses.
func unmapped(prefix netip.Prefix) netip.Prefix {
	return netip.PrefixFrom(prefix.Addr().Unmap(), max(0, prefix.Bits()-96)).Masked()
}

// ofCaller returns the thumbprint of the caller's certificate, "" without one.
func (c *Certificates) ofCaller(r *http.Request) (thumbprint, fault string) {
	if !c.trusts(r) {
		return certificateOf(r), ""
	}
	values := r.Header[c.Header.name()]
	switch {
	case len(values) == 0 || len(values) == 1 && values[0] == "":
		return "", "" // the caller showed none
	case len(values) > 1:
		return "", "the certificate header is there twice"
	}
	thumbprint, err := readCertificate(c.Header, values[0])
	if err != nil {
		return "", "the certificate header: " + err.Error()
	}
	return thumbprint, ""
}

// certificateOf returns the thumbprint of the certificate of the connection.
func certificateOf(r *http.Request) string {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return ""
	}
	return thumbprintOf(r.TLS.PeerCertificates[0].Raw)
}

// thumbprintOf returns the thumbprint of RFC 8705 section 3.1.
func thumbprintOf(der []byte) string {
	sum := sha256.Sum256(der)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// remove takes the header out, in any spelling that a handler could take for it.
func (c *Certificates) remove(h http.Header) {
	if c.Header == NoCertificateHeader {
		return
	}
	own := plain(c.Header.name())
	for name := range h {
		if plain(name) == own {
			delete(h, name)
		}
	}
}
