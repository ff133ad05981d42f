package registry

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

func (d *differ) doors() {
	key := func(r Resource) string { return r.Audience.String() }
	paired(d.before.resources, d.after.resources, key, func(id string, was, is *Resource) {
		switch {
		case was == nil:
			d.add(Change{Kind: DoorAdded, Door: id, After: is.Name, Position: is.Position,
				Text: fmt.Sprintf("%s is a new resource, %s, criticality %s, owned by %s", is.Name, id, is.Criticality, is.Owner)})
			was = &Resource{}
			d.attached(id, was, is)
		case is == nil:
			d.add(Change{Kind: DoorRemoved, Door: id, Before: was.Name, Position: was.Position,
				Text: fmt.Sprintf("%s is no resource any more, %s", was.Name, id)})
		default:
			d.door(id, was, is)
		}
	})
}

func (d *differ) door(id string, was, is *Resource) {
	change := func(kind, what, before, after string, widens bool) {
		if before != after {
			d.add(Change{Kind: kind, Door: id, Before: before, After: after, Position: is.Position, Widens: widens,
				Text: is.Name + ": " + what + " " + or(before, "none") + " becomes " + or(after, "none")})
		}
	}
	if was.Disabled != is.Disabled {
		kind, text := DoorEnabled, " is enabled"
		if is.Disabled {
			kind, text = DoorDisabled, " is disabled"
		}
		d.add(Change{Kind: kind, Door: id, Text: is.Name + text, Position: is.Position, Widens: was.Disabled})
	}
	change(DoorChanged, "name", was.Name, is.Name, false)
	change(DoorChanged, "owner", was.Owner, is.Owner, false)
	change(DoorChanged, "data", strings.Join(was.Data, ", "), strings.Join(is.Data, ", "), false)
	change(DoorChanged, "known scopes", was.Scopes.String(), is.Scopes.String(), false)
	// A token crosses a wall when the wall moves.
	change(WallChanged, "tenant", was.Tenant, is.Tenant, true)
	change(WallChanged, "environment", was.Environment, is.Environment, true)
	change(CriticalityMoved, "criticality", string(was.Criticality), string(is.Criticality), weight(is.Criticality) < weight(was.Criticality))
	change(LifetimeChanged, "ttl", life(was.TTL), life(is.TTL), is.TTL > was.TTL)
	change(LifetimeChanged, "max_ttl", life(was.MaxTTL), life(is.MaxTTL), is.MaxTTL > was.MaxTTL)
	change(BindingChanged, "binding", was.Binding.String(), is.Binding.String(), is.Binding.Looser(was.Binding))
	d.delegation(id, was, is, change)
	d.attached(id, was, is)
}

// attached tells of whom a resource names.
func (d *differ) attached(id string, was, is *Resource) {
	d.listed(id, is, was.Verifiers, is.Verifiers, VerifierAdded, VerifierRemoved, "report for "+is.Name)
	d.listed(id, is, was.Servers, is.Servers, ServerAdded, ServerRemoved, "exchange and introspect tokens for "+is.Name)
	d.mayAct(id, was, is)
	d.aliases(id, was, is)
}

func weight(c Criticality) int { return slices.Index([]Criticality{Low, Medium, High}, c) }

// listed tells who was added to a list of clients and who was taken from it.
func (d *differ) listed(id string, of *Resource, was, is []narrowcast.ClientID, added, removed, what string) {
	for _, client := range is {
		if !slices.Contains(was, client) {
			d.add(Change{Kind: added, Door: id, Client: string(client), Position: of.Position, Widens: true,
				Text: string(client) + " may " + what})
		}
	}
	for _, client := range was {
		if !slices.Contains(is, client) {
			d.add(Change{Kind: removed, Door: id, Client: string(client), Position: of.Position,
				Text: string(client) + " may no longer " + what})
		}
	}
}

func (d *differ) aliases(id string, was, is *Resource) {
	key := func(a Alias) string { return a.Name + " " + a.Until.Format(time.RFC3339) }
	paired(was.Aliases, is.Aliases, key, func(_ string, old, new *Alias) {
		switch {
		case old == nil:
			d.add(Change{Kind: AliasAdded, Door: id, After: new.Name, Position: new.Position,
				Text: fmt.Sprintf("%s may be asked for as %s until %s", is.Name, new.Name, new.Until.Format(time.RFC3339))})
		case new == nil:
			d.add(Change{Kind: AliasRemoved, Door: id, Before: old.Name, Position: old.Position,
				Text: fmt.Sprintf("%s may no longer be asked for as %s (until %s)", is.Name, old.Name, old.Until.Format(time.RFC3339))})
		}
	})
}

func life(d time.Duration) string { return sy.Short(d) }

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
