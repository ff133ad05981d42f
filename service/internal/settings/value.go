package settings

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

// path returns a path of the settings file; a relative one is taken from the
// directory of the file.
func path(v sy.Value) string {
	text, ok := v.Text()
	switch {
	case !ok:
		return ""
	case strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		v.Fault("must not hold control characters")
		return ""
	case filepath.IsAbs(text):
		return filepath.Clean(text)
	}
	return filepath.Join(filepath.Dir(v.Position().File), text)
}

// address returns a listen address, host:port.
func address(v sy.Value) string {
	text, ok := sy.Parsed(v, func(s string) (string, error) {
		host, port, err := net.SplitHostPort(s)
		if err != nil {
			return "", errors.New("must be an address such as 127.0.0.1:8480")
		}
		if host == "" {
			return "", errors.New("name the host; 0.0.0.0 listens everywhere")
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
			return "", errors.New("the port must be a number from 0 to 65535")
		}
		return s, nil
	})
	if !ok {
		return ""
	}
	return text
}

func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// webURL reads an https address, or an http one of this machine.
func webURL(s string) (*url.URL, error) {
	u, err := anyURL(s)
	if err == nil && u.Scheme == "http" && !loopback(u.Hostname()) {
		return nil, errors.New("http is allowed for loopback addresses only; use https")
	}
	return u, err
}

func anyURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return nil, errors.New("must be an http or https address")
	case u.User != nil:
		return nil, errors.New("must not carry user information")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("must not carry a query or a fragment")
	}
	return u, nil
}

// webIssuer reads an issuer that others find on the web.
func webIssuer(s string) (narrowcast.Issuer, error) {
	issuer, err := narrowcast.ParseIssuer(s)
	if err != nil {
		return issuer, err
	}
	if _, err := webURL(s); err != nil {
		return narrowcast.Issuer{}, fmt.Errorf("issuer %q: %w", s, err)
	}
	return issuer, nil
}

// label reads a word for people or for an equality check.
func label(s string) (string, error) {
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

func duration(low, high time.Duration) func(sy.Value) (time.Duration, bool) {
	return func(v sy.Value) (time.Duration, bool) { return v.Duration(low, high) }
}

func into[T any](target *T, read func(sy.Value) (T, bool), v sy.Value) {
	if t, ok := read(v); ok {
		*target = t
	}
}

func parsed[T any](target *T, parse func(string) (T, error), v sy.Value) {
	into(target, func(v sy.Value) (T, bool) { return sy.Parsed(v, parse) }, v)
}

// checkListeners checks what both programs have: two addresses, and no token in
// the clear off this machine.
func checkListeners(v sy.Value, listen, operations string, tls TLS, proxied bool) {
	if listen != "" && listen == operations && !strings.HasSuffix(listen, ":0") {
		v.Fault("listen and operations must differ; health and metrics are not for callers")
	}
	if tls != (TLS{}) && proxied {
		v.Fault("tls and tls_ends_at_proxy exclude each other")
	}
	host, _, err := net.SplitHostPort(listen)
	if err == nil && !loopback(host) && tls == (TLS{}) && !proxied {
		v.Fault("listen is %s, which is not loopback: give tls, or say tls_ends_at_proxy: true when a proxy on a trusted path does it", listen)
	}
}
