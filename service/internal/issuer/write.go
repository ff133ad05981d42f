package issuer

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// write lets the press write the letter.
func (d *Desk) write(v *visit) *Refusal {
	if v.transaction() {
		return d.writeTransaction(v)
	}
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
	status, refusal := d.status(v)
	if refusal != nil {
		return refusal
	}
	v.id = mint.TokenIDAt(v.at)
	letter := mint.Letter{
		Audience: v.rule.Audience,
		Subject:  subject,
		Client:   v.who.Client,
		ID:       v.id,
		IssuedAt: v.at,
		Lifetime: v.rule.Lifetime.Truncate(time.Second),
		Scope:    v.rule.Scope,
		Tenant:   d.config.Tenant,

		Confirmation: v.cnf,

		MayAct: v.rule.MayAct, SingleUse: v.singleUse(), Details: v.granted, Status: status,
	}
	if v.task != nil {
		letter.Task = v.task.ID
	}
	if v.parent != nil {
		letter.Parent, letter.Lineage = v.parent.token.ID(), narrowcast.TokenID(v.parent.token.Describe().Lineage)
		letter.Actors = v.rule.Actors
	}
	token, err := press.Mint(letter)
	if err != nil {
		return &Refusal{Ground: Broken, Detail: err.Error()}
	}
	v.token = token
	return nil
}

// status takes a place in a status list, where the resource demands one.
func (d *Desk) status(v *visit) (place mint.Status, r *Refusal) {
	if !v.rule.StatusList {
		return place, nil
	}
	if d.config.Status != nil {
		place.URI, place.Index = d.config.Status.Next(v.rule.Audience)
	}
	if place.URI == "" {
		return place, &Refusal{Ground: Unavailable, Detail: "the resource demands a place in a status list, and there is none"}
	}
	return place, nil
}

// maxSubject is below what proxies allow for a header with a token in it. A
// SPIFFE ID may have 2048 bytes (SPIFFE-ID section 2.3).
const maxSubject = 2048

// subject is whom the token will speak of. What a foreign issuer wrote must be
// no token: it goes into the book.
func (v *visit) subject() (narrowcast.Subject, *Refusal) {
	subject := v.who.Subject
	switch {
	case v.parent != nil:
		return v.parent.token.Subject(), nil // RFC 8693 section 1.1: who is spoken of stays the same
	case subject == "":
		return narrowcast.Subject(v.who.Client), nil
	case len(subject) > maxSubject || holdsToken(string(subject)):
		return "", v.unaccepted("the subject is too long, or holds the text of a token")
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
	if d.config.Deaths != nil && d.config.Deaths.Judge(*issued.Token) == narrowcast.Revoked {
		return d.turnAway(ctx, v, &Refusal{
			Ground: Unavailable, Detail: "a token made now would be dead: those of its client, its resource or its key were called back a moment ago",
		})
	}
	_, err = d.config.Ledger.Append(ctx, store.Entry{
		Event: issued, Once: slices.Concat(once, v.parent.spent()), Unless: v.parent.unless(), Running: v.running(),
	})
	switch {
	case errors.Is(err, store.ErrRevoked):
		return d.refuse(ctx, v, &Refusal{Ground: SubjectTokenRefused, Detail: "the subject token, or one that it came from, was called back in the meantime"})
	case errors.Is(err, store.ErrEnded) && v.parent != nil:
		return d.refuse(ctx, v, &Refusal{Ground: SubjectTokenRefused, Detail: "the task of the subject token is not running"})
	case errors.Is(err, store.ErrEnded):
		return d.refuse(ctx, v, &Refusal{Ground: TaskRefused, Detail: "the task is not running"})
	case errors.Is(err, store.ErrUsed):
		return d.again(ctx, v)
	case err != nil:
		return d.unkept(v, err)
	}
	return nil
}

func (v *visit) answer() Answer {
	kind, issued := "Bearer", ""
	if v.cnf.Key != "" {
		kind = "DPoP"
	}
	switch {
	case v.transaction():
		kind, issued = "N_A", TransactionTokenType
	case v.request.GrantType == TokenExchange:
		issued = AccessTokenType
	}
	return Answer{
		Token: v.token, ExpiresIn: int64(v.rule.Lifetime / time.Second), Scope: v.rule.Scope,
		Resource: v.rule.Audience, Cut: v.rule.Cut, ID: v.id, Client: v.who.Client, Decision: v.decision,
		Type: kind, IssuedType: issued, Exchanged: v.request.GrantType == TokenExchange,
		Details: v.granted, Survival: v.survival(),
	}
}
