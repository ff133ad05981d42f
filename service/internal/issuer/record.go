package issuer

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
)

// event starts the record of a visit. A visit has one number, however often its
// record is attempted, so that gaps mean loss.
func (d *Desk) event(v *visit, what event.Type) event.Event {
	if v.sequence == 0 {
		v.sequence = d.sequence.Add(1)
	}
	e := event.Event{
		Version: event.Version, ID: v.decision, Type: what, Time: v.at.UTC(), Tenant: d.config.Tenant,
		Writer: d.config.Writer, Sequence: v.sequence, Decision: v.decision,
	}
	if v.request.From != (event.Request{}) {
		from := v.request.From
		e.Request = &from
	}
	return e
}

// issued describes the token that was really minted, read back from its text.
func (d *Desk) issued(v *visit) (event.Event, error) {
	claimed, err := narrowcast.Inspect(v.token)
	if err != nil {
		return event.Event{}, fmt.Errorf("reading back what was minted: %w", err)
	}
	what := event.Issued
	if v.parent != nil {
		what = event.Exchanged
	}
	e := d.event(v, what)
	e.Genuine = true
	e.Expected = v.rule.Audience.String()
	e.Detail = cut(v.facts()+"; "+explain(v.rule), maxDetail)
	e.Token = event.TokenOf(claimed)
	if v.transaction() {
		e.Token.Client = string(v.who.Client) // which a transaction token calls otherwise
	}
	return e, nil
}

// refused describes a refusal. What strangers wrote is cut so short that no
// token fits.
func (d *Desk) refused(v *visit, r *Refusal) event.Event {
	e := d.event(v, event.Refused)
	e.Refusal, e.Expected = r.Ground.Code(), v.asked
	e.Detail = cut(r.Detail+v.basis(), maxDetail)
	if r.Edge {
		e.Detail = cut("edge_denied: "+e.Detail, maxDetail)
	}
	e.Genuine = v.who.Client != ""
	client := string(r.Client)
	if !e.Genuine {
		client = hearsay(client)
	}
	e.Token = &event.Token{Client: client, Subject: client, Scope: v.rule.Scope.String()}
	if rej := r.Assertion; rej != nil {
		e.Genuine = rej.Genuine
		e.Reason, e.Also, e.Near = rej.Reason, rej.Also, cut(rej.Near, maxDetail)
		for _, audience := range rej.Received[:min(len(rej.Received), maxReceived)] {
			e.Received = append(e.Received, hearsay(audience))
		}
		e.Token = assertionFacts(rej.Claimed)
		if v.own && rej.Claimed.Issuer == d.config.Issuer.String() {
			e.Token = d.letterFacts(rej)
			e.Detail = cut(e.Detail+"; asked by client "+client, maxDetail)
			return e
		}
		if r.Ground == TokenRefused || r.Ground == SubjectTokenRefused { // its issuer is no client
			e.Token.Client = client
		}
	} else if v.parent != nil { // whoever asks about the letter finds what was refused for it
		said := v.parent.token.Describe()
		e.Token, e.Received = d.letterFacts(&narrowcast.Rejection{Genuine: true, Claimed: said}), said.Audience
		e.Detail = cut(e.Detail+"; asked by client "+client, maxDetail)
	}
	return e
}

// facts say how the client proved who it is, what the token is based on and
// what it is bound to.
func (v *visit) facts() string {
	facts := v.who.Method + v.basis()
	if v.cnf.Key != "" {
		facts += "; bound to key " + v.cnf.Key
	}
	if v.cnf.Certificate != "" {
		facts += "; bound to certificate " + v.cnf.Certificate
	}
	return facts
}

// basis names the token of a foreign issuer that says who asks, so that an
// incident with that token finds what came of it. An assertion that the client
// signed itself is named by its Once.
func (v *visit) basis() string {
	if v.parent != nil {
		t := v.parent.token
		return fmt.Sprintf("; exchanged for token %q, sha256 %s", hearsay(string(t.ID())), t.Fingerprint())
	}
	a := &v.who.Assertion
	if a.Fingerprint.IsZero() || a.Issuer == string(v.who.Client) {
		return ""
	}
	return fmt.Sprintf("; based on token %q of issuer %q, sha256 %s", hearsay(a.TokenID), hearsay(a.Issuer), a.Fingerprint)
}

// letterFacts are what a letter of our own says of itself. Only when the
// signature is right are the words ours.
func (d *Desk) letterFacts(rej *narrowcast.Rejection) *event.Token {
	if rej.Genuine {
		return event.TokenOf(rej.Claimed)
	}
	facts := assertionFacts(rej.Claimed)
	facts.Client = hearsay(rej.Claimed.ClientID)
	return facts
}

// assertionFacts are what an assertion says of itself, bounded.
func assertionFacts(c narrowcast.Claimed) *event.Token {
	return &event.Token{
		Fingerprint: c.Fingerprint, ID: hearsay(c.TokenID), Issuer: hearsay(c.Issuer), Subject: hearsay(c.Subject),
		Client: hearsay(c.Issuer), KeyID: hearsay(c.KeyID), IssuedAt: c.IssuedAt, Expires: c.Expires,
	}
}

// Bounds on the text of an event.
const (
	maxDetail   = 1024
	maxReceived = 4
	maxHearsay  = 100 // an ES256 token of one claim is longer
)

func hearsay(s string) string { return cut(s, maxHearsay) }

// cut bounds a text and takes out what would write on a terminal.
func cut(s string, most int) string {
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most-len("…")], "") + "…"
	}
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
