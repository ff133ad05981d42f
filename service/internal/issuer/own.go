package issuer

import (
	"context"
	"errors"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
)

// Own reads letters of our own, whoever they are addressed to. Its error is a
// *narrowcast.Rejection when the letter does not count.
type Own interface {
	Read(ctx context.Context, text string, audience narrowcast.Audience, p narrowcast.Presentation) (*narrowcast.Token, error)
}

// parent is a letter of ours that somebody wants another one for.
type parent struct {
	token *narrowcast.Token
	// line are the ids of the letter and of all that it came from, back to the
	// first one.
	line []string
	// holders got the letters that it came from.
	holders []narrowcast.ClientID
}

// ours reports whether the subject token of an exchange says that it is one of
// our own. It decides only who reads it. Such a token authenticates nobody: the
// client proves who it is beside it.
func (d *Desk) ours(r *Request) bool {
	if d.config.Own == nil || r.GrantType != TokenExchange {
		return false
	}
	claimed, err := narrowcast.Inspect(r.Credentials.Token)
	return err == nil && claimed.Issuer == d.config.Issuer.String()
}

// receive reads the letter that is exchanged: RFC 8693 section 2.1 leaves to the
// server how it is verified, and here it counts as at the door that it is
// addressed to, with the proof of the key that it is bound to. The book must know
// it and everything behind it: what was not recorded did not happen.
func (d *Desk) receive(ctx context.Context, v *visit) *Refusal {
	text := v.request.Credentials.Token
	claimed, err := narrowcast.Inspect(text)
	if err != nil || len(claimed.Audience) != 1 {
		return &Refusal{Ground: SubjectTokenRefused, Detail: "the subject token does not name one resource"}
	}
	audience, err := narrowcast.ParseAudience(claimed.Audience[0])
	if err != nil {
		return &Refusal{Ground: SubjectTokenRefused, Detail: "the audience of the subject token is malformed"}
	}
	token, err := d.config.Own.Read(ctx, text, audience, v.presentation())
	if err != nil {
		return d.unread(v, err)
	}
	if token.Fingerprint() != narrowcast.FingerprintOf(text) || token.Audience() != audience {
		return &Refusal{Ground: Broken, Detail: "another letter was read than the one that came"}
	}
	p := &parent{token: token}
	if refusal := d.trace(ctx, p); refusal != nil {
		refusal.Assertion = &narrowcast.Rejection{Genuine: true, Received: claimed.Audience, Claimed: token.Describe()}
		return refusal
	}
	v.parent = p
	return nil
}

// presentation is how the exchange shows the letter: with the keys that the
// request proved.
func (v *visit) presentation() narrowcast.Presentation {
	var p narrowcast.Presentation
	if certificate := v.certificate(); certificate != nil {
		p.Certificate = thumbprint(certificate.Raw)
	}
	if key := v.proof.Thumbprint; key != "" {
		p.Prove = func() (string, narrowcast.Reason) { return key, 0 }
	}
	return p
}

// unread is the refusal of a letter that does not count (RFC 8693 section 2.2.2).
// One that is genuine and shown by somebody who was never meant to have it is a
// sign of theft, also when it has ended.
func (d *Desk) unread(v *visit, err error) *Refusal {
	var rej *narrowcast.Rejection
	if !errors.As(err, &rej) {
		return &Refusal{Ground: Unavailable, Detail: "reading the subject token: " + err.Error()}
	}
	r := &Refusal{Ground: SubjectTokenRefused, Detail: rej.Error(), Assertion: rej}
	if rej.Reason == narrowcast.KeyUnavailable {
		r.Ground = Unavailable
	}
	if rules := d.config.Rules(); rules != nil && rej.Genuine && len(rej.Claimed.Audience) == 1 {
		q := policy.Request{Client: v.who.Client, Actor: v.actor(), At: v.at, Parent: d.facts(rej.Claimed)}
		if rules.Decide(q).NotAddressee {
			r.Detail = offTarget + "; " + r.Detail
		}
	}
	return r
}

// offTarget begins the detail of a record when a genuine letter was shown by
// somebody it is not addressed to.
const offTarget = "off-target exchange"

// facts are what the rules need to know of a letter.
func (d *Desk) facts(c narrowcast.Claimed) *policy.Parent {
	p := &policy.Parent{
		Client: narrowcast.ClientID(c.ClientID), Subject: narrowcast.Subject(c.Subject), Expires: c.Expires,
	}
	p.Audience, _ = narrowcast.ParseAudience(c.Audience[0]) // was read before
	p.Issuer = p.Audience.Names(d.config.Issuer.String())
	p.Scope, _ = narrowcast.ParseScope(c.Scope) // a malformed one leaves nothing to hand on
	for _, actor := range c.Actors {
		p.Actors = append(p.Actors, narrowcast.Subject(actor))
	}
	return p
}
