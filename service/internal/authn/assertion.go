package authn

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// assertion checks private_key_jwt (RFC 7523 section 3, and its successor: the
// issuer identifier is the sole audience).
func (a *Authenticator) assertion(ctx context.Context, r *roster, c issuer.Credentials) (issuer.Identity, *issuer.Refusal) {
	switch {
	case c.AssertionType != AssertionType && c.AssertionType != SPIFFEType:
		return nobody("client_assertion_type is not " + AssertionType)
	case c.Assertion == "":
		return nobody("client_assertion is missing")
	case c.AssertionType == SPIFFEType || r.foreignerOf(c.Assertion) != nil:
		return a.foreign(ctx, r, c.Assertion)
	case r.verifier == nil:
		return nobody("no client of the registry has keys")
	}
	token, err := r.verifier.Verify(ctx, c.Assertion, narrowcast.Presentation{})
	if err != nil {
		return issuer.Identity{}, a.rejected(r, err)
	}
	return r.identify(token)
}

func nobody(detail string) (issuer.Identity, *issuer.Refusal) {
	return issuer.Identity{}, &issuer.Refusal{Ground: issuer.Unauthenticated, Detail: detail}
}

// identify turns a genuine assertion into an identity.
func (r *roster) identify(token *narrowcast.Token) (issuer.Identity, *issuer.Refusal) {
	who := narrowcast.ClientID(token.Issuer().String())
	refuse := func(reason narrowcast.Reason, detail string) (issuer.Identity, *issuer.Refusal) {
		rej := &narrowcast.Rejection{Reason: reason, Detail: detail, Genuine: true, Claimed: token.Describe()}
		return issuer.Identity{}, &issuer.Refusal{Ground: issuer.Unauthenticated, Client: who, Assertion: rej, Detail: detail}
	}
	client := r.clients[who]
	if client == nil || client.Disabled {
		return refuse(narrowcast.IssuerUnknown, "the client is disabled")
	}
	// The jti is kept in the book until it may be forgotten.
	if _, err := narrowcast.ParseTokenID(string(token.ID())); err != nil {
		return refuse(narrowcast.ClaimMalformed, "jti must be 1 to 256 printable ASCII characters")
	}
	return issuer.Identity{
		Client: who, Method: PrivateKeyJWT, Assertion: token.Describe(),
		Once: []store.Once{{
			Space: "client_assertion " + string(who), ID: string(token.ID()),
			Until: token.Expires().Add(narrowcast.MaxSkew),
		}},
	}, nil
}

// rejected tells the operator what was wrong with an assertion.
func (a *Authenticator) rejected(r *roster, err error) *issuer.Refusal {
	var rej *narrowcast.Rejection
	if !errors.As(err, &rej) {
		return &issuer.Refusal{Ground: issuer.Unavailable, Detail: "checking the client assertion"}
	}
	refusal := &issuer.Refusal{
		Ground: issuer.Unauthenticated, Assertion: rej, Client: r.claimed(rej.Claimed.Issuer),
		Detail: strings.Replace(rej.Error(), "token rejected", "client assertion rejected", 1),
	}
	if hint := a.hint(r, rej); hint != "" {
		refusal.Detail += "; " + hint
	}
	return refusal
}

func (a *Authenticator) hint(r *roster, rej *narrowcast.Rejection) string {
	switch {
	case rej.Failed(narrowcast.AudienceMismatch) && slices.Contains(rej.Received, a.config.TokenEndpoint):
		return "it is addressed to the token endpoint; the audience must be the issuer identifier " + a.audience.String()
	case rej.Failed(narrowcast.AudienceMultiple):
		return "the issuer identifier must be the only audience"
	case rej.Failed(narrowcast.LifetimeExceeded):
		return "it may live for " + maxAssertionLife.String()
	case rej.Reason == narrowcast.IssuerUnknown:
		return r.faults[rej.Claimed.Issuer]
	}
	return ""
}
