package federation

import (
	"errors"
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

const (
	spiffeScheme   = "spiffe://"
	maxTrustDomain = 255
)

// SPIFFEID is a SPIFFE ID taken apart. The zero SPIFFEID names nobody.
type SPIFFEID struct {
	TrustDomain string // corp.example
	Path        string // /ns/shop/sa/checkout; "" for the trust domain itself
}

// String returns the identifier.
func (id SPIFFEID) String() string {
	if id.TrustDomain == "" {
		return ""
	}
	return spiffeScheme + id.TrustDomain + id.Path
}

// Issuer returns the identifier of the trust domain, under which its bundle is
// registered.
func (id SPIFFEID) Issuer() (narrowcast.Issuer, error) {
	return narrowcast.ParseIssuer(spiffeScheme + id.TrustDomain)
}

// ParseSPIFFEID reads the SPIFFE ID of a workload (SPIFFE-ID section 2): trust
// domain in lower case without port and user, then at least one path segment,
// none empty, . or .., without percent-encoding, query and fragment.
func ParseSPIFFEID(text string) (SPIFFEID, error) {
	rest, is := strings.CutPrefix(text, spiffeScheme)
	domain, path, cut := strings.Cut(rest, "/")
	switch {
	case len(text) > maxSubject:
		// The standard allows 2048; it has to fit into the sub of a token.
		return SPIFFEID{}, errors.New("SPIFFE ID: is longer than 256 bytes, so it cannot be a subject")
	case !is:
		return SPIFFEID{}, errors.New("SPIFFE ID: must begin with spiffe://")
	case !cut:
		return SPIFFEID{}, errors.New("SPIFFE ID: names a trust domain and no workload; a path is required")
	}
	if err := checkTrustDomain(domain); err != nil {
		return SPIFFEID{}, err
	}
	for segment := range strings.SplitSeq(path, "/") {
		switch {
		case segment == "" || segment == "." || segment == "..":
			return SPIFFEID{}, errors.New("SPIFFE ID: has an empty path segment, . or ..")
		case strings.Trim(segment, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") != "":
			return SPIFFEID{}, errors.New("SPIFFE ID: a path segment has letters, digits, . - and _ only; wildcards name nobody")
		}
	}
	return SPIFFEID{domain, "/" + path}, nil
}

// ParseTrustDomain reads the identifier of a trust domain, spiffe://corp.example,
// and returns its name.
func ParseTrustDomain(text string) (string, error) {
	domain, is := strings.CutPrefix(text, spiffeScheme)
	if !is {
		return "", errors.New("trust domain: must begin with spiffe://")
	}
	return domain, checkTrustDomain(domain)
}

func checkTrustDomain(domain string) error {
	switch {
	case domain == "" || len(domain) > maxTrustDomain:
		return errors.New("trust domain: must have 1 to 255 characters")
	case strings.Trim(domain, "abcdefghijklmnopqrstuvwxyz0123456789.-_") != "":
		return errors.New("trust domain: has a-z, 0-9, . - and _ only; no port, no path, no wildcard")
	}
	return nil
}
