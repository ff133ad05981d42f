package registry

import (
	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
)

// plan is a door of the issuer before its address is known.
type plan struct {
	name    string
	scopes  string
	binding policy.Binding
	callers []Caller
}

func (s *Snapshot) plans() []plan {
	proof := policy.Binding{Sender: policy.Preferred, DPoP: true}
	verifiers := func(r Resource) []Caller { return listed(r, r.Verifiers) }
	followers := func(r Resource) []Caller { return append(listed(r, r.Verifiers), listed(r, r.Servers)...) }
	return []plan{
		{"events", ScopeReport, proof, s.some(verifiers)},
		{"uses", ScopeUse, proof, s.some(verifiers)},
		{"feed", ScopeFollow, proof, s.some(followers)},
		{"tasks", ScopeRun, policy.Binding{Sender: policy.Required, DPoP: true, MTLS: true}, s.some(func(r Resource) []Caller { return r.Callers })},
		{"admin", ScopeApply + " " + ScopeRead + " " + ScopeRevoke, proof, s.admins()},
	}
}

func (p plan) build(a narrowcast.Audience) Resource {
	scope, _ := narrowcast.ParseScope(p.scopes) // constants
	for i := range p.callers {
		p.callers[i] = Caller{Client: p.callers[i].Client, Scopes: scope, Position: p.callers[i].Position}
	}
	return Resource{
		Audience: a, Name: reserved + p.name, Owner: "narrowcast", Criticality: Medium, Scopes: scope,
		TTL: DefaultTTL, MaxTTL: DefaultMaxTTL, Binding: p.binding, Stale: policy.Stale{After: DefaultStale, When: policy.Refuse},
		Callers: p.callers, BuiltIn: true, Position: "built in",
	}
}

// some are the clients that some resource lists, each once, with the place that
// says so.
func (s *Snapshot) some(of func(Resource) []Caller) (callers []Caller) {
	seen := map[narrowcast.ClientID]bool{}
	for _, r := range s.resources {
		for _, c := range of(r) {
			if !seen[c.Client] {
				seen[c.Client] = true
				callers = append(callers, c)
			}
		}
	}
	return callers
}

func listed(r Resource, clients []narrowcast.ClientID) (callers []Caller) {
	for _, client := range clients {
		callers = append(callers, Caller{Client: client, Position: r.Position})
	}
	return callers
}

func (s *Snapshot) admins() (callers []Caller) {
	for _, c := range s.clients {
		if c.Kind == Admin {
			callers = append(callers, Caller{Client: c.ID, Position: c.Position})
		}
	}
	return callers
}
