package forge

import "strings"

// webURL is an audience of the form scheme://host/path, cut into its parts.
type webURL struct{ scheme, host, path string }

func cut(s string) (webURL, bool) {
	scheme, rest, found := strings.Cut(s, "://")
	if !found || scheme != "https" && scheme != "http" {
		return webURL{}, false
	}
	host, path, slash := strings.Cut(rest, "/")
	if slash {
		path = "/" + path
	}
	return webURL{scheme, host, path}, true
}

func (u webURL) String() string { return u.scheme + "://" + u.host + u.path }

// named sets aud to a variation of the audience. A variation that still names
// the audience is no fault.
func named(vary func(ours string) string) forging {
	return func(l *letter) (string, error) {
		varied := vary(l.w.Audience.String())
		if varied == "" || l.w.Audience.Names(varied) {
			return "", ErrNotApplicable
		}
		l.payload.set("aud", quoted(varied))
		return l.seal()
	}
}

// moved sets aud to the audience with one part of its URL changed.
func moved(change func(u *webURL)) forging {
	return named(func(ours string) string {
		u, web := cut(ours)
		if !web {
			return ""
		}
		change(&u)
		return u.String()
	})
}
