package forge

import (
	"fmt"
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// audienceURLs are web addresses that differ from ours in one part. Some of
// them are equal to it by the looser rules of RFC 3986 section 6 or of IDNA;
// an audience is compared byte by byte.
func audienceURLs() []wrong {
	url := func(id, title string, change func(u *webURL)) wrong {
		return bad("audience."+id, title, narrowcast.AudienceMismatch, "RFC 3986 §6.2.1: simple string comparison", moved(change))
	}
	return []wrong{
		url("scheme", "another scheme", func(u *webURL) { u.scheme = map[string]string{"https": "http", "http": "https"}[u.scheme] }),
		url("scheme-upper-case", "the scheme in capitals", func(u *webURL) { u.scheme = strings.ToUpper(u.scheme) }),
		bad("audience.no-scheme", "the host without a scheme", narrowcast.AudienceMismatch, "RFC 3986 §6.2.1: simple string comparison", named(func(a string) string {
			u, _ := cut(a)
			return u.host
		})),
		url("host-upper-case", "the host in capitals", func(u *webURL) { u.host = strings.ToUpper(u.host) }),
		url("host-dot", "a dot behind the host", func(u *webURL) { u.host += "." }),
		url("subdomain", "a host below ours", func(u *webURL) { u.host = "a." + u.host }),
		url("parent-domain", "the host above ours", func(u *webURL) { _, u.host, _ = strings.Cut(u.host, ".") }),
		url("wildcard-host", "a wildcard that would cover ours", func(u *webURL) {
			_, parent, _ := strings.Cut(u.host, ".")
			u.host = "*." + parent
		}),
		url("look-alike-suffix", "a stranger's host that begins with ours", func(u *webURL) { u.host += ".attacker.example" }),
		url("look-alike-prefix", "a stranger's host that ends with ours", func(u *webURL) { u.host = "not-" + u.host }),
		url("homoglyph", "a host with a Cyrillic letter in place of a Latin one", func(u *webURL) {
			u.host = strings.NewReplacer("a", "\u0430", "e", "\u0435", "o", "\u043e").Replace(u.host)
		}),
		url("ideographic-dot", "a host with ideographic full stops", func(u *webURL) { u.host = strings.ReplaceAll(u.host, ".", "\u3002") }),
		url("punycode", "a host whose label is in punycode", func(u *webURL) { u.host = "xn--" + strings.Replace(u.host, ".", "-7kc.", 1) }),
		url("port", "another port", func(u *webURL) { u.host += ":8443" }),
		url("default-port", "the default port written out", func(u *webURL) { u.host += map[string]string{"https": ":443", "http": ":80"}[u.scheme] }),
		url("empty-port", "a colon without a port", func(u *webURL) { u.host += ":" }),
		url("userinfo", "user information before the host", func(u *webURL) { u.host = "user@" + u.host }),
		url("userinfo-look-alike", "our host as user information of another", func(u *webURL) { u.host += "@attacker.example" }),
		url("percent-encoded", "a letter of the host in percent-encoding", func(u *webURL) { u.host = fmt.Sprintf("%%%02x", u.host[0]) + u.host[1:] }),
		url("path", "a path below ours", func(u *webURL) { u.path = strings.TrimRight(u.path, "/") + "/admin" }),
		url("double-slash", "two slashes at the end", func(u *webURL) { u.path += "//" }),
		url("dot-segment", "a path that leads back to ours", func(u *webURL) { u.path += "/x/.." }),
		url("query", "a query", func(u *webURL) { u.path += "?a=1" }),
		url("empty-query", "a question mark without a query", func(u *webURL) { u.path += "?" }),
		url("fragment", "a fragment", func(u *webURL) { u.path += "#a" }),
		url("backslash", "a backslash in place of a slash at the end", func(u *webURL) { u.path += `\` }),
		pathURL("path-slash", "a slash behind the path of ours", func(u *webURL) { u.path += "/" }),
		pathURL("path-upper-case", "the path in capitals", func(u *webURL) { u.path = strings.ToUpper(u.path) }),
		pathURL("path-parent", "the path above ours", func(u *webURL) { u.path = "" }),
		pathURL("path-percent-encoded", "a letter of the path in percent-encoding", func(u *webURL) { u.path = strings.Replace(u.path, "v", "%76", 1) }),
		pathURL("path-sibling", "a path that begins with ours", func(u *webURL) { u.path += "0" }),
	}
}

func pathURL(id, title string, change func(u *webURL)) wrong {
	return bad("audience."+id, title, narrowcast.AudienceMismatch, "RFC 3986 §6.2.1: simple string comparison", moved(change), PathAudience)
}
