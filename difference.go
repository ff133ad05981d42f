package narrowcast

import (
	"net/url"
	"strings"
)

// Difference says in a few words how a received audience that is not the
// expected one differs, when it is close enough to look like a mistake. It
// returns "" when the two are equal or have little in common.
func Difference(expected Audience, received string) string {
	want := expected.text
	switch {
	case expected.Names(received) || want == "" || received == "":
		return ""
	case strings.TrimRight(received, "/") == strings.TrimRight(want, "/"):
		return "differs only by a trailing slash"
	case strings.EqualFold(received, want):
		return "differs only in letter case"
	case strings.TrimSpace(received) == want:
		return "differs only by white space"
	case decoded(received) == decoded(want):
		return "differs only by percent-encoding"
	}
	if near := differentPart(want, received); near != "" {
		return near
	}
	switch {
	case strings.HasPrefix(received, want):
		return "begins with this audience and goes on"
	case strings.HasPrefix(want, received):
		return "is only the beginning of this audience"
	case strings.Contains(received, want) || strings.Contains(want, received):
		return "one contains the other"
	}
	return ""
}

func decoded(s string) string {
	if d, err := url.PathUnescape(s); err == nil {
		return d
	}
	return s
}

// differentPart names the one component in which two URLs differ.
func differentPart(want, received string) string {
	w, errW := url.Parse(want)
	r, errR := url.Parse(received)
	if errW != nil || errR != nil || w.Host == "" || r.Host == "" {
		return ""
	}
	sameHost, samePort := w.Hostname() == r.Hostname(), w.Port() == r.Port()
	samePath := strings.TrimRight(w.Path, "/") == strings.TrimRight(r.Path, "/")
	switch {
	case !sameHost:
		return ""
	case r.RawQuery != w.RawQuery && samePort && samePath:
		return "differs only by a query"
	case r.Fragment != w.Fragment && samePort && samePath:
		return "differs only by a fragment"
	case w.Scheme != r.Scheme && samePath:
		return "differs only by the scheme"
	case !samePort && samePath:
		return "differs only by the port"
	case samePort && !samePath:
		return "same host, another path"
	}
	return ""
}
