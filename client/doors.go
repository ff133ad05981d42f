package client

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// door is one destination: an origin, and a path below which it begins.
type door struct {
	origin   string
	path     string // without a slash at the end; "" is the whole origin
	audience narrowcast.Audience
}

// doors are sorted so that the longest path of an origin comes first.
type doors []door

func newDoors(m map[string]narrowcast.Audience) (doors, []error) {
	var list doors
	var errs []error
	for text, audience := range m {
		d, err := newDoor(text, audience)
		if err != nil {
			errs = append(errs, fmt.Errorf("Doors[%q]: %w", text, err))
			continue
		}
		same := func(o door) bool { return o.origin == d.origin && o.path == d.path }
		if slices.ContainsFunc(list, same) {
			errs = append(errs, fmt.Errorf("Doors[%q]: another entry is the same destination", text))
		}
		list = append(list, d)
	}
	slices.SortFunc(list, func(a, b door) int {
		return cmp.Or(cmp.Compare(a.origin, b.origin), cmp.Compare(len(b.path), len(a.path)), cmp.Compare(a.path, b.path))
	})
	return list, errs
}

func newDoor(text string, audience narrowcast.Audience) (door, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "":
		return door{}, errors.New("is not a URL with a host")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return door{}, errors.New("must not carry user information, a query or a fragment")
	case audience.IsZero():
		return door{}, errors.New("the audience is empty")
	case crooked(u):
		return door{}, errors.New("the path has dot segments or encoded slashes")
	}
	if err := checkScheme(u); err != nil {
		return door{}, err
	}
	return door{origin: origin(u), path: strings.TrimRight(u.EscapedPath(), "/"), audience: audience}, nil
}

// origin is scheme, host and port in one spelling.
func origin(u *url.URL) string {
	scheme, host, port := strings.ToLower(u.Scheme), strings.ToLower(u.Hostname()), u.Port()
	if strings.Contains(host, ":") {
		host = "[" + host + "]" // IPv6: without brackets its last group could be taken for the port
	}
	if port == "" || scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		return scheme + "://" + host
	}
	return scheme + "://" + host + ":" + port
}

// Errors of requests that are not sent.
var (
	ErrUnmapped = errors.New("the destination is not mapped to an audience")
	errCrooked  = errors.New("the path has dot segments or encoded slashes, so it is not sure which door it opens")
	errHost     = errors.New("the Host of the request is not the host of its URL, so it is not sure which door it opens")
)

// find picks the audience for a destination. The zero Audience means that there
// is none.
func (list doors) find(req *http.Request) (narrowcast.Audience, error) {
	if req.URL == nil || req.URL.Opaque != "" {
		return narrowcast.Audience{}, errCrooked
	}
	at := origin(req.URL)
	path := req.URL.EscapedPath()
	for _, d := range list {
		if d.origin != at || !below(path, d.path) {
			continue
		}
		if req.Host != "" && !strings.EqualFold(req.Host, req.URL.Host) {
			return narrowcast.Audience{}, errHost
		}
		if list.divided(at) && crooked(req.URL) {
			return narrowcast.Audience{}, errCrooked
		}
		return d.audience, nil
	}
	return narrowcast.Audience{}, nil
}

// below reports whether path is prefix or lies under it.
func below(path, prefix string) bool {
	rest, found := strings.CutPrefix(path, prefix)
	return found && (rest == "" || rest[0] == '/')
}

// divided reports whether an origin has doors that begin at a path.
func (list doors) divided(at string) bool {
	return slices.ContainsFunc(list, func(d door) bool { return d.origin == at && d.path != "" })
}

// crooked reports whether two servers could read different paths from u.
func crooked(u *url.URL) bool {
	path := strings.ToLower(u.EscapedPath())
	if strings.ContainsAny(path, `\`) || strings.Contains(path, "%2f") || strings.Contains(path, "%5c") || strings.Contains(path, "//") {
		return true
	}
	for segment := range strings.SplitSeq(strings.ReplaceAll(path, "%2e", "."), "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}
