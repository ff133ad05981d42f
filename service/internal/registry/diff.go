package registry

import (
	"cmp"
	"slices"
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// Diff tells what changes when before becomes after. A nil Snapshot is an empty
// registry. Reach is what counts, not text: disabling a door is told as the loss
// of everybody who could reach it, and a caller entry of a disabled client is no
// reach. To see also who gains the issuer's own doors, give it two snapshots
// that come from [Snapshot.WithHouse].
func Diff(before, after *Snapshot) []Change {
	if before == nil {
		before = &Snapshot{}
	}
	if after == nil {
		after = &Snapshot{}
	}
	d := &differ{before: before, after: after}
	d.doors()
	d.reach()
	d.clientEntries()
	d.issuerEntries()
	slices.SortStableFunc(d.changes, func(a, b Change) int {
		return cmp.Or(
			cmp.Compare(rank(a), rank(b)),
			strings.Compare(a.Door, b.Door),
			strings.Compare(a.Client, b.Client),
		)
	})
	return d.changes
}

// rank puts reach first: it is what a reviewer is asked about.
func rank(c Change) int {
	switch c.Kind {
	case ReachGained:
		return 0
	case ReachLost:
		return 1
	}
	if c.Door != "" {
		return 2
	}
	return 3
}

type differ struct {
	before, after *Snapshot
	changes       []Change
}

func (d *differ) add(c Change) { d.changes = append(d.changes, c) }

// paired walks two lists that are sorted by key and calls each with the entries
// of one key; the missing one is nil.
func paired[T any](before, after []T, key func(T) string, each func(key string, before, after *T)) {
	old := map[string]*T{}
	for i := range before {
		old[key(before[i])] = &before[i]
	}
	for i := range after {
		each(key(after[i]), old[key(after[i])], &after[i])
		delete(old, key(after[i]))
	}
	for i := range before {
		if gone := old[key(before[i])]; gone != nil {
			each(key(before[i]), gone, nil)
		}
	}
}

// edge is a client that could get a token for a door now.
type edge struct {
	client   string
	door     string
	name     string
	scope    narrowcast.Scope
	position string
}

// edges are all pairs that reach, by policy's own enumeration.
func (s *Snapshot) edges() (all []edge) {
	for _, c := range s.clients {
		for _, door := range s.rules.Reach(c.ID) {
			r := s.resources[s.byAudience[door.Audience.String()]]
			for _, caller := range r.Callers {
				if caller.Client == c.ID {
					all = append(all, edge{string(c.ID), door.Audience.String(), r.Name, door.Scopes, caller.Position})
				}
			}
		}
	}
	return all
}

func (d *differ) reach() {
	key := func(e edge) string { return e.client + " " + e.door }
	paired(d.before.edges(), d.after.edges(), key, func(_ string, was, is *edge) {
		if was == nil {
			was = &edge{client: is.client, door: is.door, name: is.name, position: is.position}
		}
		if is == nil {
			is = &edge{client: was.client, door: was.door, name: was.name, position: was.position}
		}
		if gained := without(is.scope, was.scope); gained != "" {
			d.add(Change{Kind: ReachGained, Door: is.door, Client: is.client, Before: was.scope.String(), After: is.scope.String(),
				Text: is.client + " gains " + gained + " at " + is.name, Position: is.position, Widens: true})
		}
		if lost := without(was.scope, is.scope); lost != "" {
			d.add(Change{Kind: ReachLost, Door: is.door, Client: is.client, Before: was.scope.String(), After: is.scope.String(),
				Text: is.client + " loses " + lost + " at " + is.name, Position: is.position})
		}
	})
}

// without lists the tokens of a that b does not have.
func without(a, b narrowcast.Scope) string {
	var rest []string
	for token := range a.Tokens() {
		if !b.Has(token) {
			rest = append(rest, token)
		}
	}
	return strings.Join(rest, ", ")
}
