package guard

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// Limits on what is read of a request before it is authenticated, in bytes.
const (
	maxAuthorization = 32 << 10
	maxFormPeek      = 8 << 10
)

// credentials returns the token of the one place where it may be: a single
// Authorization header with scheme Bearer (RFC 6750 section 2.1), or DPoP where
// that is offered (RFC 9449 section 7.1). A token in the query is refused even
// when a good one is in the header, because tokens in that place end up in logs.
func (k *knock) credentials(offersDPoP bool) (text string, rej *narrowcast.Rejection) {
	switch {
	case k.fault != "":
		return "", malformed(k.fault)
	case len(k.authorization) > 1:
		return "", malformed("more than one Authorization header")
	case queryCarriesToken(k.query):
		return "", malformed("a token in the query")
	case len(k.authorization) == 0:
		return "", &narrowcast.Rejection{Reason: narrowcast.TokenMissing}
	}
	return k.tokenOf(k.authorization[0], offersDPoP)
}

// tokenOf reads one header. Another scheme is no token of ours and gets the
// bare challenge (RFC 6750 section 3.1). The detail never repeats the scheme: in
// a header without one, the first word is the token.
func (k *knock) tokenOf(header string, offersDPoP bool) (string, *narrowcast.Rejection) {
	if len(header) > maxAuthorization {
		return "", &narrowcast.Rejection{Reason: narrowcast.TooLarge}
	}
	scheme, text, _ := strings.Cut(header, " ")
	k.shown.scheme = strings.EqualFold(scheme, "DPoP")
	if k.shown.scheme && !offersDPoP {
		k.shown.scheme = false
		return "", &narrowcast.Rejection{Reason: narrowcast.TokenMissing, Detail: "scheme DPoP is not supported"}
	}
	if !k.shown.scheme && !strings.EqualFold(scheme, "Bearer") {
		return "", &narrowcast.Rejection{Reason: narrowcast.TokenMissing, Detail: "the scheme is not Bearer"}
	}
	return strings.Trim(text, " \t"), nil
}

func malformed(detail string) *narrowcast.Rejection {
	return &narrowcast.Rejection{Reason: narrowcast.RequestMalformed, Detail: detail}
}

// queryCarriesToken looks for access_token in a query or in a form. It reads the
// text itself, because url.ParseQuery drops pairs that other parsers accept.
func queryCarriesToken(raw string) bool {
	for raw != "" {
		var pair string
		if i := strings.IndexAny(raw, "&;"); i >= 0 {
			pair, raw = raw[:i], raw[i+1:]
		} else {
			pair, raw = raw, ""
		}
		name, _, _ := strings.Cut(pair, "=")
		if decoded, err := url.QueryUnescape(name); err == nil {
			name = decoded
		}
		if strings.EqualFold(strings.TrimSpace(name), "access_token") {
			return true
		}
	}
	return false
}

// carriesForm looks for a token at the beginning of a form body, and makes the
// body whole again. Other bodies are not touched. A token further inside is not
// noticed and not used either.
func (k *knock) carriesForm() bool {
	r := k.request
	if r.Body == nil || r.Body == http.NoBody || !isForm(r.Header.Get("Content-Type")) {
		return false
	}
	head, err := io.ReadAll(io.LimitReader(r.Body, maxFormPeek))
	rest := io.Reader(r.Body)
	if err != nil {
		rest = failing{err}
	}
	copied := *r
	copied.Body = rejoined{io.MultiReader(bytes.NewReader(head), rest), r.Body}
	k.request = &copied
	return queryCarriesToken(string(head))
}

func isForm(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(media), "application/x-www-form-urlencoded")
}

type rejoined struct {
	io.Reader
	io.Closer
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
