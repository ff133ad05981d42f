package policy

import (
	"slices"
	"strconv"
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// decideChain writes the new chain of actors and holds it against the door that
// it leads to.
func (r *Rules) decideChain(door *door, q Request, d *Decision) {
	if q.Parent == nil {
		return
	}
	chain := slices.Clone(q.Parent.Actors)
	if r.takesOver(q) {
		chain = slices.Insert(chain, 0, q.actor())
	}
	if len(chain) > door.Delegation {
		d.refuse(InvalidTarget, "the token would be handed on "+times(len(chain))+", and the resource takes "+times(door.Delegation), door.Position)
		return
	}
	d.Actors = chain
	if len(chain) > 0 {
		d.step(Reason{Text: "the token would be handed on " + times(len(chain)) + ", of " + strconv.Itoa(door.Delegation) + " that the resource takes", Position: door.Position})
	}
}

// is reports whether the client is known by this name.
func (r *Rules) is(client narrowcast.ClientID, name narrowcast.Subject) bool {
	return client != "" && name != "" && (narrowcast.Subject(client) == name || r.parties[name] == client)
}

// same reports whether two names are those of one party.
func (r *Rules) same(a, b narrowcast.Subject) bool {
	client, known := r.parties[a]
	return a == b || known && r.parties[b] == client
}

func times(n int) string {
	switch n {
	case 0:
		return "no token that was handed on"
	case 1:
		return "once"
	}
	return strconv.Itoa(n) + " times"
}

// handOn cuts what the client is granted down to what the parent has. What was
// asked for by name is refused and not cut.
func (d *Decision) handOn(grant *grant, q Request) {
	p := q.Parent
	if !q.Scope.IsZero() {
		if !p.Scope.Covers(q.Scope) {
			d.Scope = narrowcast.Scope{}
			d.refuse(InvalidScope, "the token that is exchanged has "+or(p.Scope.String(), "no scope")+" and not "+first(q.Scope, p.Scope), "")
		}
		return
	}
	d.Scope = common(grant.Scope, p.Scope)
	if d.Scope.IsZero() {
		d.refuse(InvalidScope, "the token that is exchanged has "+or(p.Scope.String(), "no scope")+", and nothing of that is granted to the caller: "+grant.Scope.String(), grant.Position)
	}
}

// common returns what both scopes hold.
func common(a, b narrowcast.Scope) narrowcast.Scope {
	var both []string
	for token := range a.Tokens() {
		if b.Has(token) {
			both = append(both, token)
		}
	}
	scope, err := narrowcast.ParseScope(strings.Join(both, " "))
	if err != nil {
		return narrowcast.Scope{} // cannot happen: part of a scope is a scope
	}
	return scope
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
