package guard

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// Faults of a request target. None repeats the text, which may hold a token.
const (
	faultTarget = "the request target is not a path"
	faultPath   = "a path that can be read in two ways"
	faultMethod = "the method is not in capitals"
)

// targetFault accepts origin-form, absolute-form with a path, and OPTIONS * (RFC
// 9112 section 3.2). A target such as http:http://x/admin has no path for a rule
// to look at, but some readers find one in it.
func targetFault(method string, u *url.URL) string {
	switch {
	case u.Opaque == "" && strings.HasPrefix(u.Path, "/"):
		return ""
	case method == http.MethodOptions && u.Opaque == "" && u.Path == "*":
		return ""
	}
	return faultTarget
}

// ruleFault says why a scope rule must not be asked about a request: a service
// may read its method or path differently, so that a caller could choose the
// rule. Names of methods are case-sensitive (RFC 9110 section 9.1), yet not to
// every framework.
func ruleFault(method string, u *url.URL) string {
	switch {
	case method == "" || strings.ToUpper(method) != method:
		return faultMethod
	case ambiguousPath(u.EscapedPath()):
		return faultPath
	}
	return ""
}

// ambiguousPath reports a path that services are known to read in more than one
// way: by resolving dot segments, joining slashes, cutting parameters, control
// characters and trailing dots or spaces, decoding twice, or repairing UTF-8.
func ambiguousPath(escaped string) bool {
	path, err := url.PathUnescape(escaped)
	if err != nil || !utf8.ValidString(path) || strings.Contains(path, "//") {
		return true
	}
	if strings.Count(path, "/") != strings.Count(escaped, "/") { // an encoded slash
		return true
	}
	for i := 0; i < len(path); i++ {
		if c := path[i]; c < 0x20 || c == 0x7f || c == ';' || c == '%' || c == '\\' {
			return true
		}
	}
	for segment := range strings.SplitSeq(path, "/") {
		if strings.HasSuffix(segment, ".") || strings.HasSuffix(segment, " ") {
			return true
		}
	}
	return false
}
