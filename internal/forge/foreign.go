package forge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/profile"
)

// Foreign is a token of a foreign issuer, right or wrong, with the setting of
// the verifier that it is shown to. These are no part of Faults: a live verifier
// can be asked for one dialect at a time, and a probe does not know which.
type Foreign struct {
	ID      string // group and name; the group of a wrong token is the dialect
	Title   string
	Reason  narrowcast.Reason // 0 for a right token
	Source  string
	Control string // the right token of the same dialect
	Strict  bool   // refused by the laws of this project, not by the letter of the issuer's documents

	Audience narrowcast.Audience
	Tenant   string
	Required narrowcast.Scope
	// Trusted are the issuers without their keys. The first has those of Keys.First,
	// the second those of Keys.Second.
	Trusted []narrowcast.TrustedIssuer
	Text    string
}

// land is a foreign issuer and the people who use it.
type land struct {
	name     string
	profile  string // default name
	options  profile.Options
	second   *narrowcast.TrustedIssuer
	audience string // default the world's
	tenant   string
	required string
	alg      narrowcast.Algorithm // default RS256, which they all have
	typ      string               // "" stands for none
	claims   func(w *World) object
	title    string
	rights   []foreignRight // besides the plain one
	wrongs   []foreignWrong
}

// foreignRight is another right token of a land.
type foreignRight struct {
	id, title string
	forge     forging
}

// foreignWrong is a wrong token of a land.
type foreignWrong struct {
	id, title string
	reason    narrowcast.Reason
	source    string
	forge     forging
	lenient   bool // the laws of this project refuse it, the issuer's documents do not ask for it
}

func (l land) trusted() ([]narrowcast.TrustedIssuer, error) {
	name := l.profile
	if name == "" {
		name = l.name
	}
	ti, err := profile.New(name, l.options)
	if err != nil {
		return nil, err
	}
	all := []narrowcast.TrustedIssuer{ti}
	if l.second != nil {
		all = append(all, *l.second)
	}
	return all, nil
}

// letter writes the right token of a land.
func (l land) letter(w *World) *letter {
	alg := l.alg
	if alg == "" {
		alg = narrowcast.RS256
	}
	home := *w
	if l.audience != "" {
		home.Audience = narrowcast.MustAudience(l.audience)
	}
	text := &letter{w: &home, payload: l.claims(&home)}
	text.useKey(w.Keys.key(alg))
	text.header.drop("typ")
	if l.typ != "" {
		text.header.set("typ", quoted(l.typ))
	}
	return text
}

// Foreign returns the tokens of foreign issuers, each dialect with its right
// ones first.
func (w *World) Foreign() ([]Foreign, error) {
	var all []Foreign
	for _, l := range lands() {
		of, err := l.tokens(w)
		if err != nil {
			return nil, fmt.Errorf("tokens of %s: %w", l.name, err)
		}
		all = append(all, of...)
	}
	return all, nil
}

func (l land) tokens(w *World) ([]Foreign, error) {
	trusted, err := l.trusted()
	if err != nil {
		return nil, err
	}
	control := "right." + l.name
	blank := Foreign{Audience: w.Audience, Tenant: l.tenant, Trusted: trusted}
	if l.audience != "" {
		blank.Audience = narrowcast.MustAudience(l.audience)
	}
	if l.required != "" {
		blank.Required = narrowcast.MustScope(l.required)
	}
	var all []Foreign
	for _, r := range slices.Concat([]foreignRight{{"", l.title, edit(plain)}}, l.rights) {
		f := blank
		f.ID, f.Title = strings.TrimSuffix(control+"-"+r.id, "-"), r.title
		if f.Text, err = r.forge(l.letter(w)); err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	for _, x := range l.wrongs {
		f := blank
		f.ID, f.Title, f.Reason, f.Source, f.Control, f.Strict = l.name+"."+x.id, x.title, x.reason, x.source, control, x.lenient
		if f.Text, err = x.forge(l.letter(w)); err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

func lands() []land {
	return slices.Concat(providers(), platforms(), domains())
}

// span writes iat and exp.
func span(w *World, minutes int64) (iat, exp string) {
	return number(w.Now.Unix()), number(w.Now.Unix() + 60*minutes)
}

// audWith sets aud to a list made from ours.
func audWith(others ...string) forging {
	return edit(func(l *letter) { l.payload.set("aud", list(append([]string{l.w.Audience.String()}, others...)...)) })
}

// audOnly sets aud to one other value, or to a list of others.
func audOnly(others ...string) forging {
	return edit(func(l *letter) {
		if len(others) == 1 {
			l.payload.set("aud", quoted(others[0]))
			return
		}
		l.payload.set("aud", list(others...))
	})
}

// usual are faults that every dialect with an aud has in common.
func usual() []foreignWrong {
	const clause = "RFC 7519 §4.1.3"
	return []foreignWrong{
		{"other", "the token is for another resource", narrowcast.AudienceMismatch, clause, aud(func(_, other string) string { return quoted(other) }), false},
		{"two-resources", "the list holds ours and another resource", narrowcast.AudienceMultiple, "RFC 9700 §2.3", aud(func(ours, other string) string { return list(ours, other) }), true},
		{"no-audience", "there is no audience", narrowcast.AudienceMissing, "RFC 8725 §3.9", noClaim("aud"), false},
		{"proof-type", "the type of a proof of possession", narrowcast.TypeMismatch, "RFC 8725 §3.11", header("typ", `"dpop+jwt"`), true},
	}
}
