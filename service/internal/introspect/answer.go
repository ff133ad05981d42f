package introspect

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/mint"
)

// Answer is what a client is told about a token.
type Answer struct {
	Active   bool
	Client   narrowcast.ClientID // who asked
	Decision string              // finds the record again
	Body     []byte              // the answer of RFC 7662 section 2.2, JSON
}

// inactive is all that anybody learns about a token that does not count, or is
// none of his (RFC 7662 section 2.2 and 4).
const inactive = `{"active":false}`

// facts are the members of an active answer (RFC 7662 section 2.2), with cnf (RFC
// 8705 section 3.2, RFC 9449 section 6.2), act and may_act (RFC 8693 sections 4.1 and 4.4)
// and authorization_details (RFC 9396 section 9.2).
type facts struct {
	Active  bool            `json:"active"`
	Scope   string          `json:"scope,omitempty"`
	Client  string          `json:"client_id"`
	Type    string          `json:"token_type"`
	Expires int64           `json:"exp"`
	Issued  int64           `json:"iat"`
	NotYet  json.RawMessage `json:"nbf,omitempty"`
	Subject string          `json:"sub"`
	Aud     string          `json:"aud"`
	Issuer  string          `json:"iss"`
	ID      string          `json:"jti"`
	Bound   json.RawMessage `json:"cnf,omitempty"`
	Actor   json.RawMessage `json:"act,omitempty"`
	Details json.RawMessage `json:"authorization_details,omitempty"`
	Task    string          `json:"task,omitempty"`
	MayAct  json.RawMessage `json:"may_act,omitempty"`
	Single  bool            `json:"single_use,omitempty"` // whoever asks here has to remember that it was used
}

// Introspect answers a question about a token. The error is always an
// *issuer.Refusal.
func (d *Desk) Introspect(ctx context.Context, r Request) (Answer, error) {
	decision := string(mint.NewTokenID())
	a, err := d.open(ctx, r, decision)
	if err != nil {
		return Answer{}, err
	}
	answer := Answer{Client: a.who.Client, Decision: decision, Body: []byte(inactive)}
	what := event.Presented
	switch {
	case a.known && !d.config.Concerns(a.who.Client, a.resource):
		what = event.OffTarget // RFC 7662 section 4, RFC 9701 section 5: it is not good at the caller
	case a.token == nil:
		what = event.Rejected
	default:
		if answer.Body, err = json.Marshal(factsOf(a.token)); err != nil {
			return Answer{}, broken(a, err)
		}
		answer.Active = true
	}
	if err := d.keep(ctx, a, what, "introspected by client "+string(a.who.Client)); err != nil {
		return Answer{}, err
	}
	return answer, nil
}

func factsOf(t *narrowcast.Token) facts {
	raw := func(name string) json.RawMessage {
		text, _ := t.Claim(name)
		return json.RawMessage(text)
	}
	f := facts{
		Active: true, Scope: t.Scope().String(), Client: string(t.ClientID()), Type: "Bearer",
		Expires: t.Expires().Unix(), Issued: t.IssuedAt().Unix(), NotYet: raw("nbf"),
		Subject: string(t.Subject()), Aud: t.Audience().String(), Issuer: t.Issuer().String(), ID: string(t.ID()),
		Bound: raw("cnf"), Actor: raw("act"), Details: raw("authorization_details"), Task: string(t.Task()),
		MayAct: raw("may_act"), Single: t.SingleUse(),
	}
	if strings.Contains(string(f.Bound), `"jkt"`) {
		f.Type = "DPoP" // RFC 9449 section 6.2
	}
	return f
}

// SignedType is the typ of a signed answer (RFC 9701 section 5).
const SignedType = "token-introspection+jwt"

// Signed returns an answer as a JWT for the client that asked. Members of the
// token stay inside token_introspection, so that the answer cannot pass for a
// token (RFC 9701 section 5).
func (d *Desk) Signed(a Answer) (string, error) {
	payload, err := json.Marshal(struct {
		Issuer string          `json:"iss"`
		Aud    string          `json:"aud"`
		Issued int64           `json:"iat"`
		Facts  json.RawMessage `json:"token_introspection"`
	}{d.config.Issuer.String(), string(a.Client), d.config.Now().Truncate(time.Second).Unix(), a.Body})
	if err != nil {
		return "", err
	}
	return d.config.Seal(SignedType, payload)
}
