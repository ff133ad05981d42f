package httpapi

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds on a token request.
const (
	maxForm       = 64 << 10
	maxParameters = 64
)

// form are the parameters of a token request in the order they came. Those with
// an empty value are absent (RFC 6749 section 3.2).
type form []parameter

type parameter struct{ name, value string }

var errForm = errors.New("the form cannot be read")

// parseForm reads application/x-www-form-urlencoded. The standard library's
// reader keeps what it can; this one keeps all or nothing.
func parseForm(body string) (form, error) {
	var f form
	for pair := range strings.SplitSeq(body, "&") {
		if pair == "" {
			continue
		}
		if len(f) == maxParameters || strings.Contains(pair, ";") {
			return nil, errForm
		}
		name, value, _ := strings.Cut(pair, "=")
		name, errName := url.QueryUnescape(name)
		value, errValue := url.QueryUnescape(value)
		if errName != nil || errValue != nil || name == "" || !utf8.ValidString(name) || !utf8.ValidString(value) {
			return nil, errForm
		}
		if value != "" {
			f = append(f, parameter{name, value})
		}
	}
	return f, nil
}

// one returns the value of a parameter, or "".
func (f form) one(name string) string {
	for _, p := range f {
		if p.name == name {
			return p.value
		}
	}
	return ""
}

// all returns every value of a parameter.
func (f form) all(name string) []string {
	var values []string
	for _, p := range f {
		if p.name == name {
			values = append(values, p.value)
		}
	}
	return values
}

// mayRepeat are the parameters that extensions allow to repeat (RFC 8707
// section 2, RFC 8693 section 2.1). The desk refuses more than one of them with
// an error code of its own.
var mayRepeat = [...]string{"resource", "audience"}

// repeats reports whether a parameter occurs twice that must not (RFC 6749
// section 3.2).
func (f form) repeats() bool {
	for i, p := range f {
		if slices.Contains(mayRepeat[:], p.name) {
			continue
		}
		for _, earlier := range f[:i] {
			if earlier.name == p.name {
				return true
			}
		}
	}
	return false
}
