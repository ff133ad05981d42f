package incident

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// exact is a detail of the type narrowcast.RequestDetail, as far as it is needed
// to make the request that it describes.
type exact struct {
	Type   string `json:"type"`
	Method string `json:"method"`
	Target string `json:"target"`
	Digest string `json:"digest"`
}

// requestOf returns the one request that a token is for, or nil. The verifier
// reads the details itself; this only knocks as its rightful holder would.
func requestOf(text string) *narrowcast.Request {
	_, rest, _ := strings.Cut(text, ".")
	payload, _, _ := strings.Cut(rest, ".")
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	var claims map[string]json.RawMessage
	if err != nil || json.Unmarshal(raw, &claims) != nil {
		return nil
	}
	var details []exact
	_ = json.Unmarshal(claims["authorization_details"], &details) // what cannot be read is refused by every verifier
	for _, d := range details {
		if d.Type == narrowcast.RequestDetail {
			return &narrowcast.Request{Method: d.Method, Target: d.Target, Digest: d.sum}
		}
	}
	return nil
}

func (d exact) sum() (sum [sha256.Size]byte, err error) {
	if d.Digest == "" {
		return sha256.Sum256(nil), nil
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(strings.TrimPrefix(d.Digest, "sha-256=:"), ":"))
	copy(sum[:], raw)
	return sum, err
}

// unused takes every use for the first one: nobody here asks, and nothing is used
// up.
type unused struct{}

// Use allows.
func (unused) Use(context.Context, *narrowcast.Token) narrowcast.Reason { return 0 }

// bounded is why a door that would take the token may not have taken it from
// whoever found it.
func (q *question) bounded() string {
	switch {
	case q.said.SingleUse:
		return "; it is good for one use, and whether that was made is not known here"
	case q.request != nil:
		return "; it opens for one exact request, and nothing else"
	}
	return ""
}
