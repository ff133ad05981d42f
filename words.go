package narrowcast

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Limits on identifiers, in bytes.
const (
	maxIdentifier = 512
	maxName       = 256
)

// Audience identifies one resource server: the string in aud (RFC 7519 section
// 4.1.3), in resource (RFC 8707) and in protected resource metadata (RFC 9728).
// The zero Audience names nobody and is refused everywhere.
type Audience struct{ text string }

// ParseAudience reads the identifier of one resource server.
//
// An http or https identifier must be written in canonical form: host in lower
// case, no default port, no user information, query, fragment or dot segment.
// Only the root slash is folded, because https://h and https://h/ are the same
// URI (RFC 3986 section 6.2.3); every other difference makes another audience.
// Identifiers of other forms (api://…, urn:…, a plain name of a foreign issuer)
// are taken as they are. White space, control characters, quotes, "*" and
// anything outside ASCII are refused.
func ParseAudience(s string) (Audience, error) {
	if err := checkIdentifier(s); err != nil {
		return Audience{}, fmt.Errorf("audience %s: %w", quote(s), err)
	}
	if err := checkWebURL(s); err != nil {
		return Audience{}, fmt.Errorf("audience %s: %w", quote(s), err)
	}
	return Audience{foldRootSlash(s)}, nil
}

// MustAudience is ParseAudience for constants; it panics on a bad one.
func MustAudience(s string) Audience { return must(ParseAudience(s)) }

// String returns the identifier.
func (a Audience) String() string { return a.text }

// IsZero reports whether a names nobody.
func (a Audience) IsZero() bool { return a.text == "" }

// Names reports whether the received text of an aud claim is this audience:
// byte by byte, save for the one root slash that ParseAudience folds.
func (a Audience) Names(received string) bool {
	if a.text == "" || len(received) < len(a.text) || len(received) > len(a.text)+1 {
		return false
	}
	return received == a.text || foldRootSlash(received) == a.text
}

// MarshalText writes the identifier.
func (a Audience) MarshalText() ([]byte, error) { return []byte(a.text), nil }

// UnmarshalText reads the identifier as ParseAudience does.
func (a *Audience) UnmarshalText(b []byte) (err error) {
	*a, err = ParseAudience(string(b))
	return err
}

// Issuer identifies who signs tokens: the string in iss, compared byte by byte
// (RFC 8414 section 3.3). The zero Issuer is refused everywhere.
type Issuer struct{ text string }

// ParseIssuer reads an issuer identifier. An http or https identifier must not
// carry user information, a query or a fragment (RFC 8414 section 2); other
// forms, such as spiffe://…, are taken as they are.
func ParseIssuer(s string) (Issuer, error) {
	if err := checkIdentifier(s); err != nil {
		return Issuer{}, fmt.Errorf("issuer %s: %w", quote(s), err)
	}
	if err := checkWebURL(s); err != nil {
		return Issuer{}, fmt.Errorf("issuer %s: %w", quote(s), err)
	}
	return Issuer{s}, nil
}

// MustIssuer is ParseIssuer for constants; it panics on a bad one.
func MustIssuer(s string) Issuer { return must(ParseIssuer(s)) }

// String returns the identifier.
func (i Issuer) String() string { return i.text }

// IsZero reports whether i names nobody.
func (i Issuer) IsZero() bool { return i.text == "" }

// MarshalText writes the identifier.
func (i Issuer) MarshalText() ([]byte, error) { return []byte(i.text), nil }

// UnmarshalText reads the identifier as ParseIssuer does.
func (i *Issuer) UnmarshalText(b []byte) (err error) {
	*i, err = ParseIssuer(string(b))
	return err
}

// Subject is the sub claim: whom a token speaks of. It means something only
// together with its issuer.
type Subject string

// ClientID is the client_id claim (RFC 8693 section 4.3): which client asked.
type ClientID string

// TokenID is the jti claim, unique for its issuer.
type TokenID string

// KeyID is the kid of a key, unique for its issuer.
type KeyID string

