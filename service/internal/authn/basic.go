package authn

import (
	"context"
	"net/url"
	"strings"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
)

// maxSecret bounds a client secret in bytes.
const maxSecret = 256

// basic checks client_secret_basic: the weaker choice, because the secret
// travels and is the same at every use. An id that is not registered walks the
// same road as one that is, so that neither time nor limits tell.
func (a *Authenticator) basic(ctx context.Context, r *roster, c issuer.Credentials) (issuer.Identity, *issuer.Refusal) {
	id, errID := url.QueryUnescape(c.Basic.User)
	secret, errSecret := url.QueryUnescape(c.Basic.Password)
	who, errName := narrowcast.ParseClientID(id)
	if errID != nil || errSecret != nil || errName != nil || secret == "" || len(secret) > maxSecret {
		return nobody("the Basic credentials cannot be read; id and secret must be form-encoded (RFC 6749 section 2.3.1)")
	}
	g := guess{who: who, secret: secret, hashes: r.secrets[who], peer: peerOf(c.Peer)}
	client := r.clients[who]
	disabled := client != nil && client.Disabled
	known := issuer.Identity{Client: who, Method: ClientSecretBasic}
	if !disabled && a.passes.use(who, secret, g.hashes, a.config.Now()) {
		return known, nil
	}
	refuse := func(g issuer.Ground, detail string) (issuer.Identity, *issuer.Refusal) {
		return issuer.Identity{}, &issuer.Refusal{Ground: g, Client: r.claimed(id), Detail: detail}
	}
	bucket := a.limits.bucket(id, g.peer)
	if !a.limits.reserve(bucket, a.config.Now()) {
		return refuse(issuer.Unauthenticated, "too many wrong secrets for this client from this peer; waiting")
	}
	ok, err := a.try(ctx, r, g)
	switch {
	case err != nil:
		a.limits.refund(bucket)
		return refuse(issuer.Unavailable, "waiting for a turn to hash a secret: "+err.Error())
	case disabled:
		return refuse(issuer.Unauthenticated, "the client is disabled")
	case !ok:
		return refuse(issuer.Unauthenticated, strings.TrimSuffix("wrong secret, or no such client; "+r.faults[id], "; "))
	}
	a.limits.refund(bucket)
	return known, nil
}

// guess is a secret that somebody shows for a client.
type guess struct {
	who          narrowcast.ClientID
	secret, peer string
	hashes       []phc
}

// try hashes the secret of g when its turn has come, and compares it. Whatever
// fails takes the same number of hashes: for a client without a secret, or with
// fewer than another has, work is done for nothing.
func (a *Authenticator) try(ctx context.Context, r *roster, g guess) (bool, error) {
	for _, turn := range []chan struct{}{a.limits.lane(g.peer), a.hashing} {
		select {
		case turn <- struct{}{}:
		case <-ctx.Done():
			return false, ctx.Err()
		}
		defer func() { <-turn }()
	}
	if a.passes.use(g.who, g.secret, g.hashes, a.config.Now()) {
		return true, nil // somebody before us in the lane was right
	}
	for _, h := range g.hashes {
		if h.matches(g.secret) {
			a.passes.remember(g.who, g.secret, h, a.config.Now())
			return true, nil
		}
	}
	for range r.tries - len(g.hashes) {
		r.dummy.matches(g.secret)
	}
	return false, nil
}
