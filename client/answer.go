package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// maxToken bounds a token's text, in bytes. Proxies refuse longer header lines.
const maxToken = 16 << 10

// read makes a Token of the issuer's answer (RFC 6749 section 5.1), if the
// answer is one that we asked for.
func (d *desk) read(body []byte, a ask, asked time.Time) (Token, error) {
	w := a.want
	members, err := readObject(body)
	if err != nil {
		return Token{}, fmt.Errorf("reading the answer: %w", err)
	}
	text := members.text("access_token")
	if !isToken68(text) {
		return Token{}, errors.New("the answer holds no access_token that could be sent (RFC 6750 section 2.1)")
	}
	if err := d.checkType(members.text("token_type"), text); err != nil {
		return Token{}, err
	}
	life, err := members.life()
	if err != nil {
		return Token{}, err
	}
	scope, err := members.granted(w.scope)
	if err != nil {
		return Token{}, err
	}
	confirmed, err := members.names(w.audience)
	if err != nil {
		return Token{}, err
	}
	if err := members.checkDetails(a.details); err != nil {
		return Token{}, err
	}
	if !confirmed && d.strict {
		return Token{}, errors.New("the answer does not say which resource the token is for, and Config.RequireConfirmation is set")
	}
	if err := checkAddress(text, w.audience); err != nil {
		return Token{}, err
	}
	expires := asked.Add(life - min(spare, life/10))
	return Token{text: &text, asked: w, scope: scope, expires: expires, confirmed: confirmed, bond: d.bond, survival: members.survival()}, nil
}

// ErrNotBound is wrapped when a token that is bound to the source's key was asked
// for and the issuer answered with a bearer token (RFC 9449 section 5).
var ErrNotBound = errors.New("the token is not bound to the key of this source")

// checkType demands the kind of token that was asked for. A token that can be read
// must say itself that it is bound.
func (d *desk) checkType(kind, text string) error {
	switch {
	case d.bond == nil && strings.EqualFold(kind, "Bearer"):
		return nil
	case d.bond == nil:
		return errors.New("the answer's token_type is not Bearer")
	case strings.EqualFold(kind, "Bearer"):
		return fmt.Errorf("the answer's token_type is Bearer: %w", ErrNotBound)
	case !strings.EqualFold(kind, "DPoP"):
		return errors.New("the answer's token_type is not DPoP")
	}
	if claimed, err := narrowcast.Inspect(text); err == nil && !claimed.Bound {
		return fmt.Errorf("the token has no cnf: %w", ErrNotBound)
	}
	return nil
}

// life reads expires_in. An answer without it says nothing about how long the
// token may be kept, so it is refused.
func (m object) life() (time.Duration, error) {
	seconds := int64(m.seconds("expires_in") / time.Second)
	if seconds < 0 {
		return 0, errors.New("the answer's expires_in is missing or not a whole number of seconds")
	}
	most := int64(narrowcast.CeilingMaxLifetime / time.Second)
	if seconds < 1 || seconds > most {
		return 0, fmt.Errorf("the answer's expires_in is %d; between 1 and %d seconds are believed", seconds, most)
	}
	return time.Duration(seconds) * time.Second, nil
}

// granted reads scope, which is absent when all that was asked is granted (RFC
// 6749 section 5.1). More than was asked is refused: nothing widens.
func (m object) granted(asked narrowcast.Scope) (narrowcast.Scope, error) {
	if _, given := m["scope"]; !given {
		return asked, nil
	}
	granted, err := narrowcast.ParseScope(m.text("scope"))
	if err != nil {
		return narrowcast.Scope{}, errors.New("the answer's scope is malformed")
	}
	if !asked.IsZero() && !asked.Covers(granted) {
		return narrowcast.Scope{}, errors.New("the answer grants a scope that was not asked for")
	}
	return granted, nil
}

// names reads resource, which some issuers send as a string and some as a list.
// It must be exactly the resource that was asked for, and no other beside it.
func (m object) names(audience narrowcast.Audience) (confirmed bool, err error) {
	raw, given := m["resource"]
	if !given {
		return false, nil
	}
	var one string
	if json.Unmarshal(raw, &one) != nil {
		var many []string
		if json.Unmarshal(raw, &many) != nil || len(many) != 1 {
			return false, fmt.Errorf("the answer does not name exactly one resource: %w", ErrOtherResource)
		}
		one = many[0]
	}
	if !audience.Names(one) {
		return false, fmt.Errorf("the answer names %q: %w", harmless(one, 200, nil), ErrOtherResource)
	}
	return true, nil
}

// ErrOtherResource is wrapped when the issuer answered with a token for another
// resource than the one that was asked for, or for several.
var ErrOtherResource = errors.New("the token is not for the resource that was asked for, or not for it alone")

// checkAddress looks into a token that can be read. A token that opens another
// door too is never handed out.
func checkAddress(text string, audience narrowcast.Audience) error {
	claimed, err := narrowcast.Inspect(text)
	if err != nil || claimed.Audience == nil {
		return nil // opaque to us; the resource server decides
	}
	if len(claimed.Audience) != 1 || !audience.Names(claimed.Audience[0]) {
		return fmt.Errorf("the token is addressed to %q: %w", claimed.Audience, ErrOtherResource)
	}
	return nil
}

// isToken68 reports whether a text can stand behind "Bearer " (RFC 6750 section 2.1).
func isToken68(text string) bool {
	body := strings.TrimRight(text, "=")
	if body == "" || len(text) > maxToken {
		return false
	}
	for i := 0; i < len(body); i++ {
		c := body[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && strings.IndexByte("-._~+/", c) < 0 {
			return false
		}
	}
	return true
}

// object are the members of one JSON object, names in exact case. The decoder
// of the standard library would match them in any case and keep the last of two.
type object map[string]json.RawMessage

const maxMembers = 256

func readObject(body []byte) (object, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, errors.New("it is not a JSON object")
	}
	members := make(object)
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, errors.New("it is not well-formed JSON")
		}
		key, _ := name.(string)
		if _, again := members[key]; again || len(members) == maxMembers {
			return nil, errors.New("it repeats a member or has too many")
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, errors.New("it is not well-formed JSON")
		}
		members[key] = slices.Clone(value)
	}
	if _, err := d.Token(); err != nil || len(bytes.TrimSpace(body[d.InputOffset():])) > 0 {
		return nil, errors.New("it is not one JSON object")
	}
	return members, nil
}

// text returns a string member, or "" when it is absent or not a string.
func (m object) text(name string) string {
	var s string
	if json.Unmarshal(m[name], &s) != nil {
		return ""
	}
	return s
}

// seconds returns a member that is a whole number of seconds, and less than zero
// when it is not one.
func (m object) seconds(name string) time.Duration {
	var n int64
	if json.Unmarshal(m[name], &n) != nil || n > math.MaxInt64/int64(time.Second) || n < 0 {
		return -time.Second
	}
	return time.Duration(n) * time.Second
}
