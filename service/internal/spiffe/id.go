package spiffe

import (
	"errors"
	"fmt"
	"strings"
)

// scheme is that of every SPIFFE ID, in lower case only: identifiers are
// compared as strings, so each has one spelling.
const scheme = "spiffe://"

// Bounds of a SPIFFE ID (SPIFFE-ID section 2.3).
const (
	maxID     = 2048
	maxDomain = 255
)

// Domain is the name of a trust domain, such as corp.example.
type Domain string

// String returns the SPIFFE ID of the domain itself.
func (d Domain) String() string { return scheme + string(d) }

// ParseDomain reads the SPIFFE ID of a trust domain: spiffe://corp.example,
// without a path.
func ParseDomain(s string) (Domain, error) {
	id, err := ParseID(s)
	switch {
	case err != nil:
		return "", err
	case id.Path() != "":
		return "", fmt.Errorf("SPIFFE ID %q: a trust domain has no path", s)
	}
	return id.domain, nil
}

// ID is a SPIFFE ID. The zero ID names nobody.
type ID struct {
	domain Domain
	path   string
}

// Domain returns the trust domain.
func (i ID) Domain() Domain { return i.domain }

// Path returns what stands behind the domain, with the leading slash, or "".
func (i ID) Path() string { return i.path }

// String returns the one spelling of the ID.
func (i ID) String() string {
	if i.domain == "" {
		return ""
	}
	return i.domain.String() + i.path
}

// ParseID reads a SPIFFE ID (SPIFFE-ID section 2). There is no port, user, query,
// fragment or percent-encoding, no empty or dot segment and no trailing slash.
func ParseID(s string) (ID, error) {
	rest, ok := strings.CutPrefix(s, scheme)
	switch {
	case len(s) > maxID:
		return ID{}, fmt.Errorf("SPIFFE ID: longer than %d bytes", maxID)
	case !ok:
		return ID{}, fmt.Errorf("SPIFFE ID %q: does not begin with %s", s, scheme)
	}
	domain, path := rest, ""
	if slash := strings.IndexByte(rest, '/'); slash >= 0 {
		domain, path = rest[:slash], rest[slash:]
	}
	if err := errors.Join(checkDomain(domain), checkPath(path)); err != nil {
		return ID{}, fmt.Errorf("SPIFFE ID %q: %w", s, err)
	}
	return ID{domain: Domain(domain), path: path}, nil
}

func checkDomain(domain string) error {
	if domain == "" || len(domain) > maxDomain {
		return fmt.Errorf("a trust domain has 1 to %d characters", maxDomain)
	}
	for _, c := range []byte(domain) {
		if !lower(c) && !plain(c) {
			return errors.New("a trust domain has the characters a-z, 0-9, dot, hyphen and underscore")
		}
	}
	return nil
}

func checkPath(path string) error {
	if path == "" {
		return nil
	}
	for segment := range strings.SplitSeq(path[1:], "/") {
		if segment == "" || segment == "." || segment == ".." {
			return errors.New("the path has an empty segment or one of dots")
		}
		for _, c := range []byte(segment) {
			if !lower(c) && !plain(c) && !('A' <= c && c <= 'Z') {
				return errors.New("a path has letters, digits, dots, hyphens and underscores between its slashes")
			}
		}
	}
	return nil
}

func lower(c byte) bool { return 'a' <= c && c <= 'z' }
func plain(c byte) bool { return '0' <= c && c <= '9' || c == '.' || c == '-' || c == '_' }