// MaxActors bounds how many parties may act one after the other on behalf of one
// subject.
const MaxActors = 8

// TaskID names the task that a token lives and dies with.
type TaskID string

// ParseSubject reads a subject: 1 to 256 printable ASCII characters.
func ParseSubject(s string) (Subject, error) { return parseName[Subject]("subject", s) }

// ParseClientID reads a client identifier (RFC 6749 appendix A.1), never empty.
func ParseClientID(s string) (ClientID, error) { return parseName[ClientID]("client id", s) }

// ParseTokenID reads a token identifier.
func ParseTokenID(s string) (TokenID, error) { return parseName[TokenID]("token id", s) }

// ParseKeyID reads a key identifier.
func ParseKeyID(s string) (KeyID, error) { return parseName[KeyID]("key id", s) }

// ParseTaskID reads a task identifier.
func ParseTaskID(s string) (TaskID, error) { return parseName[TaskID]("task id", s) }

func parseName[T ~string](what, s string) (T, error) {
	if s == "" || len(s) > maxName {
		return "", fmt.Errorf("%s: must have 1 to %d characters, has %d", what, maxName, len(s))
	}
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] > 0x7e {
			return "", fmt.Errorf("%s %s: only printable ASCII is allowed", what, quote(s))
		}
	}
	return T(s), nil
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// quote shows an identifier in an error, cut so that a token that strayed into
// the wrong field is not repeated in full.
func quote(s string) string {
	if len(s) > 80 {
		s = s[:80] + "…"
	}
	return fmt.Sprintf("%q", s)
}

func checkIdentifier(s string) error {
	switch {
	case s == "":
		return errors.New("is empty")
	case len(s) > maxIdentifier:
		return fmt.Errorf("is longer than %d bytes", maxIdentifier)
	}
	for i := 0; i < len(s); i++ {
		if s[i] <= 0x20 || s[i] > 0x7e || strings.IndexByte("\"'\\*<>`{}|^,", s[i]) >= 0 {
			return fmt.Errorf("character %q at position %d is not allowed", s[i], i+1)
		}
	}
	return nil
}

// checkWebURL checks identifiers that are web addresses and passes all others.
func checkWebURL(s string) error {
	scheme, _, _ := strings.Cut(s, ":")
	lower := strings.ToLower(scheme)
	if lower == s || lower != "http" && lower != "https" {
		return nil
	}
	_, rest, found := strings.Cut(s, "://")
	if !found {
		return errors.New("write // behind the scheme")
	}
	if lower != scheme {
		return errors.New("write the scheme in lower case")
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return errors.New("is not a valid URL")
	case u.Hostname() == "":
		return errors.New("has no host")
	case u.User != nil:
		return errors.New("must not carry user information")
	case strings.ContainsAny(rest, "?#"):
		return errors.New("must not carry a query or a fragment")
	case u.Host != strings.ToLower(u.Host):
		return errors.New("write the host in lower case")
	case strings.HasSuffix(u.Host, ":"):
		return errors.New("has an empty port")
	case scheme == "https" && u.Port() == "443" || scheme == "http" && u.Port() == "80":
		return errors.New("leave out the default port")
	case strings.Contains(u.Host, "%"):
		return errors.New("must not carry percent-encoding in the host")
	case hasDotSegment(u.EscapedPath()):
		return errors.New("must not contain . or .. as a path segment")
	case strings.Contains(u.Path, "//"):
		return errors.New("must not contain an empty path segment")
	}
	return nil
}

func hasDotSegment(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		switch strings.ReplaceAll(strings.ToLower(segment), "%2e", ".") {
		case ".", "..":
			return true
		}
	}
	return false
}

// foldRootSlash removes the slash of an empty path: https://h/ becomes https://h.
func foldRootSlash(s string) string {
	rest, web := strings.CutPrefix(s, "https://")
	if !web {
		rest, web = strings.CutPrefix(s, "http://")
	}
	if web && len(rest) > 1 && strings.IndexByte(rest, '/') == len(rest)-1 {
		return s[:len(s)-1]
	}
	return s
}
