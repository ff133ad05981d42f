package guard

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"net/url"
	"strings"
)

// maxCertificateHeader bounds the header, in bytes. A certificate with an RSA key
// of 4096 bits and many names has 4000 in base64.
const maxCertificateHeader = 16 << 10

// Faults of a certificate header. None repeats what was sent.
var (
	errCertificateLong  = errors.New("longer than the limit")
	errCertificateForm  = errors.New("not in the form that is configured")
	errCertificateInner = errors.New("no X.509 certificate inside")
)

// readCertificate returns the thumbprint of the one certificate in a header.
func readCertificate(h CertificateHeader, value string) (string, error) {
	if len(value) > maxCertificateHeader {
		return "", errCertificateLong
	}
	if h == XForwardedClientCert {
		return readElement(value)
	}
	der, err := readDER(h, value)
	if err != nil {
		return "", err
	}
	return thumbprintOfDER(der)
}

// readDER returns the one certificate that a header holds as a whole.
func readDER(h CertificateHeader, value string) ([]byte, error) {
	if len(value) > maxCertificateHeader {
		return nil, errCertificateLong
	}
	switch h {
	case ClientCert:
		return readByteSequence(value)
	case SSLClientCert:
		return readEscapedPEM(value)
	}
	return nil, errCertificateForm
}

// readByteSequence reads a byte sequence (RFC 9440 section 2.2, RFC 9651 section
// 3.3.5): base64 between colons, and nothing else.
func readByteSequence(value string) ([]byte, error) {
	inner, opened := strings.CutPrefix(value, ":")
	inner, closed := strings.CutSuffix(inner, ":")
	if !opened || !closed || strings.ContainsAny(inner, "\r\n") {
		return nil, errCertificateForm
	}
	der, err := base64.StdEncoding.Strict().DecodeString(inner)
	if err != nil {
		return nil, errCertificateForm
	}
	return der, nil
}

// readEscapedPEM reads one PEM block, percent-encoded.
func readEscapedPEM(value string) ([]byte, error) {
	text, err := url.PathUnescape(value)
	if err != nil {
		return nil, errCertificateForm
	}
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" || len(block.Headers) > 0 || len(bytes.TrimSpace(rest)) > 0 ||
		!strings.HasPrefix(text, "-----BEGIN CERTIFICATE-----") {
		return nil, errCertificateForm
	}
	return block.Bytes, nil
}

// thumbprintOfDER demands that the bytes are one certificate, so that a proxy
// that is set up wrongly is noticed.
func thumbprintOfDER(der []byte) (string, error) {
	if _, err := x509.ParseCertificate(der); err != nil {
		return "", errCertificateInner
	}
	return thumbprintOf(der), nil
}

// readElement reads the one element of a header of Envoy: pairs joined by
// semicolons, values in quotes where they need to be. More than one element means
// that a proxy added to what somebody sent.
func readElement(value string) (string, error) {
	hash := ""
	for value != "" {
		pair, rest, ok := cutPair(value)
		name, text, found := strings.Cut(pair, "=")
		if !ok || !found {
			return "", errCertificateForm
		}
		value = rest
		if !strings.EqualFold(name, "Hash") {
			continue
		}
		if hash != "" || len(text) != 2*sha256.Size {
			return "", errCertificateForm
		}
		hash = text
	}
	sum, err := hex.DecodeString(hash)
	if err != nil || len(sum) != sha256.Size {
		return "", errCertificateForm
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}

// cutPair cuts at the first semicolon outside quotes. A comma outside quotes
// begins another element.
func cutPair(s string) (pair, rest string, ok bool) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			return "", "", false
		case c == ';' && !quoted:
			return s[:i], s[i+1:], true
		}
	}
	return s, "", !quoted
}
