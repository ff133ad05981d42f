package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/federation"
)

func (d *differ) issuerEntries() {
	key := func(i Issuer) string { return i.Issuer.String() }
	paired(d.before.issuers, d.after.issuers, key, func(id string, was, is *Issuer) {
		switch {
		case was == nil:
			d.add(Change{Kind: IssuerAdded, After: is.Profile, Position: is.Position, Widens: !is.Disabled,
				Text: "issuer " + id + " is trusted, profile " + is.Profile + map[bool]string{true: ", and disabled"}[is.Disabled]})
		case is == nil:
			d.add(Change{Kind: IssuerRemoved, Before: was.Profile, Position: was.Position, Text: "issuer " + id + " is no longer trusted"})
		default:
			d.issuer(id, was, is)
		}
	})
}

func (d *differ) issuer(id string, was, is *Issuer) {
	change := func(what, before, after string, widens bool) {
		if before != after {
			d.add(Change{Kind: IssuerChanged, Before: before, After: after, Position: is.Position, Widens: widens,
				Text: "issuer " + id + ": " + what + " " + before + " becomes " + after})
		}
	}
	if was.Disabled != is.Disabled {
		kind, text := IssuerEnabled, " is enabled"
		if is.Disabled {
			kind, text = IssuerDisabled, " is disabled: nothing of it is taken"
		}
		d.add(Change{Kind: kind, Text: "issuer " + id + text, Position: is.Position, Widens: was.Disabled})
	}
	change("profile", was.Profile, is.Profile, true)
	change("keys from", was.source(), is.source(), true)
	before, after := was.age(), is.age()
	change("max_age", life(before), life(after), after > before)
	change("one_time", fmt.Sprint(was.OneTime), fmt.Sprint(is.OneTime), was.OneTime)
	change("token_review", fmt.Sprint(was.TokenReview), fmt.Sprint(is.TokenReview), was.TokenReview)
	d.issuerKeys(id, was, is)
}

func (d *differ) issuerKeys(id string, was, is *Issuer) {
	had, has := was.keys(), is.keys()
	for _, key := range has {
		if !slices.Contains(had, key) {
			d.add(Change{Kind: IssuerChanged, After: key, Position: is.Position, Widens: true,
				Text: "whoever holds " + key + " can speak for everybody of issuer " + id})
		}
	}
	for _, key := range had {
		if !slices.Contains(has, key) {
			d.add(Change{Kind: IssuerChanged, Before: key, Position: is.Position, Text: key + " no longer works for issuer " + id})
		}
	}
}

func (i *Issuer) keys() (all []string) {
	for _, key := range i.Keys {
		all = append(all, describeKey(key))
	}
	return all
}

func (i *Issuer) age() time.Duration {
	if i.MaxAge == 0 {
		return federation.DefaultMaxAge(i.Profile)
	}
	return i.MaxAge
}

// source says in a few words where keys come from. A bundle document counts as
// a whole.
func (i *Issuer) source() string {
	file := func() string {
		sum := sha256.Sum256(i.Bundle.Document)
		return "a bundle file (" + hex.EncodeToString(sum[:8]) + ")"
	}
	switch b := i.Bundle; {
	case b.EndpointID != "":
		return b.URL + " of " + b.EndpointID + ", first vouched for by " + file()
	case len(b.Document) > 0:
		return file()
	case b.URL != "":
		return b.URL
	case b.WorkloadAPI:
		return "the Workload API"
	case i.JWKSURL != "":
		return i.JWKSURL
	case len(i.Keys) > 0:
		return "a key file"
	}
	return "discovery"
}
