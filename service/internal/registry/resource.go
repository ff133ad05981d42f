package registry

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

// Lifetimes of tokens.
const (
	DefaultTTL    = 5 * time.Minute
	DefaultMaxTTL = 10 * time.Minute
	HighCeiling   = 15 * time.Minute // of resources of criticality high
	HardCeiling   = time.Hour
	minTTL        = 10 * time.Second
)

func (l *loader) readResource(v sy.Value) {
	d := draftResource{at: v}
	d.Position = place(v)
	var tokens sy.Value
	read := v.Object(
		sy.Field{Name: "id", Required: true, Read: func(v sy.Value) { d.id = v; parsed(&d.Audience, parseID)(v) }},
		sy.Field{Name: "name", Required: true, Read: func(v sy.Value) { d.name = v; parsed(&d.Name, parseResourceName)(v) }},
		sy.Field{Name: "owner", Required: true, Read: parsed(&d.Owner, parseLabel)},
		sy.Field{Name: "environment", Required: true, Read: parsed(&d.Environment, parseLabel)},
		sy.Field{Name: "criticality", Required: true, Read: set(&d.Criticality, func(v sy.Value) (Criticality, bool) {
			return sy.OneOf(v, High, Medium, Low)
		})},
		sy.Field{Name: "data", Read: func(v sy.Value) { d.Data = readLabels(v) }},
		sy.Field{Name: "tenant", Read: parsed(&d.Tenant, parseLabel)},
		sy.Field{Name: "scopes", Required: true, Read: func(v sy.Value) { d.Scopes = readScopes(v) }},
		sy.Field{Name: "disabled", Read: set(&d.Disabled, sy.Value.Bool)},
		sy.Field{Name: "tokens", Read: func(v sy.Value) { tokens = v }},
		sy.Field{Name: "callers", Read: func(v sy.Value) { v.List(0, maxEntries, d.readCaller) }},
		sy.Field{Name: "verifiers", Read: func(v sy.Value) { v.List(0, maxShort, d.readVerifier) }},
		sy.Field{Name: "aliases", Read: func(v sy.Value) { v.List(0, maxShort, d.readAlias) }},
	)
	if !read {
		return
	}
	d.readTokens(tokens)
	l.resources = append(l.resources, d)
}

// readTokens comes last: the ceiling depends on the criticality.
func (d *draftResource) readTokens(v sy.Value) {
	ceiling := HardCeiling
	if d.Criticality == High {
		ceiling = HighCeiling
	}
	duration := func(into *time.Duration) func(sy.Value) {
		return set(into, func(v sy.Value) (time.Duration, bool) { return v.Duration(minTTL, ceiling) })
	}
	var ttl, sender sy.Value
	if v != (sy.Value{}) {
		v.Object(
			sy.Field{Name: "ttl", Read: func(v sy.Value) { ttl = v; duration(&d.TTL)(v) }},
			sy.Field{Name: "max_ttl", Read: duration(&d.MaxTTL)},
			sy.Field{Name: "sender", Read: func(v sy.Value) {
				sender = v
				set(&d.Binding.Sender, func(v sy.Value) (policy.Sender, bool) {
					return sy.OneOf(v, policy.Required, policy.Preferred, policy.Bearer)
				})(v)
			}},
			sy.Field{Name: "binding", Read: d.readBinding},
		)
	}
	if d.MaxTTL == 0 {
		d.MaxTTL = DefaultMaxTTL
	}
	if d.TTL > d.MaxTTL {
		ttl.Fault("is above max_ttl, which is %s", sy.Short(d.MaxTTL))
	}
	if d.TTL == 0 {
		d.TTL = min(DefaultTTL, d.MaxTTL)
	}
	d.settleBinding(sender)
}

// settleBinding fills in what the file does not say. Nothing at all means that a
// proof of possession binds a token, because who makes one asks for it, and that
// a certificate does not.
func (d *draftResource) settleBinding(sender sy.Value) {
	b := &d.Binding
	if b.Sender == policy.Bearer {
		switch {
		case d.Criticality == High:
			sender.Fault("is bearer, and criticality high demands tokens that are bound to their sender")
		case b.DPoP || b.MTLS:
			sender.Fault("is bearer, and binding lists ways to bind tokens")
		}
		return
	}
	if d.Criticality == High && b.Sender == policy.Preferred {
		sender.Fault("is preferred, and criticality high demands tokens that are bound to their sender")
	}
	switch listed := b.DPoP || b.MTLS; {
	case b.Sender == "" && (listed || d.Criticality == High):
		b.Sender = policy.Required
	case b.Sender == "":
		b.Sender, b.DPoP = policy.Preferred, true
	}
	if !b.DPoP && !b.MTLS {
		b.DPoP, b.MTLS = true, true
	}
}

