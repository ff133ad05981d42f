package issuer

import (
	"context"
	"errors"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// visit is one request on its way through the house.
type visit struct {
	request  Request
	who      Identity
	decision string
	sequence uint64 // of its record; 0 before there is one
	at       time.Time
	asked    string // the resource asked for, once it is known to be no secret
	rule     policy.Decision
	token    string
	id       narrowcast.TokenID
}

// Grant answers a token request. The token is handed over only after the book
// has kept its record. The error is always a *Refusal.
func (d *Desk) Grant(ctx context.Context, r Request) (Answer, error) {
	if d == nil || d.config.Ledger == nil {
		return Answer{}, &Refusal{Ground: Broken, Detail: "the desk was never configured"}
	}
	v := d.open(r)
	r.Credentials.Peer = r.From.Peer
	who, err := d.config.Authenticator.Authenticate(ctx, r.Credentials)
	if err != nil {
		return Answer{}, d.turnAway(ctx, v, refusalOf(err))
	}
	v.who = who
	if refusal := d.decide(v); refusal != nil {
		return Answer{}, d.refuse(ctx, v, refusal)
	}
	if refusal := d.write(v); refusal != nil {
		return Answer{}, d.refuse(ctx, v, refusal)
	}
	if refusal := d.keep(ctx, v); refusal != nil {
		return Answer{}, refusal
	}
	d.counts.issued.Add(1)
	return v.answer(), nil
}

// TurnAway records a request that was refused before it could be read, under
// the bounds of requests by nobody in particular. It returns r with its
// decision id.
func (d *Desk) TurnAway(ctx context.Context, request Request, r *Refusal) *Refusal {
	if d == nil || d.config.Ledger == nil {
		return &Refusal{Ground: Broken, Detail: "the desk was never configured"}
	}
	return d.turnAway(ctx, d.open(request), r)
}

func (d *Desk) open(r Request) *visit {
	at := d.config.Now()
	return &visit{request: r, at: at, decision: string(mint.TokenIDAt(at))}
}

func refusalOf(err error) *Refusal {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return refusal
	}
	return &Refusal{Ground: Unavailable, Detail: "authenticating the client: " + err.Error()}
}

// decide finds the grant and asks the rules. Exchange and jwt-bearer become
// further cases; whatever they decide walks the same road afterwards.
func (d *Desk) decide(v *visit) *Refusal {
	switch v.request.GrantType {
	case "":
		return &Refusal{Ground: GrantMissing}
	case "client_credentials":
		return d.clientCredentials(v)
	}
	return &Refusal{Ground: GrantUnsupported, Detail: "grant type " + registered(v.request.GrantType)}
}

// registered names a grant type that others know. Anything else may be a secret
// in the wrong field and is not repeated.
func registered(grant string) string {
	switch grant {
	case "authorization_code", "implicit", "password", "refresh_token",
		"urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:grant-type:jwt-bearer",
		"urn:ietf:params:oauth:grant-type:saml2-bearer", "urn:ietf:params:oauth:grant-type:device_code":
		return grant
	}
	return "that nobody registered"
}

// write lets the press write the letter.
func (d *Desk) write(v *visit) *Refusal {
	v.id = mint.TokenIDAt(v.at)
	press := d.config.Press()
	if press == nil {
		return &Refusal{Ground: Unavailable, Detail: "there is no signing key"}
	}
	token, err := press.Mint(mint.Letter{
		Audience: v.rule.Audience,
		Subject:  narrowcast.Subject(v.who.Client),
		Client:   v.who.Client,
		ID:       v.id,
		IssuedAt: v.at,
		Lifetime: v.rule.Lifetime.Truncate(time.Second),
		Scope:    v.rule.Scope,
	})
	if err != nil {
		return &Refusal{Ground: Broken, Detail: err.Error()}
	}
	v.token = token
	return nil
}

// keep puts the record into the book: law 5. Without it there is no answer.
func (d *Desk) keep(ctx context.Context, v *visit) *Refusal {
	if d.refusals.used(v.who.Once, v.at) {
		return d.turnAway(ctx, v, v.replayed())
	}
	issued, err := d.issued(v)
	if err != nil {
		return d.refuse(ctx, v, &Refusal{Ground: Broken, Detail: err.Error()})
	}
	_, err = d.config.Ledger.Append(ctx, store.Entry{Event: issued, Once: v.who.Once})
	switch {
	case errors.Is(err, store.ErrUsed):
		return d.turnAway(ctx, v, v.replayed())
	case err != nil:
		return d.unkept(v, err)
	}
	return nil
}

func (v *visit) answer() Answer {
	return Answer{
		Token: v.token, ExpiresIn: int64(v.rule.Lifetime / time.Second), Scope: v.rule.Scope,
		Resource: v.rule.Audience, Cut: v.rule.Cut, ID: v.id, Client: v.who.Client, Decision: v.decision,
	}
}
