package introspect

import (
	"context"
	"errors"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
)

// Revoke calls a token back for the client that got it, or for the resource
// server that it is addressed to (RFC 7009 section 2.1). A token that nobody
// knows, or that has expired, is as good as called back (section 2.2). The error
// is always an *issuer.Refusal.
func (d *Desk) Revoke(ctx context.Context, r Request) (Answer, error) {
	decision := string(mint.NewTokenID())
	a, err := d.open(ctx, r, decision)
	if err != nil {
		return Answer{}, err
	}
	answer := Answer{Client: a.who.Client, Decision: decision}
	if d.config.Revoker == nil {
		return Answer{}, broken(a, errors.New("tokens are not called back here"))
	}
	by := "calling it back was asked for by client " + string(a.who.Client)
	switch {
	case !a.known:
		return answer, d.keep(ctx, a, event.Rejected, by)
	case narrowcast.ClientID(a.claimed.ClientID) != a.who.Client && !d.config.Serves(a.who.Client, a.resource):
		if err := d.keep(ctx, a, event.OffTarget, by); err != nil {
			return Answer{}, err
		}
		return Answer{}, &issuer.Refusal{Ground: issuer.NotAddressed, Client: a.who.Client, Decision: decision, Detail: by}
	}
	if err := d.keep(ctx, a, event.Admin, by); err != nil {
		return Answer{}, err
	}
	if !a.at.Before(a.claimed.Expires.Add(narrowcast.MaxSkew)) {
		return answer, nil
	}
	if err := d.config.Revoker.RevokeToken(ctx, a.claimed, a.who.Client); err != nil {
		return Answer{}, &issuer.Refusal{Ground: issuer.Unavailable, Client: a.who.Client, Decision: decision, Detail: "calling the token back: " + err.Error()}
	}
	return answer, nil
}
