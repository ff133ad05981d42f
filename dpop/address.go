package dpop

import (
	"net/url"
	"strings"
)

// maxAddress bounds what is compared, in bytes.
const maxAddress = 4096

// sameAddress compares two addresses without query and fragment, after the
// normalization of RFC 3986 sections 6.2.2.1, 6.2.2.2 and 6.2.3 that RFC 9449
// section 4.3 advises: case of scheme and host, spelling of percent-encoding,
// default port, empty path. Dot segments stay: some servers see two paths there.
func sameAddress(claimed, expected string) bool {
	a, okA := address(claimed)
	if claimed == expected {
		return okA
	}
	b, okB := address(expected)
	return okA && okB && a == b
}

func address(s string) (string, bool) {
	if len(s) > maxAddress {
		return "", false
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil {
		return "", false
	}
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	switch scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	default:
		return "", false
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	return scheme + "://" + host + oneSpelling(path), true
}

// oneSpelling decodes what need not be encoded (RFC 3986 section 2.3) and writes
// the rest in capitals. The text is validly encoded, for url.Parse accepted it.
func oneSpelling(path string) string {
	if strings.IndexByte(path, '%') < 0 {
		return path
	}
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] != '%' || i+2 >= len(path) {
			b.WriteByte(path[i])
			continue
		}
		if c := unhex(path[i+1])<<4 | unhex(path[i+2]); unreserved(c) {
			b.WriteByte(c)
		} else {
			b.WriteString(strings.ToUpper(path[i : i+3]))
		}
		i += 2
	}
	return b.String()
}

func unhex(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}
