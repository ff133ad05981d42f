package narrowcasttest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/forge"
	"github.com/narrowcast-io/narrowcast/mint"
)

// WrongToken is a token that a resource server must refuse. It differs from an
// acceptable one in a single respect.
type WrongToken struct {
	ID     string            // such as "audience.prefix"
	Title  string            // what is wrong, in a few words
	Reason narrowcast.Reason // what a Verifier says first
	Source string            // the clause or the published bug that it comes from
	Text   string            // the token
	Strict bool              // refused by the laws of this project, not by the letter of an RFC
	// RawText says that an HTTP header cannot carry Text as it is.
	RawText bool

	control string
}

// Wrong returns wrong tokens for one audience, each with its reason. They suit a
// verifier of this issuer that expects neither tenant nor environment and
// allows all algorithms; one that allows fewer may give another reason for
// refusing. With a scope, all tokens carry it, and those that carry too little
// are added; their reason shows when the call needs that scope. Without one,
// they carry a scope that nobody asks for.
func (i *Issuer) Wrong(audience narrowcast.Audience, scope narrowcast.Scope) ([]WrongToken, error) {
	world, err := i.world(audience, scope)
	if err != nil {
		return nil, err
	}
	var drawer []WrongToken
	for _, f := range forge.Faults() {
		if !suits(f.Needs, scope) {
			continue
		}
		text, err := world.Wrong(f)
		if errors.Is(err, forge.ErrNotApplicable) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("narrowcasttest: %w", err)
		}
		drawer = append(drawer, WrongToken{
			ID: f.ID, Title: f.Title, Reason: f.Reason, Source: f.Source, Text: text, Strict: f.Strict,
			RawText: slices.Contains(f.Needs, forge.RawText), control: f.Control,
		})
	}
	return drawer, nil
}

// suits reports whether a fault shows at a verifier about which nothing more is
// known than its audience, its issuer and the scope that a call needs.
func suits(needs []forge.Need, scope narrowcast.Scope) bool {
	for _, need := range needs {
		switch need {
		case forge.NoTenant, forge.NoEnvironment, forge.KeyWindow, forge.RawText:
		case forge.Scope:
			if scope.IsZero() {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// world describes this issuer to package forge.
func (i *Issuer) world(audience narrowcast.Audience, scope narrowcast.Scope) (*forge.World, error) {
	if audience.IsZero() {
		return nil, errors.New("narrowcasttest: name the audience that the tokens are wrong for")
	}
	stranger, err := newSigner()
	if err != nil {
		return nil, err
	}
	other := narrowcast.MustAudience("https://crm.example.test")
	if other == audience {
		other = narrowcast.MustAudience("https://pay.example.test")
	}
	if scope.IsZero() {
		scope = narrowcast.MustScope("unasked") // faults of the scope need one to spoil
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return &forge.World{
		Issuer: i.id, Second: narrowcast.MustIssuer("https://second.example.test"), Audience: audience, Other: other,
		Subject: "checkout", Client: "checkout", Scope: scope, Required: scope, Now: i.clock.Now(),
		Keys: forge.Keys{
			First:    i.keys.signing(),
			Stranger: forge.Key{ID: i.keys.current().ID, Algorithm: narrowcast.ES256, Signer: stranger},
		},
		NewID: func(string) narrowcast.TokenID { return mint.NewTokenID() },
	}, nil
}
