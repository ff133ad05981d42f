package registry_test

import (
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
)

// exchanges are all ways from a token that a caller gets to another resource, as
// "caller > from > server > target", with the depth of the token that is shown.
func exchanges(s *registry.Snapshot) map[string][2]string {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	all := map[string][2]string{}
	for _, caller := range s.Clients() {
		for _, from := range s.Resources() {
			fresh := s.Rules().Decide(policy.Request{Client: caller.ID, Resource: from.Audience.String(), At: now})
			if !fresh.Allowed {
				continue
			}
			for _, server := range s.Clients() {
				for _, target := range s.Resources() {
					for depth, actors := range [][]narrowcast.Subject{nil, {"a"}, {"a", "b", "c"}, {"a", "b", "c", "d"}} {
						d := s.Rules().Decide(policy.Request{Client: server.ID, Resource: target.Audience.String(), At: now, Parent: &policy.Parent{
							Audience: from.Audience, Client: caller.ID, Subject: narrowcast.Subject(caller.ID), Actors: actors,
							MayAct: fresh.MayAct, Scope: fresh.Scope, Expires: now.Add(time.Minute),
						}})
						if d.Allowed {
							key := string(caller.ID) + " > " + from.Name + " > " + string(server.ID) + " > " + target.Name
							all[key+" at depth "+string(rune('0'+depth))] = [2]string{from.Audience.String(), target.Audience.String()}
						}
					}
				}
			}
		}
	}
	return all
}

// Whatever exchange is allowed after a change and was not before is told as a
// gain at one of the two resources, or of a client that was let in again.
func TestNoExchangeGainedGoesUntold(t *testing.T) {
	base := delegated(t)
	for what, after := range map[string]map[string][]byte{
		"a server":          edit(t, base, "resources.yaml", "[{client: orchestrator-service}]", "[{client: orchestrator-service}, {client: checkout}]", "may_act: orchestrator-service", "may_act: checkout", "client: orchestrator-service\n        scopes: [read]\n    verifiers:\n      - client: guard-data", "client: checkout\n        scopes: [read]\n    verifiers:\n      - client: guard-data"),
		"no limit":          edit(t, base, "resources.yaml", "        may_act: orchestrator-service\n", "", "[{client: orchestrator-service}]", "[{client: orchestrator-service}, {client: checkout}]", "client: orchestrator-service\n        scopes: [read]\n    verifiers:\n      - client: guard-data", "client: checkout\n        scopes: [read]\n    verifiers:\n      - client: guard-data"),
		"depth":             edit(t, base, "resources.yaml", "delegation: 1", "delegation: 4"),
		"a scope to share":  edit(t, base, "resources.yaml", "scopes: [read]\n    tokens", "scopes: [read, plan]\n    tokens"),
		"from the very end": base,
	} {
		for _, turn := range []struct{ was, is map[string][]byte }{{base, after}, {after, base}, {sampleFiles(t), after}, {edit(t, after, "clients.yaml", "id: orchestrator-service", "disabled: true\n    id: orchestrator-service"), after}} {
			was, is := load(t, turn.was), load(t, turn.is)
			told := map[string]bool{}
			for _, c := range registry.Diff(was, is) {
				if c.Widens {
					told[c.Door] = true
				}
			}
			before := exchanges(was)
			for way, doors := range exchanges(is) {
				if _, had := before[way]; !had && !told[doors[0]] && !told[doors[1]] {
					t.Errorf("%s: %s was gained and not told", what, way)
				}
			}
		}
	}
	if n := len(exchanges(load(t, base))); n == 0 {
		t.Error("control: nothing can be exchanged at all")
	}
}
