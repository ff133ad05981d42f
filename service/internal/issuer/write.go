package issuer

import (
	"context"
	"errors"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// write lets the press write the letter.
func (d *Desk) write(v *visit) *Refusal {
	subject, refusal := v.subject()
	if refusal != nil {
		return refusal
	}
	if v.cnf, refusal = v.confirmation(); refusal != nil {
		return refusal
	}
	press := d.config.Press()
	if press == nil {
		return &Refusal{Ground: Unavailable, Detail: "there is no signing key"}
	}
	v.id = mint.TokenIDAt(v.at)
	token, err := press.Mint(mint.Letter{
		Audience: v.rule.Audience,
		Subject:  subject,
		Client:   v.who.Client,
		ID:       v.id,
		IssuedAt: v.at,
		Lifetime: v.rule.Lifetime.Truncate(time.Second),
		Scope:    v.rule.Scope,
		Tenant:   d.config.Tenant,

		Confirmation: v.cnf,
	})
	if err != nil {
		return &Refusal{Ground: Broken, Detail: err.Error()}
	}
	v.token = token
	return nil
}

// maxSubject is below what proxies allow for a header with a token in it. A
// SPIFFE ID may have 2048 bytes (SPIFFE-ID section 2.3).
const maxSubject = 2048

// subject is whom the token will speak of. What a foreign issuer wrote must be
// no token: it goes into the book.
func (v *visit) subject() (narrowcast.Subject, *Refusal) {
	subject := v.who.Subject
	switch {
	case subject == "":
		return narrowcast.Subject(v.who.Client), nil
	case len(subject) > maxSubject || holdsToken(string(subject)):
		return "", v.request.unaccepted("the subject is too long, or holds the text of a token")
	}
	return subject, nil
}

// keep puts the record into the book: law 5. Without it there is no answer.
func (d *Desk) keep(ctx context.Context, v *visit) *Refusal {
	once := v.once()
	if d.refusals.used(once, v.at) {
		return d.replayed(ctx, v)
	}
	issued, err := d.issued(v)
	if err != nil {
		return d.refuse(ctx, v, &Refusal{Ground: Broken, Detail: err.Error()})
	}
	_, err = d.config.Ledger.Append(ctx, store.Entry{Event: issued, Once: once})
	switch {
	case errors.Is(err, store.ErrUsed):
		return d.replayed(ctx, v)
	case err != nil:
		return d.unkept(v, err)
	}
	return nil
}

func (v *visit) answer() Answer {
	kind := "Bearer"
	if v.cnf.Key != "" {
		kind = "DPoP"
	}
	return Answer{
		Token: v.token, ExpiresIn: int64(v.rule.Lifetime / time.Second), Scope: v.rule.Scope,
		Resource: v.rule.Audience, Cut: v.rule.Cut, ID: v.id, Client: v.who.Client, Decision: v.decision,
		Type: kind, Exchanged: v.request.GrantType == TokenExchange,
	}
}
