package registry

import (
	"fmt"
	"slices"
)

func (d *differ) clientEntries() {
	key := func(c Client) string { return string(c.ID) }
	paired(d.before.clients, d.after.clients, key, func(id string, was, is *Client) {
		switch {
		case was == nil:
			d.add(Change{Kind: ClientAdded, Client: id, After: is.Kind, Position: is.Position, Widens: is.Kind == Admin,
				Text: fmt.Sprintf("%s is a new client of kind %s, owned by %s", id, is.Kind, is.Owner)})
		case is == nil:
			d.add(Change{Kind: ClientRemoved, Client: id, Before: was.Kind, Position: was.Position, Text: id + " is no client any more"})
		default:
			d.client(id, was, is)
		}
	})
}

func (d *differ) client(id string, was, is *Client) {
	if was.Disabled != is.Disabled {
		kind, text := ClientEnabled, " is enabled"
		if is.Disabled {
			kind, text = ClientDisabled, " is disabled"
		}
		d.add(Change{Kind: kind, Client: id, Text: id + text, Position: is.Position, Widens: was.Disabled})
	}
	if was.Owner != is.Owner {
		d.add(Change{Kind: ClientChanged, Client: id, Before: was.Owner, After: is.Owner, Position: is.Position,
			Text: id + ": owner " + was.Owner + " becomes " + is.Owner})
	}
	if was.Kind != is.Kind {
		d.add(Change{Kind: ClientChanged, Client: id, Before: was.Kind, After: is.Kind, Position: is.Position,
			Text: id + ": kind " + was.Kind + " becomes " + is.Kind, Widens: is.Kind == Admin})
	}
	had, has := was.proofs(), is.proofs()
	for _, proof := range has {
		if !slices.Contains(had, proof) {
			d.add(Change{Kind: ProofAdded, Client: id, After: proof, Position: is.Position, Widens: true,
				Text: "whoever holds " + proof + " can act as " + id})
		}
	}
	for _, proof := range had {
		if !slices.Contains(has, proof) {
			d.add(Change{Kind: ProofRemoved, Client: id, Before: proof, Position: is.Position,
				Text: proof + " no longer works for " + id})
		}
	}
}

func (c *Client) proofs() (all []string) {
	for _, credential := range c.Authenticate {
		all = append(all, proofs(credential)...)
	}
	return all
}

func (d *differ) issuerEntries() {
	key := func(i Issuer) string { return i.Issuer.String() }
	paired(d.before.issuers, d.after.issuers, key, func(id string, was, is *Issuer) {
		switch {
		case was == nil:
			d.add(Change{Kind: IssuerAdded, After: is.Profile, Position: is.Position, Widens: true,
				Text: "issuer " + id + " is trusted, profile " + is.Profile})
		case is == nil:
			d.add(Change{Kind: IssuerRemoved, Before: was.Profile, Position: was.Position, Text: "issuer " + id + " is no longer trusted"})
		case was.Profile != is.Profile:
			d.add(Change{Kind: IssuerChanged, Before: was.Profile, After: is.Profile, Position: is.Position, Widens: true,
				Text: "issuer " + id + ": profile " + was.Profile + " becomes " + is.Profile})
		}
	})
}
