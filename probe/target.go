package probe

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
)

// target is an address that may be asked.
type target struct {
	address string // as it is asked
	shown   string // without its query, for reports
}

// parseTarget refuses an address whose owner did not agree to be probed.
func parseTarget(address string, hosts []string) (target, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return target{}, errors.New("Target is required: an http or https address")
	case u.User != nil || u.Fragment != "":
		return target{}, errors.New("Target must not carry user information or a fragment")
	case !loopback(u.Hostname()) && !slices.Contains(hosts, u.Host):
		return target{}, fmt.Errorf("Target %s is neither loopback nor in Hosts: name it there when its owner agrees", u.Host)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return target{}, errors.New("Target must be https unless it is loopback: right tokens travel there")
	}
	shown := *u
	shown.RawQuery, shown.ForceQuery = "", false
	return target{address, shown.String()}, nil
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
