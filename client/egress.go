package client

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// EgressError says that a request was about to carry a token to somebody it is
// not addressed to. It holds no token.
type EgressError struct {
	Where       string              // the header, or the URL
	Expected    narrowcast.Audience // of the destination; zero when it has none
	Received    []string            // the token's audience; nil when it names none
	Near        string              // how the two differ when they almost fit
	Fingerprint narrowcast.Fingerprint
}

// Error names both audiences and where the token stood.
func (e *EgressError) Error() string {
	s := fmt.Sprintf("the request carries a token for %s in %s", harmless(strings.Join(e.Received, " "), 400, nil), e.Where)
	if e.Received == nil {
		s = "the request carries a token without an audience in " + e.Where
	}
	if e.Expected.IsZero() {
		return s + ", and its destination is no known resource"
	}
	s += ", and goes to " + e.Expected.String()
	if e.Near != "" {
		s += " (" + e.Near + ")"
	}
	return s
}

// ErrTooManyParts is returned for a request with more header fields, cookies
// and query parameters than are looked at.
var ErrTooManyParts = errors.New("the request has too many header fields or parameters to look at")

// maxParts bounds the words that are looked at in one request.
const maxParts = 1000

// CheckEgress looks for JWTs in the header and the query of a request that is
// about to leave, whoever issued them, and returns an *EgressError for the first
// one whose aud is not exactly the audience of the destination (RFC 7519 section
// 4.1.3). Under the zero Audience every JWT is one too many. Bodies are not read.
// A DPoP proof (RFC 9449) is passed over: it has no audience and opens nothing. So
// is a JWT without audience in a cookie: the destination itself set it there.
//
// Nothing is verified: a token that claims to be for the destination may go
// there, where it will be checked.
func CheckEgress(req *http.Request, audience narrowcast.Audience) error {
	left := maxParts
	for name, values := range req.Header {
		if textproto.CanonicalMIMEHeaderKey(name) == "Dpop" {
			continue
		}
		for _, value := range values {
			if err := checkWords(value, "header "+harmless(name, 40, nil), audience, &left); err != nil {
				return err
			}
		}
	}
	if req.URL == nil {
		return nil
	}
	uri := req.URL.RequestURI()
	if plain, err := url.PathUnescape(uri); err == nil {
		uri = plain
	}
	return checkWords(uri, "the URL", audience, &left)
}

// checkWords looks at everything in a value that could be a JWT.
func checkWords(value, where string, audience narrowcast.Audience, left *int) error {
	for word := range strings.FieldsFuncSeq(value, outsideJWT) {
		if *left--; *left < 0 {
			return ErrTooManyParts
		}
		if strings.Count(word, ".") != 2 {
			continue
		}
		claimed, err := narrowcast.Inspect(word)
		if err != nil && !knownShape(err) {
			continue
		}
		if len(claimed.Audience) == 1 && audience.Names(claimed.Audience[0]) {
			continue
		}
		if claimed.Audience == nil && where == "header Cookie" && !audience.IsZero() {
			continue
		}
		return misaddressed(claimed, where, audience)
	}
	return nil
}

// outsideJWT reports whether c cannot be part of a JWT in compact form.
func outsideJWT(c rune) bool {
	return (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' && c != '_' && c != '.'
}

// knownShape reports whether a text that Inspect refuses is still a JWS: its
// header asks for something that our verifier does not do, or a name is doubled.
func knownShape(err error) bool {
	var rej *narrowcast.Rejection
	return errors.As(err, &rej) && slices.Contains([]narrowcast.Reason{
		narrowcast.CriticalHeader, narrowcast.EmbeddedKey, narrowcast.DuplicateMember}, rej.Reason)
}

func misaddressed(claimed narrowcast.Claimed, where string, audience narrowcast.Audience) error {
	e := &EgressError{Where: where, Expected: audience, Received: claimed.Audience, Fingerprint: claimed.Fingerprint}
	for _, received := range claimed.Audience {
		if e.Near = narrowcast.Difference(audience, received); e.Near != "" {
			break
		}
	}
	return e
}
