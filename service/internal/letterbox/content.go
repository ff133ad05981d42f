package letterbox

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// content is what a letter says about its sender and its one request. It is read
// before anybody has looked at the signature, and serves to ask the verifier about
// that very text: whatever a stranger writes here, his signature is still wrong.
type content struct {
	Confirmation struct {
		Key         string `json:"jkt"`
		Certificate string `json:"x5t#S256"`
	} `json:"cnf"`
	Details []json.RawMessage `json:"authorization_details"`
}

// request is a detail of our own type. What others call method or target may be
// anything.
type request struct {
	Type   string `json:"type"`
	Method string `json:"method"`
	Target string `json:"target"`
	Digest string `json:"digest"`
}

func contentOf(text string) (c content) {
	_, rest, _ := strings.Cut(text, ".")
	payload, _, _ := strings.Cut(rest, ".")
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil || json.Unmarshal(raw, &c) != nil {
		return content{}
	}
	return c
}

// shownBySender is how the sender would show the letter.
func (c *content) shownBySender() narrowcast.Presentation {
	p := narrowcast.Presentation{Certificate: c.Confirmation.Certificate}
	if key := c.Confirmation.Key; key != "" {
		p.Prove = func() (string, narrowcast.Reason) { return key, 0 }
	}
	return p
}

// readWith is p in the one request that the letter is for, if there is one. A
// proof of possession beside a letter that is bound to no key is about something
// else and is left out.
func (c *content) readWith(p narrowcast.Presentation) narrowcast.Presentation {
	if c.Confirmation.Key == "" {
		p.Prove = nil
	}
	for _, raw := range c.Details {
		var d request
		if json.Unmarshal(raw, &d) == nil && d.Type == narrowcast.RequestDetail {
			p.Request = &narrowcast.Request{
				Method: d.Method, Target: d.Target,
				Digest: func() ([sha256.Size]byte, error) { return digest(d.Digest) },
			}
			break
		}
	}
	return p
}

// digest reads the one form that a letter may hold (RFC 9530); absent means no
// content.
func digest(text string) (sum [sha256.Size]byte, err error) {
	if text == "" {
		return sha256.Sum256(nil), nil
	}
	text = strings.TrimSuffix(strings.TrimPrefix(text, "sha-256=:"), ":")
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) != sha256.Size {
		return sum, errors.New("not a digest")
	}
	return [sha256.Size]byte(raw), nil
}