func (d *draftResource) readBinding(v sy.Value) {
	v.List(1, 2, func(v sy.Value) {
		method, ok := sy.OneOf(v, "dpop", "mtls")
		way := map[string]*bool{"dpop": &d.Binding.DPoP, "mtls": &d.Binding.MTLS}[method]
		switch {
		case !ok:
		case *way:
			v.Fault("is listed twice")
		default:
			*way = true
		}
	})
}

func (d *draftResource) readCaller(v sy.Value) {
	ref := reference{}
	caller := Caller{Position: place(v)}
	v.Object(
		sy.Field{Name: "client", Required: true, Read: func(v sy.Value) { ref.at = v; parsed(&ref.client, parseClientID)(v) }},
		sy.Field{Name: "scopes", Required: true, Read: func(v sy.Value) { ref.scopes = v; caller.Scopes = readScopes(v) }},
	)
	if ref.client == "" {
		return
	}
	if repeated(d.callers, ref) {
		return
	}
	caller.Client = ref.client
	d.callers = append(d.callers, ref)
	d.Callers = append(d.Callers, caller)
}

func (d *draftResource) readVerifier(v sy.Value) {
	ref := reference{}
	v.Object(sy.Field{Name: "client", Required: true, Read: func(v sy.Value) { ref.at = v; parsed(&ref.client, parseClientID)(v) }})
	if ref.client == "" || repeated(d.verifiers, ref) {
		return
	}
	d.verifiers = append(d.verifiers, ref)
	d.Verifiers = append(d.Verifiers, ref.client)
}

// repeated reports a client that has an entry already: two entries would be
// read as their union by some people and as the last one by others.
func repeated(refs []reference, ref reference) bool {
	for _, other := range refs {
		if other.client == ref.client {
			ref.at.Fault("%s is listed twice; the first entry is at %s", ref.client, other.at.Position())
			return true
		}
	}
	return false
}

func (d *draftResource) readAlias(v sy.Value) {
	alias, name := Alias{Position: place(v)}, sy.Value{}
	v.Object(
		sy.Field{Name: "name", Required: true, Read: func(v sy.Value) { name = v; parsed(&alias.Name, parseAliasName)(v) }},
		sy.Field{Name: "until", Required: true, Read: set(&alias.Until, sy.Value.Until)},
	)
	if alias.Name == "" || alias.Until.IsZero() {
		return
	}
	d.Aliases = append(d.Aliases, alias)
	d.aliases = append(d.aliases, name)
}

// parseAliasName takes whatever a client may have in use, also a spelling that
// could not be registered itself.
func parseAliasName(s string) (string, error) {
	switch {
	case len(s) > 512:
		return "", errors.New("is longer than 512 bytes")
	case strings.Contains(s, "*"):
		return "", errors.New("wildcards are not allowed; name every alias")
	case strings.ContainsFunc(s, func(r rune) bool { return r <= 0x20 || r > 0x7e }):
		return "", errors.New("must be printable ASCII without white space")
	}
	return s, nil
}

func readLabels(v sy.Value) (labels []string) {
	v.List(0, maxShort, func(v sy.Value) {
		if label, ok := sy.Parsed(v, parseLabel); ok {
			labels = append(labels, label)
		}
	})
	slices.Sort(labels)
	return slices.Compact(labels)
}

func readScopes(v sy.Value) narrowcast.Scope {
	text, seen := "", map[narrowcast.Scope]bool{}
	v.List(1, maxShort, func(v sy.Value) {
		token, ok := sy.Parsed(v, parseScopeToken)
		switch {
		case !ok:
		case seen[token]:
			v.Fault("is listed twice")
		default:
			seen[token] = true
			text += " " + token.String()
		}
	})
	if text == "" {
		return narrowcast.Scope{}
	}
	scope, err := narrowcast.ParseScope(text[1:])
	if err != nil {
		v.Fault("%v", err)
	}
	return scope
}
