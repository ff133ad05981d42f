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
	proof    Proof // of a key; zero when none came, or none is asked for
	decision string
	sequence uint64 // of its record; 0 before there is one
	at       time.Time
	asked    string // the resource asked for, once it is known to be no secret
	rule     policy.Decision
	cnf      mint.Confirmation
	token    string
	id       narrowcast.TokenID
	own      bool    // the subject token is one of our own
	parent   *parent // it, once it was read; nil when the client asks in its own name
	task     *store.Task
	details  []detail
	granted  string // authorization_details as they stand in the token
}

// Grant answers a token request. The token is handed over only after the book
// has kept its record. The error is always a *Refusal.
func (d *Desk) Grant(ctx context.Context, r Request) (Answer, error) {
	if d == nil || d.config.Ledger == nil {
		return Answer{}, &Refusal{Ground: Broken, Detail: "the desk was never configured"}
	}
	v := d.open(r)
	if refusal := d.authenticate(ctx, v); refusal != nil {
		return Answer{}, d.turnAway(ctx, v, refusal)
	}
	if refusal := d.admit(v); refusal != nil {
		return Answer{}, d.unadmitted(ctx, v, refusal)
	}
	if refusal := d.decide(ctx, v); refusal != nil {
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
	r.Credentials.Peer = r.From.Peer
	return &visit{request: r, at: at, decision: string(mint.TokenIDAt(at))}
}

func (d *Desk) authenticate(ctx context.Context, v *visit) *Refusal {
	if refusal := v.request.shaped(); refusal != nil {
		return refusal
	}
	shown := v.request.Credentials
	if v.own = d.ours(&v.request); v.own {
		if v.request.SubjectTokenType == IDTokenType {
			return &Refusal{Ground: TokenTypeRefused, Detail: "the subject token is one of ours, and no id_token"}
		}
		shown.Token = ""
	}
	who, err := d.config.Authenticator.Authenticate(ctx, shown)
	if err != nil {
		return refusalOf(err, "authenticating the client").inTermsOf(&v.request)
	}
	v.who = who
	return nil
}

func refusalOf(err error, doing string) *Refusal {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return refusal
	}
	return &Refusal{Ground: Unavailable, Detail: doing + ": " + err.Error()}
}

// admit asks whether there is room for the visit and which key stands behind it.
func (d *Desk) admit(v *visit) *Refusal {
	if d.config.Quota != nil && !d.config.Quota.Take(v.at) {
		return &Refusal{Ground: TooMany, Detail: "the quota is used up"}
	}
	return d.possess(v)
}

// unadmitted sends a visit away. What may come again as it is uses nothing up;
// a request for a nonce is the first half of an ordinary visit, and is counted.
func (d *Desk) unadmitted(ctx context.Context, v *visit, r *Refusal) *Refusal {
	switch {
	case r.Ground == NonceNeeded:
		r.Client, r.Decision = v.who.Client, v.decision
		d.counts.challenged.Add(1)
		return r
	case r.Ground.later():
		return d.turnAway(ctx, v, r)
	}
	return d.refuse(ctx, v, r)
}

// decide finds the grant and asks the rules. Whatever the grant is, the visit
// walks the same road afterwards.
func (d *Desk) decide(ctx context.Context, v *visit) *Refusal {
	switch v.request.GrantType {
	case "":
		return &Refusal{Ground: GrantMissing}
	case ClientCredentials, JWTBearer, TokenExchange:
	default:
		return &Refusal{Ground: GrantUnsupported, Detail: "grant type " + registered(v.request.GrantType)}
	}
	if refusal := v.vouched(); refusal != nil {
		return refusal
	}
	if refusal := v.current(); refusal != nil {
		return refusal
	}
	if refusal := d.offersTransaction(v); refusal != nil {
		return refusal
	}
	if v.own {
		if refusal := d.receive(ctx, v); refusal != nil {
			return refusal
		}
	}
	if refusal := d.join(ctx, v); refusal != nil {
		return refusal
	}
	if v.transaction() {
		return d.askTransaction(v)
	}
	if refusal := d.ask(v); refusal != nil {
		return refusal
	}
	if refusal := v.limited(); refusal != nil {
		return refusal
	}
	return v.settle()
}

// settle writes down what the decision leaves open.
func (v *visit) settle() *Refusal {
	if refusal := v.within(); refusal != nil {
		return refusal
	}
	var err error
	if v.granted, err = settle(v.details, v.rule.Audience); err != nil {
		return &Refusal{Ground: DetailsRefused, Detail: err.Error()}
	}
	return nil
}

// registered names a grant type that others know. Anything else may be a secret
// in the wrong field and is not repeated.
func registered(grant string) string {
	switch grant {
	case "authorization_code", "implicit", "password", "refresh_token",
		"urn:ietf:params:oauth:grant-type:saml2-bearer", "urn:ietf:params:oauth:grant-type:device_code":
		return grant
	}
	return "that nobody registered"
}
