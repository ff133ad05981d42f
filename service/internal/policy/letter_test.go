package policy_test

import (
	"slices"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
)

// letter is a token as a house would write it after a decision.
type letter struct {
	audience narrowcast.Audience
	client   narrowcast.ClientID
	subject  narrowcast.Subject
	actors   []narrowcast.Subject
	mayAct   narrowcast.Subject
	scope    narrowcast.Scope
	at, ends time.Time
	hops     int     // exchanges since the root
	root     *letter // nil in the root itself
	parent   *letter
}

func (l *letter) asParent() *policy.Parent {
	return &policy.Parent{
		Audience: l.audience, Client: l.client, Subject: l.subject, Actors: l.actors, MayAct: l.mayAct, Scope: l.scope, Expires: l.ends,
	}
}

// written is the token of a decision that allowed.
func written(q policy.Request, d policy.Decision, parent *letter) *letter {
	l := &letter{
		audience: d.Audience, client: q.Client, subject: narrowcast.Subject(q.Client), actors: d.Actors, mayAct: d.MayAct,
		scope: d.Scope, at: q.At, ends: q.At.Add(d.Lifetime), parent: parent,
	}
	if parent != nil {
		l.subject, l.hops, l.root = parent.subject, parent.hops+1, parent.root
		if l.root == nil {
			l.root = parent
		}
	}
	return l
}

// widened says by what a token that came from an exchange is more than the one
// before it, or than the first one. It reads the configuration by itself.
func widened(c policy.Config, l *letter) string {
	door, from := doorOf(c, l.audience), doorOf(c, l.parent.audience)
	granted := slices.ContainsFunc(c.Grants, func(g policy.Grant) bool {
		return g.Client == l.client && g.Audience == l.audience && g.Scope.Covers(l.scope)
	})
	disabled := func(id narrowcast.ClientID) bool {
		return slices.ContainsFunc(c.Clients, func(one policy.Client) bool { return one.ID == id && one.Disabled })
	}
	sorted := slices.Sorted(slices.Values(l.actors))
	switch {
	case !granted:
		return "no edge"
	case !slices.Contains(from.Servers, l.client):
		return "not the addressee"
	case !reachable(c, l.root.audience)[l.audience]:
		return "beyond what the root reaches"
	case door.Disabled, from.Disabled, disabled(l.client), disabled(l.parent.client):
		return "disabled"
	case l.scope.IsZero(), !l.parent.scope.Covers(l.scope), !l.root.scope.Covers(l.scope):
		return "scope"
	case l.ends.After(l.parent.ends), l.ends.After(l.root.ends), l.ends.After(l.at.Add(door.MaxTTL)), !l.ends.After(l.at):
		return "time"
	case len(l.actors) != l.hops, l.hops > door.Delegation, l.hops > narrowcast.MaxActors:
		return "depth"
	case l.actors[0] != narrowcast.Subject(l.client), !slices.Equal(l.actors[1:], l.parent.actors):
		return "history"
	case len(slices.Compact(sorted)) != len(l.actors), slices.Contains(l.actors, l.subject):
		return "loop"
	case l.subject != l.root.subject:
		return "subject"
	case l.parent.mayAct != "" && l.parent.mayAct != narrowcast.Subject(l.client):
		return "may_act"
	}
	return ""
}

func doorOf(c policy.Config, a narrowcast.Audience) policy.Door {
	i := slices.IndexFunc(c.Doors, func(d policy.Door) bool { return d.Audience == a })
	return c.Doors[i]
}

// reachable are the doors to which a token for a could lead by edges alone.
func reachable(c policy.Config, a narrowcast.Audience) map[narrowcast.Audience]bool {
	seen, todo := map[narrowcast.Audience]bool{}, []narrowcast.Audience{a}
	for len(todo) > 0 {
		servers := doorOf(c, todo[0]).Servers
		todo = todo[1:]
		for _, g := range c.Grants {
			if slices.Contains(servers, g.Client) && !seen[g.Audience] {
				seen[g.Audience] = true
				todo = append(todo, g.Audience)
			}
		}
	}
	return seen
}
