package statuslist

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"strings"
)

// site is an address below which lists lie, without a slash at its end.
type site string

func trimmed(address string) string { return strings.TrimSuffix(address, "/") }

// parseSite checks a configured address: https, or http to this very machine.
func parseSite(name, address string) (site, error) {
	fault := func(what string) (site, error) { return "", fmt.Errorf("%s %s", name, what) }
	if address == "" {
		return fault("is required")
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "":
		return fault("is not a URL with a host")
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return fault("must be https, save for a loopback host")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(address, "#") || strings.Contains(address, "%"):
		return fault("must carry neither user information, query, fragment nor percent-encoding")
	case path.Clean("/"+u.Path) != "/"+strings.Trim(u.Path, "/"):
		return fault("has a path that is not clean")
	}
	return site(trimmed(address)), nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

const maxName = 128

// name returns the one path segment of a list that lies below s. Anything else,
// deeper paths, queries and other spellings among it, does not.
func (s site) name(uri string) (string, bool) {
	name, below := strings.CutPrefix(uri, string(s)+"/")
	if s == "" || !below || checkName(name) != nil {
		return "", false
	}
	return name, true
}

func (s site) list(name string) string { return string(s) + "/" + name }

func checkName(name string) error {
	if name == "" || len(name) > maxName || strings.Trim(name, ".") == "" {
		return errors.New("not the name of a list")
	}
	for _, c := range []byte(name) {
		if c != '-' && c != '_' && c != '.' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return errors.New("not the name of a list")
		}
	}
	return nil
}
