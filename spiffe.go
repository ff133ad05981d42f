package narrowcast

import (
	"errors"
	"fmt"
	"strings"
)

const (
	spiffeScheme   = "spiffe://"
	maxSPIFFEID    = 2048
	maxTrustDomain = 255
)

// SPIFFEID is the name of a workload, spiffe://trust-domain/path (SPIFFE-ID
// section 2). The zero SPIFFEID names nobody. Two are equal when they are ==;
// there is no prefix match, because /pay is not an ancestor of /payroll.
type SPIFFEID struct {
	text   string
	domain int // bytes of the scheme and the trust domain
}

// ParseSPIFFEID reads a SPIFFE ID in its one spelling: scheme and trust domain in
// lower case, the trust domain of letters, digits, dots, dashes and underscores
// (section 2.1), the path of segments of the same and capitals, none of them
// empty, "." or ".." and no slash at the end (section 2.2). No port, user
// information, query, fragment or percent-encoding; at most 2048 bytes (section
// 2.3). An ID without a path names the trust domain itself.
func ParseSPIFFEID(s string) (SPIFFEID, error) {
	id, err := parseSPIFFEID(s)
	if err != nil {
		return SPIFFEID{}, fmt.Errorf("SPIFFE ID %s: %w", quote(s), err)
	}
	return id, nil
}

// ParseTrustDomain reads the SPIFFE ID of a trust domain: one without a path.
func ParseTrustDomain(s string) (SPIFFEID, error) {
	id, err := ParseSPIFFEID(s)
	if err == nil && id.Path() != "" {
		return SPIFFEID{}, fmt.Errorf("trust domain %s: has a path", quote(s))
	}
	return id, err
}

func parseSPIFFEID(s string) (SPIFFEID, error) {
	rest, found := strings.CutPrefix(s, spiffeScheme)
	switch {
	case len(s) > maxSPIFFEID:
		return SPIFFEID{}, fmt.Errorf("is longer than %d bytes", maxSPIFFEID)
	case !found:
		return SPIFFEID{}, errors.New("does not begin with " + spiffeScheme)
	}
	domain, path, hasPath := strings.Cut(rest, "/")
	if domain == "" || len(domain) > maxTrustDomain {
		return SPIFFEID{}, fmt.Errorf("the trust domain must have 1 to %d bytes", maxTrustDomain)
	}
	for i := 0; i < len(domain); i++ {
		if !spiffeLower(domain[i]) {
			return SPIFFEID{}, fmt.Errorf("character %q is not allowed in a trust domain", domain[i])
		}
	}
	if hasPath {
		if err := checkSPIFFEPath(path); err != nil {
			return SPIFFEID{}, err
		}
	}
	return SPIFFEID{s, len(spiffeScheme) + len(domain)}, nil
}

func checkSPIFFEPath(path string) error {
	for segment := range strings.SplitSeq(path, "/") {
		switch segment {
		case "":
			return errors.New("the path has an empty segment, or ends in a slash")
		case ".", "..":
			return errors.New("the path has a segment . or ..")
		}
		for i := 0; i < len(segment); i++ {
			if c := segment[i]; !spiffeLower(c) && (c < 'A' || c > 'Z') {
				return fmt.Errorf("character %q is not allowed in a path", c)
			}
		}
	}
	return nil
}

func spiffeLower(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_'
}

// String returns the ID.
func (id SPIFFEID) String() string { return id.text }

// IsZero reports whether id names nobody.
func (id SPIFFEID) IsZero() bool { return id.text == "" }

// TrustDomain returns the name of the trust domain, such as corp.example.
func (id SPIFFEID) TrustDomain() string {
	if id.text == "" {
		return ""
	}
	return id.text[len(spiffeScheme):id.domain]
}

// Path returns the path with its leading slash, or "" for a trust domain.
func (id SPIFFEID) Path() string { return id.text[id.domain:] }

// Issuer returns who speaks for id: its trust domain, as in spiffe://corp.example.
func (id SPIFFEID) Issuer() Issuer { return Issuer{id.text[:id.domain]} }

// MarshalText writes the ID.
func (id SPIFFEID) MarshalText() ([]byte, error) { return []byte(id.text), nil }

// UnmarshalText reads the ID as ParseSPIFFEID does.
func (id *SPIFFEID) UnmarshalText(b []byte) (err error) {
	*id, err = ParseSPIFFEID(string(b))
	return err
}

// claimsSPIFFE reports whether a subject means to be a SPIFFE ID, right or wrong.
func claimsSPIFFE(subject string) bool {
	const scheme = "spiffe:"
	return len(subject) >= len(scheme) && strings.EqualFold(subject[:len(scheme)], scheme)
}
