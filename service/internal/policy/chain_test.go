package policy_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
)

// houses are configurations in which tokens are handed on far.
func houses() *rapid.Generator[policy.Config] {
	return rapid.Custom(func(t *rapid.T) policy.Config {
		seldom := func(what string) bool { return rapid.IntRange(0, 9).Draw(t, what) == 9 }
		var c policy.Config
		for i := range doors {
			ttl := time.Duration(rapid.IntRange(60, 600).Draw(t, "ttl")) * time.Second
			d := policy.Door{
				Audience: audience(i), Scopes: narrowcast.MustScope("admin read write"), TTL: ttl,
				MaxTTL: ttl + time.Duration(rapid.IntRange(0, 600).Draw(t, "more"))*time.Second, Disabled: seldom("disabled"),
				Servers:    []narrowcast.ClientID{client((i + 1) % clients), client((i + 2 + rapid.IntRange(0, 1).Draw(t, "server")) % clients)},
				Delegation: rapid.SampledFrom([]int{4, 3, 2, 1, 0}).Draw(t, "delegation"),
			}
			c.Doors = append(c.Doors, d)
			for j := range clients {
				g := policy.Grant{Client: client(j), Audience: d.Audience, Scope: scopes().Draw(t, "grant")}
				if seldom("limited") {
					g.MayAct = rapid.SampledFrom(d.Servers).Draw(t, "may act")
				}
				if !g.Scope.IsZero() {
					c.Grants = append(c.Grants, g)
				}
			}
		}
		for i := range clients {
			c.Clients = append(c.Clients, policy.Client{ID: client(i), Disabled: seldom("fired")})
		}
		return c
	})
}

// asking is a request that has some chance: half of the time by a server.
func asking(t *rapid.T, c policy.Config, parent *letter) policy.Request {
	q := requests().Draw(t, "request")
	q.Shown = policy.Shown{DPoP: true, MTLS: true}
	if rapid.Bool().Draw(t, "usual life") {
		q.Lifetime = 0
	}
	if rapid.Bool().Draw(t, "usual scope") {
		q.Scope = narrowcast.Scope{}
	}
	if parent == nil {
		return q
	}
	if rapid.IntRange(0, 3).Draw(t, "server") > 0 {
		q.Client = rapid.SampledFrom(doorOf(c, parent.audience).Servers).Draw(t, "which")
	}
	var edges []string
	for _, g := range c.Grants {
		if g.Client == q.Client {
			edges = append(edges, g.Audience.String())
		}
	}
	if len(edges) > 0 && rapid.IntRange(0, 3).Draw(t, "along an edge") > 0 {
		q.Resource = rapid.SampledFrom(edges).Draw(t, "edge")
	}
	q.At = parent.at.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "later")) * time.Second)
	q.Parent, q.Actor = parent.asParent(), narrowcast.Subject(q.Client)
	return q
}

// No sequence of exchanges widens the resources that are reached, scope, time or
// depth, neither against the token before nor against the first.
func TestNoSequenceOfExchangesWidens(t *testing.T) {
	byHops := map[int]int{}
	rapid.Check(t, func(t *rapid.T) {
		c := houses().Draw(t, "house")
		r := must(t, c)
		var all []*letter
		for step := range 24 {
			if step == 16 { // a revision of the registry takes a door away
				c.Doors[rapid.IntRange(0, doors-1).Draw(t, "closed")].Disabled = true
				r = must(t, c)
			}
			var parent *letter
			if n := rapid.IntRange(0, len(all)).Draw(t, "how far back"); n < len(all) {
				parent = all[len(all)-1-n]
			}
			q := asking(t, c, parent)
			d := r.Decide(q)
			if !d.Allowed {
				if d.Actors != nil || !d.Scope.IsZero() || d.Lifetime != 0 {
					t.Fatalf("a refusal carries something: %+v", d)
				}
				continue
			}
			l := written(q, d, parent)
			if parent == nil && (l.actors != nil || d.NotAddressee) {
				t.Fatalf("a fresh token that was handed on: %+v", d)
			}
			if parent != nil {
				if what := widened(c, l); what != "" {
					t.Fatalf("widened: %s\nparent %+v\nchild %+v\n%s", what, parent, l, d.Explain())
				}
			}
			byHops[l.hops]++
			all = append(all, l)
		}
	})
	t.Logf("tokens by the number of exchanges before them: %v", byHops)
	if byHops[1] == 0 || byHops[2] == 0 {
		t.Error("no token was handed on twice: nothing was tested")
	}
}

// Whoever is not among the servers of the parent's audience gets nothing from
// it, and is pointed out.
func TestStrangersArePointedOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := houses().Draw(t, "house")
		parent := &letter{audience: audience(rapid.IntRange(0, doors-1).Draw(t, "door")), client: client(0), subject: "job", scope: scopes().Draw(t, "scope"), at: noon(), ends: noon().Add(time.Hour)}
		q := asking(t, c, parent)
		d := must(t, c).Decide(q)
		if stranger := !slices.Contains(doorOf(c, parent.audience).Servers, q.Client); d.NotAddressee != stranger || stranger && (d.Allowed || d.Refusal != policy.InvalidGrant) {
			t.Fatalf("stranger %v: %+v", stranger, d)
		}
	})
}

// The invariants are no decoration: each sees the fault that it is there for.
func TestTheInvariantsSee(t *testing.T) {
	c := chain()
	good := func() *letter {
		root := &letter{audience: c.Doors[0].Audience, client: "job", subject: "job", mayAct: "orch", scope: narrowcast.MustScope("plan read write"), at: noon(), ends: noon().Add(3 * time.Minute)}
		return &letter{
			audience: c.Doors[1].Audience, client: "orch", subject: "job", actors: []narrowcast.Subject{"orch"}, scope: narrowcast.MustScope("read"),
			at: noon(), ends: noon().Add(time.Minute), hops: 1, root: root, parent: root,
		}
	}
	for want, breaks := range map[string]func(*letter){
		"":                  func(*letter) {},
		"no edge":           func(l *letter) { l.scope = narrowcast.MustScope("write") },
		"not the addressee": func(l *letter) { l.client, l.actors[0] = "store", "store" },
		"beyond what the root reaches": func(l *letter) {
			root := *l.root
			root.audience, l.root = c.Doors[2].Audience, &root
		},
		"disabled": func(l *letter) { l.parent.client = "fired" },
		"scope":    func(l *letter) { l.scope = narrowcast.MustScope("admin") },
		"time":     func(l *letter) { l.ends = l.ends.Add(3 * time.Minute) },
		"depth":    func(l *letter) { l.hops, l.actors = 2, append(l.actors, "standby") },
		"history":  func(l *letter) { l.actors[0] = "standby" },
		"loop":     func(l *letter) { l.subject = "orch" },
		"subject":  func(l *letter) { l.subject = "admin" },
		"may_act":  func(l *letter) { l.parent.mayAct = "standby" },
	} {
		l := good()
		breaks(l)
		if got := widened(c, l); got != want {
			t.Errorf("want %q, got %q", want, got)
		}
	}
}
