package authn

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/federation"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// foreign says which client a token of a foreign issuer speaks for. It serves
// tokens as client assertions, as grants and as subject tokens alike: the same
// checks in the same order, whatever the parameter was called.
func (a *Authenticator) foreign(ctx context.Context, r *roster, text string) (issuer.Identity, *issuer.Refusal) {
	f := r.foreignerOf(text)
	if f == nil {
		return nobody("the token is of no issuer that the registry trusts")
	}
	token, err := f.verifier.Verify(ctx, text, narrowcast.Presentation{})
	if err != nil {
		return issuer.Identity{}, a.rejected(r, err)
	}
	client, subject, why := f.speaksFor(token)
	if why != "" {
		return refuseForeign(token, narrowcast.ClaimMismatch, "", why)
	}
	if why := f.tooOld(token, a.config.Now()); why != "" {
		return refuseForeign(token, narrowcast.LifetimeExceeded, "", why)
	}
	if client.Disabled {
		return refuseForeign(token, narrowcast.IssuerUnknown, "", "the client is disabled")
	}
	if refusal := f.review(ctx, token, text, client); refusal != nil {
		return issuer.Identity{}, refusal
	}
	who := issuer.Identity{
		Client: client.ID, Subject: subject, Method: registry.Federated, Assertion: token.Describe(), Until: token.Expires(),
	}
	if f.issuer.Profile == federation.SPIFFE {
		who.Method = registry.SPIFFE
	}
	if f.issuer.OneTime {
		if _, err := narrowcast.ParseTokenID(string(token.ID())); err != nil {
			return refuseForeign(token, narrowcast.ClaimMalformed, client.ID, "the token is to be taken once and has no usable jti")
		}
		who.Once = []store.Once{{
			Space: "token of " + f.issuer.Issuer.String(), ID: string(token.ID()), Until: token.Expires().Add(narrowcast.MaxSkew),
		}}
	}
	return who, nil
}

// refuseForeign refuses a token that is genuine: somebody holds it, and it is
// worth knowing who made it.
func refuseForeign(token *narrowcast.Token, reason narrowcast.Reason, client narrowcast.ClientID, why string) (issuer.Identity, *issuer.Refusal) {
	return issuer.Identity{}, &issuer.Refusal{
		Ground: issuer.Unauthenticated, Client: client, Detail: why,
		Assertion: &narrowcast.Rejection{Reason: reason, Detail: why, Genuine: true, Claimed: token.Describe()},
	}
}

// speaksFor finds the one client that a genuine token speaks for. When two rules
// fit, it speaks for nobody: the registry refuses such rules, and a guess here
// would give one workload the reach of another.
func (f *foreigner) speaksFor(token *narrowcast.Token) (client *registry.Client, subject narrowcast.Subject, why string) {
	text, err := federation.Subject(f.issuer.Profile, token)
	if err != nil {
		return nil, "", err.Error()
	}
	subject = narrowcast.Subject(text)
	if f.issuer.Profile == federation.SPIFFE {
		if client = f.workloads[text]; client == nil {
			return nil, "", "no client of the registry has this SPIFFE ID"
		}
		return client, subject, ""
	}
	near, why := f.near(token)
	for _, i := range near {
		c := f.claimants[i]
		ok, because := federation.Match(f.issuer.Profile, c.rule, token)
		switch {
		case !ok && client == nil:
			why = "no rule fits; the last one, of " + string(c.client.ID) + " (" + c.rule.Position + "): " + because
		case !ok:
		case client != nil && client != c.client:
			return nil, "", "the rules of two clients fit: " + string(client.ID) + " and " + string(c.client.ID)
		default:
			client, why = c.client, ""
		}
	}
	return client, subject, why
}

// near returns the rules that are worth trying, and what is said when none fits.
func (f *foreigner) near(token *narrowcast.Token) (rules []int, why string) {
	rules, why = f.index.Near(token), "no rule fits"
	switch {
	case len(f.claimants) == 0:
		why = "no client of the registry has a rule for tokens of " + f.issuer.Issuer.String()
	case len(rules) == 0 && len(f.claimants) <= fewRules:
		rules = f.index.All()
	case len(rules) == 0:
		why = "no rule fits; the rules for tokens of " + f.issuer.Issuer.String() + " differ by " + strings.Join(f.index.Claims(), ", ")
	}
	return rules, why
}

// fewRules is how many are tried all the same when none is near, so that the
// operator reads what is missing.
const fewRules = 8

// tooOld bounds how long a token that leaked from a job can be turned into
// tokens of ours, whatever life its issuer gave it.
func (f *foreigner) tooOld(token *narrowcast.Token, now time.Time) string {
	issued := token.IssuedAt()
	switch {
	case issued.IsZero() && token.Expires().Sub(now) > f.maxAge:
		return "the token has no iat, and lives longer than the " + f.maxAge.String() + " that tokens of this issuer may be old"
	case !issued.IsZero() && now.Sub(issued) > f.maxAge:
		return "the token is older than " + f.maxAge.String() + ", which is how old tokens of this issuer may be"
	}
	return ""
}

// review asks the issuer itself, where the registry says so.
func (f *foreigner) review(ctx context.Context, token *narrowcast.Token, text string, client *registry.Client) *issuer.Refusal {
	if !f.issuer.TokenReview {
		return nil
	}
	o, err := f.open()
	switch {
	case err != nil:
		return &issuer.Refusal{Ground: issuer.Unavailable, Client: client.ID, Detail: "reviewing the token: " + err.Error()}
	case o.Review == nil:
		return &issuer.Refusal{Ground: issuer.Unavailable, Client: client.ID, Detail: "the registry demands a token review, and the settings do not say where"}
	}
	err = o.Review(ctx, text)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrUnavailable):
		return &issuer.Refusal{Ground: issuer.Unavailable, Client: client.ID, Detail: "reviewing the token: " + err.Error()}
	}
	_, refusal := refuseForeign(token, narrowcast.Revoked, client.ID, "the token review says no: "+err.Error())
	return refusal
}

// ErrUnavailable is wrapped by what is asked outside when it could not be found
// out, in contrast to an answer that says no.
var ErrUnavailable = errors.New("could not be found out")
