package registry

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/federation"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
)

// Snapshot is one state of the registry. It never changes; what it gives out
// are copies. It may be used by many goroutines. The zero Snapshot is empty.
type Snapshot struct {
	resources  []Resource // in order of audience
	clients    []Client   // in order of id
	issuers    []Issuer   // in order of id
	byAudience map[string]int
	byName     map[string]int
	byClient   map[narrowcast.ClientID]int
	rules      *policy.Rules
	digest     string
}

func (l *loader) snapshot() (*Snapshot, error) {
	s := &Snapshot{}
	for _, d := range l.resources {
		s.resources = append(s.resources, d.Resource)
	}
	for _, d := range l.clients {
		s.clients = append(s.clients, d.Client)
	}
	for _, d := range l.issuers {
		s.issuers = append(s.issuers, d.Issuer)
	}
	if err := s.index(); err != nil {
		return nil, err
	}
	s.digest = s.computeDigest()
	return s, nil
}

// index brings the entries into their order and builds what lookups need.
func (s *Snapshot) index() error {
	slices.SortFunc(s.resources, func(a, b Resource) int { return cmp.Compare(a.Audience.String(), b.Audience.String()) })
	slices.SortFunc(s.clients, func(a, b Client) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(s.issuers, func(a, b Issuer) int { return cmp.Compare(a.Issuer.String(), b.Issuer.String()) })
	s.byAudience, s.byName = map[string]int{}, map[string]int{}
	for i := range s.resources {
		r := &s.resources[i]
		slices.SortFunc(r.Callers, func(a, b Caller) int { return cmp.Compare(a.Client, b.Client) })
		slices.SortFunc(r.Aliases, func(a, b Alias) int { return cmp.Compare(a.Name, b.Name) })
		slices.Sort(r.Verifiers)
		slices.Sort(r.Servers)
		slices.Sort(r.Details)
		s.byAudience[r.Audience.String()], s.byName[r.Name] = i, i
	}
	s.byClient = map[narrowcast.ClientID]int{}
	for i, c := range s.clients {
		s.byClient[c.ID] = i
	}
	rules, err := s.makeRules()
	if err != nil {
		return fmt.Errorf("registry: %w", err)
	}
	s.rules = rules
	return nil
}

// Resources returns all resources in order of their audience.
func (s *Snapshot) Resources() []Resource {
	all := make([]Resource, len(s.resources))
	for i, r := range s.resources {
		all[i] = r.clone()
	}
	return all
}

// Clients returns all clients in order of their id.
func (s *Snapshot) Clients() []Client {
	all := make([]Client, len(s.clients))
	for i, c := range s.clients {
		all[i] = c.clone()
	}
	return all
}

// Issuers returns all foreign issuers in order of their id.
func (s *Snapshot) Issuers() []Issuer {
	all := make([]Issuer, len(s.issuers))
	for i, one := range s.issuers {
		all[i] = one.clone()
	}
	return all
}

// Issuer returns the foreign issuer of this id. It may be disabled.
func (s *Snapshot) Issuer(id narrowcast.Issuer) (Issuer, bool) {
	i, ok := slices.BinarySearchFunc(s.issuers, id, func(one Issuer, id narrowcast.Issuer) int {
		return cmp.Compare(one.Issuer.String(), id.String())
	})
	if !ok || id.IsZero() {
		return Issuer{}, false
	}
	return s.issuers[i].clone(), true
}

// Resource returns the resource of this audience.
func (s *Snapshot) Resource(a narrowcast.Audience) (Resource, bool) {
	i, ok := s.byAudience[a.String()]
	if !ok || a.IsZero() {
		return Resource{}, false
	}
	return s.resources[i].clone(), true
}

// Named returns the resource of this name.
func (s *Snapshot) Named(name string) (Resource, bool) {
	i, ok := s.byName[name]
	if !ok {
		return Resource{}, false
	}
	return s.resources[i].clone(), true
}

// Resolve returns the resource that a person means by its name or its id. The
// root slash of an id does not matter; aliases are not looked at.
func (s *Snapshot) Resolve(text string) (Resource, bool) {
	if r, ok := s.Named(text); ok {
		return r, true
	}
	if r, ok := s.Resource(audienceOf(text)); ok {
		return r, true
	}
	return Resource{}, false
}

func audienceOf(text string) narrowcast.Audience {
	a, err := narrowcast.ParseAudience(text)
	if err != nil {
		return narrowcast.Audience{}
	}
	return a
}

// Client returns the client of this id.
func (s *Snapshot) Client(id narrowcast.ClientID) (Client, bool) {
	i, ok := s.byClient[id]
	if !ok {
		return Client{}, false
	}
	return s.clients[i].clone(), true
}

// Rules returns what policy decides by. Grants of disabled clients are not in
// them.
func (s *Snapshot) Rules() *policy.Rules { return s.rules }

func (s *Snapshot) makeRules() (*policy.Rules, error) {
	var c policy.Config
	for _, r := range s.resources {
		c.Doors = append(c.Doors, policy.Door{
			Audience: r.Audience, Disabled: r.Disabled, Scopes: r.Scopes, TTL: r.TTL, MaxTTL: r.MaxTTL,
			Binding: r.Binding, Servers: r.Servers, Delegation: r.Delegation, SingleUse: r.SingleUse,
			StatusList: r.StatusList, Stale: r.Stale, Details: r.Details, Position: r.Position,
		})
		for _, a := range r.Aliases {
			c.Aliases = append(c.Aliases, policy.Alias{Name: a.Name, Audience: r.Audience, Until: a.Until, Position: a.Position})
		}
		for _, caller := range r.Callers {
			if !s.clients[s.byClient[caller.Client]].Disabled {
				c.Grants = append(c.Grants, policy.Grant{Client: caller.Client, Audience: r.Audience, Scope: caller.Scopes, MayAct: caller.MayAct, Position: caller.Position})
			}
		}
	}
	for _, one := range s.clients {
		c.Clients = append(c.Clients, policy.Client{ID: one.ID, Disabled: one.Disabled, Names: one.names(), Position: one.Position})
	}
	return policy.NewRules(c)
}

// names are what tokens may call the client besides its id.
func (c Client) names() (all []narrowcast.Subject) {
	for _, credential := range c.Authenticate {
		if credential.Kind == SPIFFE {
			all = append(all, narrowcast.Subject(credential.SPIFFE))
		}
	}
	return all
}

func (r Resource) clone() Resource {
	r.Servers, r.Details = slices.Clone(r.Servers), slices.Clone(r.Details)
	r.Data = slices.Clone(r.Data)
	r.Callers, r.Verifiers, r.Aliases = slices.Clone(r.Callers), slices.Clone(r.Verifiers), slices.Clone(r.Aliases)
	return r
}

func (c Client) clone() Client {
	c.Authenticate = slices.Clone(c.Authenticate)
	for i := range c.Authenticate {
		a := &c.Authenticate[i]
		a.Keys, a.Thumbprints = slices.Clone(a.Keys), slices.Clone(a.Thumbprints)
		a.Certificate.Authorities = slices.Clone(a.Certificate.Authorities)
		for j, der := range a.Certificate.Authorities {
			a.Certificate.Authorities[j] = slices.Clone(der)
		}
		a.Rule.Claims = slices.Clone(a.Rule.Claims)
		for j, claim := range a.Rule.Claims {
			a.Rule.Claims[j] = federation.Claim{Name: slices.Clone(claim.Name), AnyOf: slices.Clone(claim.AnyOf)}
		}
	}
	return c
}

func (i Issuer) clone() Issuer {
	i.Keys, i.Bundle.Document = slices.Clone(i.Keys), slices.Clone(i.Bundle.Document)
	return i
}

// String names a snapshot without showing what is in it.
func (s *Snapshot) String() string {
	return fmt.Sprintf("registry of %d resources and %d clients, %s", len(s.resources), len(s.clients), strings.TrimSpace(s.digest))
}
