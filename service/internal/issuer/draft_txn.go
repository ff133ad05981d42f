package issuer

import (
	"errors"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
)

// TransactionTokenType is what an exchange asks for that wants a transaction token
// (draft-ietf-oauth-transaction-tokens). There are no replacement tokens: a
// transaction token is no subject token here.
const TransactionTokenType = "urn:ietf:params:oauth:token-type:txn_token"

// MaxTransactionLife is the longest life of a transaction token.
const MaxTransactionLife = time.Minute

// DraftTransactionTokens are what the draft leaves to the service. A transaction
// token is for a whole trust domain, so it opens nothing by itself: its type is
// that of no access token, and it travels beside one that is for one resource.
type DraftTransactionTokens struct {
	// TrustDomain is the aud of the tokens. It must be no resource, and not the
	// issuer.
	TrustDomain narrowcast.Audience
	Lifetime    time.Duration // 1 s to MaxTransactionLife
	// Seal signs a statement that is no access token; mint.Press.Seal does.
	Seal func(typ string, payload []byte) (string, error)
}

func (t *DraftTransactionTokens) check(issuer narrowcast.Issuer) error {
	switch {
	case t == nil:
		return nil
	case t.TrustDomain.IsZero() || t.TrustDomain.Names(issuer.String()):
		return errors.New("DraftTransactionTokens.TrustDomain is required, and is not the issuer")
	case t.Lifetime < time.Second || t.Lifetime > MaxTransactionLife:
		return errors.New("DraftTransactionTokens.Lifetime must be between a second and " + MaxTransactionLife.String())
	case t.Seal == nil:
		return errors.New("DraftTransactionTokens.Seal is required")
	}
	return nil
}

// transaction reports whether the visit wants a transaction token.
func (v *visit) transaction() bool {
	return v.request.GrantType == TokenExchange && v.request.RequestedTokenType == TransactionTokenType
}

// offersTransaction refuses what the draft would allow and this house does not:
// tokens of anybody else as the subject token.
func (d *Desk) offersTransaction(v *visit) *Refusal {
	switch {
	case !v.transaction():
		return nil
	case d.config.DraftTransactionTokens == nil:
		return &Refusal{Ground: TokenTypeRefused, Detail: "requested_token_type is txn_token, and there are none here"}
	case !v.own:
		return &Refusal{Ground: TokenTypeRefused, Detail: "a transaction token is made from an access token of ours only"}
	}
	return nil
}

// askTransaction is ask for a transaction token: who may exchange the letter is
// up to the rules, and nothing widens.
func (d *Desk) askTransaction(v *visit) *Refusal {
	c := d.config.DraftTransactionTokens
	target, refusal := v.request.target()
	if refusal != nil {
		return refusal
	}
	v.asked = target
	rules := d.config.Rules()
	if rules == nil {
		return &Refusal{Ground: Unavailable, Detail: "no registry revision is in force"}
	}
	// They know no such resource, and say first what is wrong with the letter.
	v.rule = rules.Decide(policy.Request{Client: v.who.Client, Resource: c.TrustDomain.String(), At: v.at, Parent: d.behind(v), Actor: v.actor()})
	switch {
	case v.rule.Refusal != policy.InvalidTarget && v.rule.Audience.IsZero():
		return v.denied(target)
	case !v.rule.Audience.IsZero():
		return &Refusal{Ground: TargetRefused, Detail: "the trust domain is a resource as well"}
	case !c.TrustDomain.Names(target):
		return &Refusal{Ground: TargetRefused, Detail: "a transaction token is for the trust domain " + c.TrustDomain.String()}
	case v.request.Details != "":
		return &Refusal{Ground: DetailsRefused, Detail: "a transaction token has request_details, and no authorization_details"}
	}
	if refusal := v.limited(); refusal != nil {
		return refusal
	}
	v.rule = policy.Decision{Allowed: true, Audience: c.TrustDomain}
	return v.narrowTransaction(c)
}

// narrowTransaction keeps the scope and the life within those of the letter. A
// letter without a scope has none to hand on.
func (v *visit) narrowTransaction(c *DraftTransactionTokens) *Refusal {
	scope, err := narrowcast.ParseScope(v.request.Scope)
	if err != nil {
		return &Refusal{Ground: ScopeMalformed, Detail: "the scope is malformed"}
	}
	had := v.parent.token.Scope()
	if scope.IsZero() {
		scope = had
	}
	if scope.IsZero() || !had.Covers(scope) {
		return &Refusal{Ground: ScopeRefused, Detail: "the scope is not among those of the subject token"}
	}
	end := v.parent.token.Expires()
	if until := v.until(); !until.IsZero() && until.Before(end) {
		end = until
	}
	life := min(c.Lifetime, end.Sub(v.at).Truncate(time.Second))
	asked, ok := seconds(v.request.Lifetime)
	switch {
	case !ok:
		return &Refusal{Ground: LifetimeMalformed}
	case life < minLife:
		return &Refusal{Ground: LifetimeRefused, Detail: "what the transaction token would be based on ends now"}
	case asked > life:
		v.rule.Cut = true
	case asked > 0:
		life = asked
	}
	v.rule.Scope, v.rule.Lifetime = scope, life
	return nil
}
