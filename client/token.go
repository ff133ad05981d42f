package client

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// Token is an access token for exactly one resource. It does not print itself:
// fmt, log/slog and encoding/json show for whom it is and never its text. The
// zero Token opens nothing.
type Token struct {
	// A pointer, because reflection prints the fields of a struct that holds a
	// Token in an unexported field without asking Format; of a nested pointer it
	// prints the address.
	text      *string
	asked     want
	scope     narrowcast.Scope
	expires   time.Time
	confirmed bool
	survival  Survival
	bond      *bond // nil for a token that is bound to no key of ours
}

// Audience returns the one resource that the token is for.
func (t Token) Audience() narrowcast.Audience { return t.asked.audience }

// Scope returns what the issuer granted: what was asked, or less. It is zero
// when the issuer was left to choose and did not say.
func (t Token) Scope() narrowcast.Scope { return t.scope }

// Expires returns until when the token is used, by this side's clock: a little
// less than the issuer said, because a request takes time to arrive.
func (t Token) Expires() time.Time { return t.expires }

// Confirmed reports that the issuer's answer named the resource that the token
// is for. RFC 8707 has no such member, so many issuers leave it out.
func (t Token) Confirmed() bool { return t.confirmed }

// IsZero reports whether t is no token.
func (t Token) IsZero() bool { return t.text == nil }

// Fingerprint returns the SHA-256 of the token's text.
func (t Token) Fingerprint() narrowcast.Fingerprint {
	if t.text == nil {
		return narrowcast.Fingerprint{}
	}
	return narrowcast.FingerprintOf(*t.text)
}

// Secret returns the text of the token, for callers that do not speak HTTP. It
// is a secret: give it to Audience and to nobody else.
func (t Token) Secret() string {
	if t.text == nil {
		return ""
	}
	return *t.text
}

// Bound reports that the token is bound to the key of its source: every request
// carries a proof (RFC 9449).
func (t Token) Bound() bool { return t.bond != nil }

// Errors of requests that carry already what a token would put there. Nothing is
// overwritten.
var (
	ErrAuthorizationSet = errors.New("the request carries an Authorization header already")
	ErrProofSet         = errors.New("the request carries a DPoP header already")
)

// Authorize puts the token on a request (RFC 6750 section 2.1), and for a token
// that is bound to a key the proof for this one request (RFC 9449 section 7.1). It
// is for callers who know where the request goes; Transport finds that out itself.
func (t Token) Authorize(req *http.Request) error {
	if t.text == nil {
		return errors.New("client: there is no token")
	}
	if carries(req, "Authorization") {
		return fmt.Errorf("client: %w", ErrAuthorizationSet)
	}
	if req.Header == nil {
		req.Header = make(http.Header)
	}
	if t.bond == nil {
		req.Header.Set("Authorization", "Bearer "+*t.text)
		return nil
	}
	if carries(req, "DPoP") {
		return fmt.Errorf("client: %w", ErrProofSet)
	}
	if req.URL == nil {
		return errors.New("client: the request has no URL")
	}
	proof, err := t.bond.proof(req.Method, req.URL, *t.text, origin(req.URL))
	if err != nil {
		return fmt.Errorf("client: %w", err)
	}
	req.Header.Set("Authorization", "DPoP "+*t.text)
	req.Header.Set("DPoP", proof)
	return nil
}

// Answered keeps the nonce that a resource server wants to see in the next proof
// (RFC 9449 section 8.2), and reports whether the server refused the request only
// for want of one: then it may be authorized anew and sent once more. Transport
// does this itself.
func (t Token) Answered(req *http.Request, resp *http.Response) (again bool) {
	if t.bond == nil || req.URL == nil || resp == nil {
		return false
	}
	return t.bond.learn(origin(req.URL), resp.Header) && wantsNonce(resp)
}

// carries looks at names in any case: a map can hold them all.
func carries(req *http.Request, header string) bool {
	for name := range req.Header {
		if strings.EqualFold(name, header) {
			return true
		}
	}
	return false
}

// spare is taken off the end of every token's life, or a tenth if that is less.
const spare = 10 * time.Second

func (t Token) usable(now time.Time) bool {
	return t.text != nil && now.Before(t.expires)
}

// String says for whom the token is.
func (t Token) String() string {
	if t.text == nil {
		return "no token"
	}
	return "token for " + t.asked.audience.String()
}

// GoString is String.
func (t Token) GoString() string { return t.String() }

// Format writes String for every verb.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// MarshalText writes String, not the token.
func (t Token) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// LogValue shows the resource and the end of the token's life.
func (t Token) LogValue() slog.Value {
	if t.text == nil {
		return slog.StringValue("no token")
	}
	return slog.GroupValue(
		slog.String("audience", t.asked.audience.String()),
		slog.Time("expires", t.expires),
		slog.String("sha256", t.Fingerprint().String()),
	)
}
