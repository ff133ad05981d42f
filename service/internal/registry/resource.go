package registry

import (
	"errors"
	"slices"
	"strings"

	"github.com/narrowcast-io/narrowcast"
	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
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
		sy.Field{Name: "verifiers", Read: func(v sy.Value) { v.List(0, maxShort, readClients(&d.verifiers, &d.Verifiers)) }},
		sy.Field{Name: "servers", Read: func(v sy.Value) { v.List(0, maxShort, readClients(&d.servers, &d.Servers)) }},
		sy.Field{Name: "authorization_details", Read: d.readDetails},
		sy.Field{Name: "aliases", Read: func(v sy.Value) { v.List(0, maxShort, d.readAlias) }},
	)
	if !read {
		return
	}
	d.readTokens(tokens)
	l.resources = append(l.resources, d)
}

func (d *draftResource) readCaller(v sy.Value) {
	ref := reference{}
	caller := Caller{Position: place(v)}
	v.Object(
		sy.Field{Name: "client", Required: true, Read: func(v sy.Value) { ref.at = v; parsed(&ref.client, parseClientID)(v) }},
		sy.Field{Name: "scopes", Required: true, Read: func(v sy.Value) { ref.scopes = v; caller.Scopes = readScopes(v) }},
		sy.Field{Name: "may_act", Read: func(v sy.Value) { ref.mayAct = v; parsed(&caller.MayAct, parseClientID)(v) }},
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

// readClients reads entries that name a client and nothing else.
func readClients(refs *[]reference, clients *[]narrowcast.ClientID) func(sy.Value) {
	return func(v sy.Value) {
		ref := reference{}
		v.Object(sy.Field{Name: "client", Required: true, Read: func(v sy.Value) { ref.at = v; parsed(&ref.client, parseClientID)(v) }})
		if ref.client == "" || repeated(*refs, ref) {
			return
		}
		*refs, *clients = append(*refs, ref), append(*clients, ref.client)
	}
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
