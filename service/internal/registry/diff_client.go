package registry

import (
	"fmt"
	"slices"

	"github.com/narrowcast-io/narrowcast/service/internal/federation"
)

func (d *differ) clientEntries() {
	key := func(c Client) string { return string(c.ID) }
	paired(d.before.clients, d.after.clients, key, func(id string, was, is *Client) {
		switch {
		case was == nil:
			d.add(Change{Kind: ClientAdded, Client: id, After: is.Kind, Position: is.Position, Widens: is.Kind == Admin,
				Text: fmt.Sprintf("%s is a new client of kind %s, owned by %s", id, is.Kind, is.Owner)})
			d.proofs(id, &Client{}, &Client{Position: is.Position, Authenticate: is.foreign()})
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
	d.proofs(id, was, is)
}

func (d *differ) proofs(id string, was, is *Client) {
	had, has := was.proofs(), is.proofs()
	for _, proof := range has {
		if slices.ContainsFunc(had, proof.same) {
			continue
		}
		d.add(Change{Kind: ProofAdded, Client: id, After: proof.text, Position: is.Position, Widens: !d.covered(was, proof.of),
			Text: "whoever holds " + proof.text + " can act as " + id + d.notes(proof.of)})
	}
	for _, proof := range had {
		if !slices.ContainsFunc(has, proof.same) {
			d.add(Change{Kind: ProofRemoved, Client: id, Before: proof.text, Position: is.Position,
				Text: proof.text + " no longer works for " + id})
		}
	}
}

// covered reports that a rule lets in nobody whom a rule of before did not: it
// was only tightened.
func (d *differ) covered(was *Client, c Credential) bool {
	is, known := d.after.Issuer(c.Rule.Issuer)
	return c.Kind == Federated && known && slices.ContainsFunc(was.Authenticate, func(old Credential) bool {
		return old.Kind == Federated && federation.Covers(is.Profile, old.Rule, c.Rule)
	})
}

// notes are what a reviewer should know of a rule.
func (d *differ) notes(c Credential) string {
	is, known := d.after.Issuer(c.Rule.Issuer)
	if c.Kind != Federated || !known {
		return ""
	}
	text := ""
	for _, note := range federation.Notes(is.Profile, c.Rule) {
		text += "; " + note
	}
	return text
}

// foreign are the credentials that somebody else gives out.
func (c *Client) foreign() (all []Credential) {
	for _, credential := range c.Authenticate {
		switch credential.Kind {
		case SPIFFE, TLSClientAuth, Federated:
			all = append(all, credential)
		}
	}
	return all
}

// proof is one thing that proves who a client is.
type proof struct {
	of             Credential
	text, identity string
}

func (p proof) same(other proof) bool {
	return p.of.Kind == other.of.Kind && p.identity == other.identity
}

func (c *Client) proofs() (all []proof) {
	for _, credential := range c.Authenticate {
		identities := identities(credential)
		for i, text := range proofs(credential) {
			all = append(all, proof{credential, text, identities[i]})
		}
	}
	return all
}
