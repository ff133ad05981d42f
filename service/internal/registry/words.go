package registry

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// reserved is how the names of the issuer's own doors begin.
const reserved = "narrowcast-"

// parseID reads the identifier of a resource: an absolute URI without fragment
// (RFC 8707 section 2), in the canonical form of narrowcast.ParseAudience.
// Plain http stays on the machine.
func parseID(s string) (narrowcast.Audience, error) {
	a, err := narrowcast.ParseAudience(s)
	if err != nil {
		return narrowcast.Audience{}, err
	}
	u, err := url.Parse(a.String())
	switch {
	case err != nil || !u.IsAbs():
		return narrowcast.Audience{}, fmt.Errorf("audience %q: must be an absolute URI such as https://pay.example.test", s)
	case strings.Contains(s, "#"):
		return narrowcast.Audience{}, fmt.Errorf("audience %q: must not carry a fragment", s)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return narrowcast.Audience{}, fmt.Errorf("audience %q: http is allowed for loopback addresses only; use https", s)
	}
	return a, nil
}

func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// parseName reads a short name.
func parseName(s string) (string, error) {
	if len(s) > maxShort {
		return "", fmt.Errorf("is longer than %d characters", maxShort)
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return "", fmt.Errorf("character %q is not allowed; a name has a-z, 0-9 and -", c)
		}
	}
	if strings.HasPrefix(s, "-") || strings.HasSuffix(s, "-") {
		return "", errors.New("must not begin or end with -")
	}
	return s, nil
}

func parseResourceName(s string) (string, error) {
	if strings.HasPrefix(s, reserved) {
		return "", fmt.Errorf("names that begin with %s are kept for the issuer's own doors", reserved)
	}
	return parseName(s)
}

// parseLabel reads a word for people: an owner, an environment, a tenant.
func parseLabel(s string) (string, error) {
	switch {
	case len(s) > 128:
		return "", errors.New("is longer than 128 bytes")
	case strings.TrimSpace(s) != s:
		return "", errors.New("must not begin or end with white space")
	case strings.Contains(s, "*"):
		return "", errors.New("wildcards are not allowed")
	case strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		return "", errors.New("must not hold control characters")
	}
	return s, nil
}

// writers are the names under which the issuer itself writes into the book, each
// followed by a slash. A client writes under its id in the same way.
func writers() []string {
	return []string{
		"apply", "doors", "house", "introspection", "issuer", "keyring", "revocations", "revoke", "status", "task", "tasks", "uses",
	}
}

// checkWriter refuses an id under which a client could write in the name of the
// issuer, or nearly so.
func checkWriter(id string) error {
	first, _, _ := strings.Cut(id, "/")
	if slices.Contains(writers(), strings.ToLower(first)) {
		return fmt.Errorf("ids that are or begin with %s are kept for the issuer's own records in the book; use another id", strings.ToLower(first))
	}
	return nil
}

// parseClientID is stricter than the library: an id is also typed into commands,
// and it is the iss of the client's assertions (RFC 7523 section 3).
func parseClientID(s string) (narrowcast.ClientID, error) {
	switch {
	case strings.Contains(s, "*"):
		return "", errors.New("wildcards are not allowed; name every client")
	case strings.ContainsAny(s, " \"'\\`<>{}|^,"):
		return "", errors.New("white space, quotes, brackets and commas are not allowed in a client id")
	}
	if _, err := narrowcast.ParseIssuer(s); err != nil {
		return "", fmt.Errorf("cannot be the iss of an assertion: %w", err)
	}
	if err := checkWriter(s); err != nil {
		return "", err
	}
	return narrowcast.ParseClientID(s)
}

func parseScopeToken(s string) (narrowcast.Scope, error) {
	switch {
	case strings.Contains(s, "*"):
		return narrowcast.Scope{}, errors.New("wildcards are not allowed; name every scope")
	case strings.Contains(s, " "):
		return narrowcast.Scope{}, errors.New("must be one scope; write a list as [a, b]")
	}
	return narrowcast.ParseScope(s)
}

// fold takes out of an identifier what people and proxies change without
// noticing: case of scheme and host, default port, trailing slashes,
// percent-encoding. Two identifiers that fold to the same text are not told
// apart reliably by everybody, so only one of them may be registered.
func fold(id string) string {
	u, err := url.Parse(id)
	if err != nil || u.Scheme == "" {
		return strings.TrimRight(strings.ToLower(id), "/")
	}
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	host = strings.TrimSuffix(host, ":")
	opaque, err := url.PathUnescape(u.Opaque)
	if err != nil {
		opaque = u.Opaque
	}
	text := u.Scheme + "://" + host + strings.TrimRight(u.Path, "/") + strings.TrimRight(opaque, "/")
	if u.RawQuery != "" {
		text += "?" + u.RawQuery
	}
	return text
}
