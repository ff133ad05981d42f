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
// travels and is the same at every use.
func (a *Authenticator) basic(ctx context.Context, r *roster, b *issuer.Basic) (issuer.Identity, *issuer.Refusal) {
	id, errID := url.QueryUnescape(b.User)
	secret, errSecret := url.QueryUnescape(b.Password)
	who, errName := narrowcast.ParseClientID(id)
	if errID != nil || errSecret != nil || errName != nil || secret == "" || len(secret) > maxSecret {
		return nobody("the Basic credentials cannot be read; id and secret must be form-encoded (RFC 6749 section 2.3.1)")
	}
	client, hashes := r.clients[who], r.secrets[who]
	if client != nil && !client.Disabled && a.passes.holds(who, secret, hashes, a.config.Now()) {
		return issuer.Identity{Client: who, Method: ClientSecretBasic}, nil
	}
	refuse := func(g issuer.Ground, detail string) (issuer.Identity, *issuer.Refusal) {
		return issuer.Identity{}, &issuer.Refusal{Ground: g, Client: r.claimed(id), Detail: detail}
	}
	if !a.limits.reserve(who, client != nil, a.config.Now()) {
		return refuse(issuer.Unauthenticated, "too many wrong secrets for this client; waiting")
	}
	hash, ok, err := a.try(ctx, r, hashes, secret)
	switch {
	case err != nil:
		a.limits.refund(who, client != nil)
		return refuse(issuer.Unavailable, "waiting for a turn to hash a secret: "+err.Error())
	case client != nil && client.Disabled:
		return refuse(issuer.Unauthenticated, "the client is disabled")
	case !ok:
		return refuse(issuer.Unauthenticated, strings.TrimSuffix("wrong secret, or no such client; "+r.faults[id], "; "))
	}
	a.limits.refund(who, true)
	a.passes.remember(who, secret, hash, a.config.Now())
	return issuer.Identity{Client: who, Method: ClientSecretBasic}, nil
}

// try hashes secret and compares it. For a client without a secret the same
// work is done for nothing, so that the time does not tell.
func (a *Authenticator) try(ctx context.Context, r *roster, hashes []phc, secret string) (phc, bool, error) {
	select {
	case a.hashing <- struct{}{}:
	case <-ctx.Done():
		return phc{}, false, ctx.Err()
	}
	defer func() { <-a.hashing }()
	if len(hashes) == 0 {
		r.dummy.matches(secret)
		return phc{}, false, nil
	}
	for _, h := range hashes {
		if h.matches(secret) {
			return h, true, nil
		}
	}
	return phc{}, false, nil
}
