package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// Digest returns the SHA-256, in hex, of what the registry says. Comments,
// order, spelling and the division into files do not count, and neither do the
// issuer's own doors.
func (s *Snapshot) Digest() string { return s.digest }

// computeDigest hashes every field with its length before it, so that no two
// registries give the same bytes.
func (s *Snapshot) computeDigest() string {
	h := fields{sha256.New()}
	h.add("narrowcast registry 2")
	h.count(len(s.resources))
	for _, r := range s.resources {
		h.resource(r)
	}
	h.count(len(s.clients))
	for _, c := range s.clients {
		h.add(string(c.ID), c.Owner, c.Kind, fmt.Sprint(c.Disabled))
		h.count(len(c.Authenticate))
		for _, credential := range c.Authenticate {
			h.credential(credential)
		}
	}
	h.count(len(s.issuers))
	for _, i := range s.issuers {
		h.issuer(i)
	}
	return hex.EncodeToString(h.Sum(nil))
}

type fields struct{ hash.Hash }

func (h fields) add(texts ...string) {
	for _, text := range texts {
		fmt.Fprintf(h, "%d:%s", len(text), text)
	}
}

func (h fields) count(n int) { fmt.Fprintf(h, "#%d;", n) }

func (h fields) list(texts []string) {
	h.count(len(texts))
	h.add(texts...)
}

func (h fields) clients(ids []narrowcast.ClientID) {
	h.count(len(ids))
	for _, id := range ids {
		h.add(string(id))
	}
}

func (h fields) resource(r Resource) {
	h.add(r.Audience.String(), r.Name, r.Owner, r.Environment, string(r.Criticality), r.Tenant, r.Scopes.String(),
		fmt.Sprint(r.Disabled), r.TTL.String(), r.MaxTTL.String())
	h.list(r.Data)
	h.add(r.Binding.String())
	h.count(len(r.Callers))
	for _, c := range r.Callers {
		h.add(string(c.Client), c.Scopes.String(), string(c.MayAct))
	}
	h.clients(r.Verifiers)
	h.clients(r.Servers)
	h.add(fmt.Sprint(r.Delegation, r.SingleUse, r.StatusList), r.Stale.After.String(), string(r.Stale.When))
	h.list(r.Details)
	h.count(len(r.Aliases))
	for _, a := range r.Aliases {
		h.add(a.Name, a.Until.Format(time.RFC3339))
	}
}

// credential adds what the texts of proofs do not tell apart.
func (h fields) credential(c Credential) {
	h.list(proofs(c))
	h.list(identities(c))
}

func (h fields) issuer(i Issuer) {
	h.add(i.Issuer.String(), i.Profile, i.JWKSURL, i.Bundle.URL, i.Bundle.EndpointID, i.MaxAge.String(),
		fmt.Sprint(i.Discovery, i.Bundle.WorkloadAPI, i.OneTime, i.TokenReview, i.Disabled))
	h.add(string(i.Bundle.Document))
	h.count(len(i.Keys))
	for _, key := range i.Keys {
		h.add(describeKey(key))
	}
}
