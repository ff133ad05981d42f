package narrowcast

import (
	"encoding/hex"
	"fmt"
	"slices"
	"time"
)

// Token is an access token that a [Verifier] accepted for its one resource.
// Only a verifier makes one; it cannot be altered and does not hold the text of
// the token, so printing it gives nothing away.
type Token struct {
	c      claims
	key    KeyID
	issuer Issuer
	aud    Audience
	scope  Scope
	until  time.Time // when the key's window closes, if it does
	by     *trusted  // whose keys counted
	odd    oddities  // of a foreign dialect
}

// Issuer returns the iss claim, or the trust domain of a JWT-SVID.
func (t *Token) Issuer() Issuer { return t.issuer }

// Audience returns the resource that the token was accepted for.
func (t *Token) Audience() Audience { return t.aud }

// Subject returns the sub claim.
func (t *Token) Subject() Subject { return Subject(t.c.subject) }

// ClientID returns the client_id claim (RFC 9068 section 2.2), or what stands
// for it in the dialect of the issuer.
func (t *Token) ClientID() ClientID { return ClientID(t.c.client) }

// ID returns the jti claim.
func (t *Token) ID() TokenID { return TokenID(t.c.id) }

// Scope returns the scope claim, or what stands for it in the dialect of the
// issuer.
func (t *Token) Scope() Scope { return t.scope }

// Tenant returns the tenant that the token speaks for, or "".
func (t *Token) Tenant() string { return t.c.tenant }

// Environment returns the environment claim, or "".
func (t *Token) Environment() string { return t.c.environment }

// Task returns the id of the task that the token belongs to, or "".
func (t *Token) Task() TaskID { return TaskID(t.c.task) }

// Parent returns the id of the token that this one was exchanged for, or "".
func (t *Token) Parent() TokenID {
	if t.c.more == nil {
		return ""
	}
	return TokenID(t.c.more.parent)
}

// Actors returns who acts for the subject, the current one first and those
// before it behind (claim act, RFC 8693 section 4.1). Only the first one may
// decide about anything; the others are history.
func (t *Token) Actors() []Subject {
	if t.c.more == nil {
		return nil
	}
	return slices.Clone(t.c.more.actors)
}

// MayAct returns who alone may act for the subject (claim may_act, RFC 8693
// section 4.4), or "" when the token does not say.
func (t *Token) MayAct() Subject {
	if t.c.more == nil {
		return ""
	}
	return Subject(t.c.more.mayAct)
}

// SingleUse reports whether the token is good for one request.
func (t *Token) SingleUse() bool { return t.c.more != nil && t.c.more.singleUse }

// IssuedAt returns the iat claim, or the zero time.
func (t *Token) IssuedAt() time.Time { return t.c.iat.time() }

// Expires returns the exp claim.
func (t *Token) Expires() time.Time { return t.c.exp.time() }

// KeyID returns the id of the key that signed the token.
func (t *Token) KeyID() KeyID { return t.key }

// Fingerprint returns the SHA-256 of the token's text.
func (t *Token) Fingerprint() Fingerprint { return t.c.fingerprint }

// Claim returns the JSON text of any claim of the token. A string claim comes
// without quotes and with its escapes resolved.
func (t *Token) Claim(name string) (value string, ok bool) { return t.c.raw(name) }

// Describe returns what the token says, for logs and events.
func (t *Token) Describe() Claimed { return t.c.describe() }

// String names the token without giving it away.
func (t *Token) String() string {
	if t == nil || t.aud.IsZero() {
		return "no token"
	}
	return fmt.Sprintf("token %s for %s", t.c.id, t.aud)
}

// GoString is String, so that %#v gives nothing away either.
func (t *Token) GoString() string { return t.String() }

// Fingerprint is the SHA-256 of a token's text. It finds a token again without
// being one.
type Fingerprint [32]byte

// String returns the fingerprint in hexadecimal.
func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// IsZero reports whether f is the fingerprint of nothing.
func (f Fingerprint) IsZero() bool { return f == Fingerprint{} }

// MarshalText writes the fingerprint in hexadecimal.
func (f Fingerprint) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads 64 hexadecimal digits.
func (f *Fingerprint) UnmarshalText(b []byte) error {
	if len(b) != 2*len(f) {
		return fmt.Errorf("fingerprint: needs %d hexadecimal digits, has %d", 2*len(f), len(b))
	}
	_, err := hex.Decode(f[:], b)
	return err
}
