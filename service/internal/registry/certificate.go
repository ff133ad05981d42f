package registry

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/narrowcast-io/narrowcast/service/internal/federation"
	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

const maxCertificates = 16

// refusePrivateKeys looks at every .pem file, also those that nothing refers
// to: all files become part of a revision.
func (l *loader) refusePrivateKeys() {
	for name, text := range l.files {
		if path.Ext(name) == ".pem" && bytes.Contains(text, []byte("PRIVATE KEY")) {
			l.report.Add(&sy.Fault{
				Position: sy.Position{File: name},
				Message:  "holds a PRIVATE KEY; take it out, replace the key wherever it is in use, and give certificates only",
			})
		}
	}
}

// certificates reads the certificates of a file of the registry, DER.
func (l *loader) certificates(v sy.Value) (all []*x509.Certificate, ok bool) {
	name, text, ok := l.file(v, ".pem")
	if !ok || bytes.Contains(text, []byte("PRIVATE KEY")) {
		return nil, false // reported
	}
	begins := bytes.Count(text, []byte("-----BEGIN "))
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if block.Type != "CERTIFICATE" || err != nil {
			v.Fault("%s holds something that is no certificate, or one that cannot be read", name)
			return nil, false
		}
		if slices.ContainsFunc(all, certificate.Equal) {
			v.Fault("%s holds a certificate twice", name)
			return nil, false
		}
		all = append(all, certificate)
	}
	if len(all) != begins || begins == 0 || begins > maxCertificates {
		v.Fault("%s must hold 1 to %d certificates (PEM), each of which can be read", name, maxCertificates)
		return nil, false
	}
	return all, true
}

// readCertificateRule reads tls_client_auth (RFC 8705 section 2.1).
func (l *loader) readCertificateRule(c *Credential, v sy.Value) bool {
	r := &c.Certificate
	names := 0
	name := func(key string, into *string, parse func(string) (string, error)) sy.Field {
		return sy.Field{Name: key, Read: func(v sy.Value) { names++; parsed(into, parse)(v) }}
	}
	read := v.Object(
		sy.Field{Name: "ca_file", Required: true, Read: func(v sy.Value) { r.Authorities = l.authorities(v) }},
		name("subject_dn", &r.SubjectDN, federation.ParseDN),
		name("san_dns", &r.DNS, parseDNS),
		name("san_uri", &r.URI, parseURI),
		name("san_ip", &r.IP, parseIP),
		name("san_email", &r.Email, parseEmail),
	)
	if read && names != 1 {
		v.Fault("must have exactly one of subject_dn, san_dns, san_uri, san_ip, san_email (RFC 8705 section 2.1.2)")
	}
	return read && names == 1 && len(r.Authorities) > 0 && r.name() != ""
}

func (l *loader) authorities(v sy.Value) (all [][]byte) {
	found, _ := l.certificates(v)
	for _, ca := range found {
		if !ca.IsCA || !ca.BasicConstraintsValid || ca.KeyUsage != 0 && ca.KeyUsage&x509.KeyUsageCertSign == 0 {
			v.Fault("the certificate %s is not that of an authority: it may not sign certificates", thumbprint(ca.Raw))
			return nil
		}
		all = append(all, ca.Raw)
	}
	return all
}

// readThumbprints reads self_signed_tls_client_auth (RFC 8705 section 2.2).
func (l *loader) readThumbprints(c *Credential, d *draftCredential, v sy.Value) bool {
	sources := 0
	add := func(at sy.Value, text string) {
		c.Thumbprints, d.thumbs = append(c.Thumbprints, text), append(d.thumbs, at)
	}
	read := v.Object(
		sy.Field{Name: "certificate_file", Read: func(v sy.Value) {
			sources++
			found, _ := l.certificates(v)
			for _, certificate := range found {
				add(v, thumbprint(certificate.Raw))
			}
		}},
		sy.Field{Name: "thumbprints", Read: func(v sy.Value) {
			sources++
			v.List(1, maxCertificates, func(v sy.Value) {
				if text, ok := sy.Parsed(v, parseThumbprint); ok {
					add(v, text)
				}
			})
		}},
	)
	if read && sources != 1 {
		v.Fault("must have either certificate_file or thumbprints")
	}
	return read && sources == 1 && len(c.Thumbprints) > 0
}

// thumbprint returns the x5t#S256 of a certificate (RFC 8705 section 3.1).
func thumbprint(der []byte) string {
	sum := sha256.Sum256(der)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func parseThumbprint(text string) (string, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != sha256.Size {
		return "", errors.New("must be the SHA-256 of a certificate (x5t#S256): 43 characters of base64url")
	}
	return text, nil
}

// name returns the one name of the rule with its kind.
func (r CertificateRule) name() string {
	for _, n := range []struct{ kind, value string }{
		{"subject", r.SubjectDN}, {"DNS name", r.DNS}, {"URI", r.URI}, {"IP address", r.IP}, {"email", r.Email},
	} {
		if n.value != "" {
			return n.kind + " " + n.value
		}
	}
	return ""
}

func parseDNS(text string) (string, error) {
	if text == "" || len(text) > 253 || strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" || strings.Contains(text, "..") || strings.Trim(text, ".-") != text {
		return "", errors.New("must be one DNS name in lower case; wildcards are not allowed")
	}
	return text, nil
}

func parseURI(text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || !u.IsAbs() || len(text) > 512 || strings.ContainsAny(text, "* ") || u.String() != text:
		return "", errors.New("must be one absolute URI; wildcards are not allowed")
	case u.Scheme == "spiffe":
		return "", errors.New("a SPIFFE ID is checked against the bundle of its trust domain; write spiffe: spiffe://… instead")
	}
	return text, nil
}

func parseIP(text string) (string, error) {
	if addr, err := netip.ParseAddr(text); err != nil || addr.String() != text || addr.Zone() != "" || addr.Is4In6() {
		return "", errors.New("must be one IP address in its usual form; no range")
	}
	return text, nil
}

func parseEmail(text string) (string, error) {
	local, domain, _ := strings.Cut(text, "@")
	_, err := parseDNS(domain)
	if local == "" || len(local) > 64 || strings.ContainsAny(local, "*\"<>(),;: ") || err != nil {
		return "", errors.New("must be one email address, its domain in lower case; wildcards are not allowed")
	}
	return text, nil
}
