package registry

import (
	"fmt"
	"slices"
	"strings"
	"time"

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
			d.verifiers(id, was, is)
			d.aliases(id, was, is)
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
	d.verifiers(id, was, is)
	d.aliases(id, was, is)
}

func weight(c Criticality) int { return slices.Index([]Criticality{Low, Medium, High}, c) }

func (d *differ) verifiers(id string, was, is *Resource) {
	for _, client := range is.Verifiers {
		if !slices.Contains(was.Verifiers, client) {
			d.add(Change{Kind: VerifierAdded, Door: id, Client: string(client), Position: is.Position, Widens: true,
				Text: string(client) + " may report for " + is.Name})
		}
	}
	for _, client := range was.Verifiers {
		if !slices.Contains(is.Verifiers, client) {
			d.add(Change{Kind: VerifierRemoved, Door: id, Client: string(client), Position: is.Position,
				Text: string(client) + " may no longer report for " + is.Name})
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
