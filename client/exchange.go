package client

import (
	"context"
	"errors"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// What an exchange of our own asks for (RFC 8693 sections 2.1 and 3).
const (
	exchangeGrant   = "urn:ietf:params:oauth:grant-type:token-exchange"
	accessTokenType = "urn:ietf:params:oauth:token-type:access_token"
)

var (
	errNoSubject = errors.New("client: there is no token to exchange")
	errBorrowed  = errors.New("this way of authentication brings a token of its own; exchange with a key, a secret or a certificate of the client")
)

// Exchange asks for a token for one resource on behalf of whom subject speaks of
// (RFC 8693). subject is the text of an access token that was addressed to this
// client's own resource server; nobody else may exchange it. What comes back
// keeps the subject, names this client as the actor, and has no more scope and no
// longer life.
//
// It is kept and fetched anew like any other token, for this one subject token.
// It goes nowhere but to the issuer.
func (s *Source) Exchange(ctx context.Context, subject string, audience narrowcast.Audience, scope narrowcast.Scope) (Token, error) {
	if !isToken68(subject) {
		return Token{}, errNoSubject
	}
	return s.keptOrFetched(ctx, ask{
		want: want{audience: audience, scope: scope, subject: narrowcast.FingerprintOf(subject)}, subject: subject,
	})
}

// TokenFor asks for a token with authorization details (RFC 9396 section 5): a
// JSON array of objects, each with a type. Details of the type
// urn:narrowcast:request make it a token for one exact request. It is not kept. An
// answer that does not grant these details, or grants others, is an error.
func (s *Source) TokenFor(ctx context.Context, audience narrowcast.Audience, scope narrowcast.Scope, details string) (Token, error) {
	if s == nil || s.desk == nil {
		return Token{}, errNoSource
	}
	if audience.IsZero() {
		return Token{}, errNoAudience
	}
	return s.desk.ask(ctx, ask{want: want{audience: audience, scope: scope}, details: details})
}

// Survival is how long a token may be accepted at most after it was called back,
// or its task was cut off: what the issuer said with it. The zero Survival says
// nothing.
type Survival struct {
	Connected time.Duration // by verifiers that follow the feed
	Stale     time.Duration // by those whose feed is late
	Offline   time.Duration // by those that follow none
}

// Survival returns what the issuer said with the token.
func (t Token) Survival() Survival { return t.survival }

func (m object) survival() Survival {
	said, err := readObject(m["worst_case_survival"])
	if err != nil {
		return Survival{}
	}
	of := func(name string) time.Duration { return max(0, said.seconds(name)) }
	return Survival{Connected: of("connected"), Stale: of("stale"), Offline: of("offline")}
}
