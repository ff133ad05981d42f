package incident

import (
	"context"
	"errors"
	"io"
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
	Signature   Signature   `json:"signature"`
	Why         string      `json:"why,omitempty"`
	Life        string      `json:"life"` // what the clock says
	Oddities    []string    `json:"oddities"`
	// Survival is nil when no verifier takes the token at all.
	Survival *Survival `json:"worst_case_survival,omitempty"`
}

// Signature is what was found out about a signature.
type Signature string

// The findings about a signature.
const (
	Right       Signature = "right"
	Wrong       Signature = "wrong"
	NotVerified Signature = "not verified"
)

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
	// The question is whether it was signed rightly when it was written: a key
	// that has left the set since does not unmake that.
	written := now
	if !said.IssuedAt.IsZero() {
		written = said.IssuedAt
	}
	i.Signature, i.Why = signature(ctx, text, said, keys, written)
	i.Survival = survival(said, i.Signature, now)
	return i, nil
}

// signature asks a verifier that stands at nobody's door: a genuine token gets
// past the signature there, and nothing else does.
func signature(ctx context.Context, text string, said narrowcast.Claimed, keys narrowcast.KeySource, at time.Time) (verdict Signature, why string) {
	if keys == nil {
		return NotVerified, "no keys were supplied"
	}
	readers := readersOf(said)
	if len(readers) == 0 {
		return NotVerified, "the token names no usable issuer"
	}
	rej := new(narrowcast.Rejection)
	for _, trusted := range readers {
		trusted.Keys = keys
		v, err := nobodysDoor(trusted, at)
		if err != nil {
			return NotVerified, err.Error()
		}
		_, err = v.Verify(ctx, text, narrowcast.Presentation{})
		switch {
		case err == nil: // it is addressed to nobody
			return Right, ""
		case !errors.As(err, &rej):
			return NotVerified, "the signature could not be checked"
		}
		if rej.Reason != narrowcast.TypeMismatch && rej.Reason != narrowcast.IssuerUnknown {
			break
		}
	}
	switch {
	case rej.Genuine:
		return Right, ""
	case rej.Reason == narrowcast.SignatureInvalid:
		return Wrong, rej.Reason.Sentence()
	}
	return NotVerified, rej.Reason.Sentence()
}

// nobodysDoor is a verifier whose audience is nobody's: ".invalid" names nothing
// (RFC 2606 section 2).
func nobodysDoor(trusted narrowcast.TrustedIssuer, at time.Time) (*narrowcast.Verifier, error) {
	audience, err := narrowcast.ParseAudience("https://nobody.invalid")
	if err != nil {
		return nil, err
	}
	return narrowcast.NewVerifier(narrowcast.Config{
		Audience: audience, Issuers: []narrowcast.TrustedIssuer{trusted},
		Algorithms: allAlgorithms(), Now: func() time.Time { return at },
	})
}

func allAlgorithms() []narrowcast.Algorithm {
	return []narrowcast.Algorithm{narrowcast.ES256, narrowcast.ES384, narrowcast.RS256, narrowcast.PS256, narrowcast.Ed25519}
}

// life is what the clock says of a token.
func life(said narrowcast.Claimed, now time.Time) string {
	switch {
	case said.Expires.IsZero():
		return "it never expires"
	case !now.Before(said.Expires):
		return "expired " + now.Sub(said.Expires).Round(time.Second).String() + " ago"
	case !said.NotBefore.IsZero() && now.Before(said.NotBefore):
		return "not valid before " + stamp(said.NotBefore)
	case now.Add(narrowcast.MaxSkew).Before(said.IssuedAt):
		return "not issued before " + stamp(said.IssuedAt)
	}
	return "alive for another " + said.Expires.Sub(now).Round(time.Second).String()
}

// WriteText tells the inspection in plain lines.
func (i *Inspection) WriteText(w io.Writer) error {
	p := &printer{w: w}
	t := i.Token
	p.line("type       %s, signed with %s, key %s", word(i.Type), word(i.Algorithm), word(t.KeyID))
	p.line("issuer     %s", word(t.Issuer))
	p.line("audience   %s", each(t.Audience))
	p.line("subject    %s, client %s", word(t.Subject), word(t.Client))
	p.line("scope      %s", words(t.Scope))
	if i.Tenant != "" || i.Environment != "" {
		p.line("tenant     %s, environment %s", word(i.Tenant), word(i.Environment))
	}
	p.line("life       %s to %s: %s", stamp(t.IssuedAt), stamp(t.Expires), i.Life)
	p.line("id         %s", word(t.ID))
	p.line("SHA-256    %s", t.Fingerprint)
	if i.Why == "" {
		p.line("signature  %s", i.Signature)
	} else {
		p.line("signature  %s: %s", i.Signature, words(i.Why))
	}
	if i.Survival != nil {
		p.survival(i.Survival)
	}
	for _, odd := range i.Oddities {
		p.line("odd        %s", odd)
	}
	return p.err
}
