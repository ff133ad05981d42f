package incident

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
)

// Inspection is what can be said of a token by looking at it alone.
type Inspection struct {
	Type        string      `json:"typ"`
	Algorithm   string      `json:"alg"`
	Token       event.Token `json:"token"`
	Tenant      string      `json:"tenant,omitempty"`
	Environment string      `json:"environment,omitempty"`
	Signature   string      `json:"signature"` // "right", "wrong" or "not verified"
	Why         string      `json:"why,omitempty"`
	Life        string      `json:"life"` // what the clock says
	Oddities    []string    `json:"oddities"`
}

// Inspect looks at a token without any network traffic. keys are the keys that
// are supposed to belong to the issuer that the token names, or nil.
func Inspect(ctx context.Context, text string, keys narrowcast.KeySource, now time.Time) (Inspection, error) {
	said, err := narrowcast.Inspect(text)
	if err != nil {
		return Inspection{}, ErrNotAToken
	}
	i := Inspection{
		Type: said.Type, Algorithm: said.Algorithm, Token: *event.TokenOf(said),
		Tenant: said.Tenant, Environment: said.Environment, Life: life(said, now), Oddities: oddities(said),
	}
	i.Signature, i.Why = signature(ctx, text, said, keys)
	return i, nil
}

// signature asks a verifier that stands at nobody's door: a genuine token gets
// past the signature there, and nothing else does.
func signature(ctx context.Context, text string, said narrowcast.Claimed, keys narrowcast.KeySource) (verdict, why string) {
	if keys == nil {
		return "not verified", "no keys were supplied"
	}
	issuer, err := narrowcast.ParseIssuer(said.Issuer)
	if err != nil {
		return "not verified", "the token names no usable issuer"
	}
	at := asOf(said, said.IssuedAt.Add(time.Second))
	v, err := nobodysDoor(issuer, keys, at)
	if err != nil {
		return "not verified", err.Error()
	}
	_, err = v.Verify(ctx, text, narrowcast.Presentation{})
	var rej *narrowcast.Rejection
	switch {
	case !errors.As(err, &rej):
		return "not verified", "the signature could not be checked"
	case rej.Genuine:
		return "right", ""
	case rej.Reason == narrowcast.SignatureInvalid:
		return "wrong", rej.Reason.Sentence()
	}
	return "not verified", rej.Reason.Sentence()
}

func nobodysDoor(issuer narrowcast.Issuer, keys narrowcast.KeySource, at time.Time) (*narrowcast.Verifier, error) {
	audience, err := narrowcast.ParseAudience("https://nobody.invalid")
	if err != nil {
		return nil, err
	}
	return narrowcast.NewVerifier(narrowcast.Config{
		Audience: audience, Issuers: []narrowcast.TrustedIssuer{
			{Issuer: issuer, Keys: keys, Class: narrowcast.DangerouslyUntyped}},
		Algorithms: allAlgorithms(), Now: func() time.Time { return at },
	})
}

func life(said narrowcast.Claimed, now time.Time) string {
	switch {
	case said.Expires.IsZero():
		return "it never expires"
	case !now.Before(said.Expires):
		return "expired " + now.Sub(said.Expires).Round(time.Second).String() + " ago"
	case !said.NotBefore.IsZero() && now.Before(said.NotBefore):
		return "not valid before " + stamp(said.NotBefore)
	}
	return "alive for another " + said.Expires.Sub(now).Round(time.Second).String()
}

// ambient are audiences that so many parties accept that they name nobody.
var ambient = []string{"account", "api", "default", "*", "https://kubernetes.default.svc", "https://kubernetes.default.svc.cluster.local"}

func oddities(said narrowcast.Claimed) []string {
	odd := []string{}
	note := func(when bool, what string) {
		if when {
			odd = append(odd, what)
		}
	}
	life := said.Expires.Sub(said.IssuedAt)
	note(len(said.Audience) == 0, "it names no audience: every verifier that does not insist accepts it")
	note(len(said.Audience) > 1, "it names several audiences: each of them can show it to the others")
	for _, aud := range said.Audience {
		note(slices.Contains(ambient, aud), "the audience "+aud+" is accepted by so many that it names nobody")
	}
	note(said.Expires.IsZero(), "it has no expiry")
	note(said.IssuedAt.IsZero(), "it does not say when it was issued")
	note(!said.Expires.IsZero() && !said.IssuedAt.IsZero() && life > narrowcast.DefaultMaxLifetime, "it lives for "+life.String())
	note(said.TokenID == "", "it has no jti, so it can only be found by its fingerprint")
	note(!strings.EqualFold(strings.TrimPrefix(strings.ToLower(said.Type), "application/"), "at+jwt"), "its type is not at+jwt: another kind of token may be taken for it")
	note(!said.Bound, "it is a bearer token: whoever holds it can use it")
	note(strings.HasPrefix(said.Issuer, "http://"), "its issuer is not an https address")
	return odd
}

// WriteText tells the inspection in plain lines.
func (i *Inspection) WriteText(w io.Writer) error {
	p := &printer{w: w}
	t := i.Token
	p.line("type       %s, signed with %s, key %s", orDash(i.Type), orDash(i.Algorithm), orDash(t.KeyID))
	p.line("issuer     %s", orDash(t.Issuer))
	p.line("audience   %s", orDash(strings.Join(t.Audience, " ")))
	p.line("subject    %s, client %s", orDash(t.Subject), orDash(t.Client))
	p.line("scope      %s", orDash(t.Scope))
	if i.Tenant != "" || i.Environment != "" {
		p.line("tenant     %s, environment %s", orDash(i.Tenant), orDash(i.Environment))
	}
	p.line("life       %s to %s: %s", stamp(t.IssuedAt), stamp(t.Expires), i.Life)
	p.line("id         %s", orDash(t.ID))
	p.line("SHA-256    %s", t.Fingerprint)
	if i.Why == "" {
		p.line("signature  %s", i.Signature)
	} else {
		p.line("signature  %s: %s", i.Signature, i.Why)
	}
	for _, odd := range i.Oddities {
		p.line("odd        %s", odd)
	}
	return p.err
}
