package issuer

import (
	"context"
	"slices"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// limited refuses an exchange that would lose a limit of the letter. One that
// opens for one exact request is not for the request to us. Details of other
// types are about the resource that the letter is for, whose application keeps
// them; for that same resource there is no letter without them.
func (v *visit) limited() *Refusal {
	if v.parent == nil {
		return nil
	}
	text, there := v.parent.token.Claim("authorization_details")
	if !there {
		return nil
	}
	details, err := narrowcast.ParseDetails(text)
	switch {
	case err != nil:
		return &Refusal{Ground: DelegationRefused, Detail: "the authorization_details of the subject token cannot be read"}
	case slices.ContainsFunc(details, func(d narrowcast.Detail) bool { return d.Type == RequestDetail }):
		return &Refusal{Ground: DelegationRefused, Detail: "the subject token is good for one exact request, and the exchange is another one"}
	case v.rule.Audience == v.parent.token.Audience():
		return &Refusal{Ground: DelegationRefused, Detail: "the subject token has authorization_details, which a new one for the same resource would lose"}
	}
	return nil
}

// singleUse reports whether the new letter is good for one request: when the
// rules say so, and when the one that is exchanged is.
func (v *visit) singleUse() bool {
	return v.rule.SingleUse || v.parent != nil && v.parent.token.SingleUse()
}

// spent is the one exchange of a letter that is good for one request. Its door
// took that request already (package uses): whoever is behind the door exchanges
// what came with it. An exchange that is refused has not used it.
func (p *parent) spent() []store.Once {
	if p == nil || !p.token.SingleUse() {
		return nil
	}
	return []store.Once{{
		Space: "exchange " + p.token.Audience().String(), ID: string(p.token.ID()),
		Until: p.token.Expires().Add(2 * narrowcast.MaxSkew),
	}}
}

// again answers a visit that showed something a second time: the letter, when
// the proofs beside it were fresh. The book does not say which it was, so the
// refusal is kept with them.
func (d *Desk) again(ctx context.Context, v *visit) *Refusal {
	if len(v.parent.spent()) == 0 {
		return d.replayed(ctx, v)
	}
	return d.refuse(ctx, v, &Refusal{Ground: SubjectTokenRefused, Detail: "the subject token is good for one use, and was exchanged before"})
}
