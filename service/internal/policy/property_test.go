package policy_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
)

func scopes() *rapid.Generator[narrowcast.Scope] {
	return rapid.Custom(func(t *rapid.T) narrowcast.Scope {
		text := ""
		for _, token := range []string{"admin", "read", "write"} {
			if rapid.Bool().Draw(t, token) {
				text += " " + token
			}
		}
		if text == "" {
			return narrowcast.Scope{}
		}
		return narrowcast.MustScope(text[1:])
	})
}

func audience(n int) narrowcast.Audience {
	return narrowcast.MustAudience(fmt.Sprintf("https://d%d.example.test", n))
}

func client(n int) narrowcast.ClientID { return narrowcast.ClientID(fmt.Sprintf("c%d", n)) }

const doors, clients = 4, 4

// configs makes rules that are valid: grants are parts of what the door knows.
func configs() *rapid.Generator[policy.Config] {
	return rapid.Custom(func(t *rapid.T) policy.Config {
		var c policy.Config
		for i := range doors {
			ttl := time.Duration(rapid.IntRange(1, 600).Draw(t, "ttl")) * time.Second
			d := policy.Door{
				Audience: audience(i), Scopes: scopes().Draw(t, "scopes"), TTL: ttl,
				MaxTTL:   ttl + time.Duration(rapid.IntRange(0, 600).Draw(t, "more"))*time.Second,
				Disabled: rapid.IntRange(0, 4).Draw(t, "disabled") == 0,
				Binding:  bindings().Draw(t, "binding"),
			}
			c.Doors = append(c.Doors, d)
			for j := range clients {
				g := scopes().Draw(t, "grant")
				if !g.IsZero() && d.Scopes.Covers(g) {
					c.Grants = append(c.Grants, policy.Grant{Client: client(j), Audience: d.Audience, Scope: g})
				}
			}
		}
		return c
	})
}

func bindings() *rapid.Generator[policy.Binding] {
	return rapid.Custom(func(t *rapid.T) policy.Binding {
		b := policy.Binding{
			Sender: rapid.SampledFrom([]policy.Sender{"", policy.Required, policy.Preferred, policy.Bearer}).Draw(t, "sender"),
			DPoP:   rapid.Bool().Draw(t, "dpop"), MTLS: rapid.Bool().Draw(t, "mtls"),
		}
		if b.Sender == policy.Required && !b.DPoP {
			b.MTLS = true
		}
		return b
	})
}

// fits reports whether a token may be bound so at a door.
func fits(b policy.Binding, shown, bind policy.Shown) bool {
	switch {
	case bind.DPoP && bind.MTLS, bind.DPoP && !(b.DPoP && shown.DPoP), bind.MTLS && !(b.MTLS && shown.MTLS):
		return false
	case b.Sender == policy.Bearer:
		return bind == policy.Shown{}
	case b.DPoP && shown.DPoP || b.MTLS && shown.MTLS:
		return bind != policy.Shown{}
	}
	return b.Sender != policy.Required
}

func requests() *rapid.Generator[policy.Request] {
	return rapid.Custom(func(t *rapid.T) policy.Request {
		return policy.Request{
			Client:   client(rapid.IntRange(0, clients).Draw(t, "client")),
			Resource: audience(rapid.IntRange(0, doors).Draw(t, "door")).String(),
			Scope:    scopes().Draw(t, "scope"),
			Lifetime: time.Duration(rapid.IntRange(-1, 2000).Draw(t, "life")) * time.Second,
			Shown:    policy.Shown{DPoP: rapid.Bool().Draw(t, "dpop"), MTLS: rapid.Bool().Draw(t, "mtls")},
			At:       noon(),
		}
	})
}

func must(t *rapid.T, c policy.Config) *policy.Rules {
	r, err := policy.NewRules(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Law 4: what is decided is part of what was granted, and that is part of what
// the door knows.
func TestNothingWidens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, q := configs().Draw(t, "rules"), requests().Draw(t, "request")
		d := must(t, c).Decide(q)
		if !d.Allowed {
			return
		}
		for _, door := range c.Doors {
			if door.Audience != d.Audience {
				continue
			}
			if door.Disabled || !fits(door.Binding, q.Shown, d.Bind) || d.Lifetime > door.MaxTTL || d.Lifetime < time.Second || !door.Scopes.Covers(d.Scope) {
				t.Fatalf("%+v at %+v", d, door)
			}
		}
		granted := false
		for _, g := range c.Grants {
			granted = granted || g.Client == q.Client && g.Audience == d.Audience && g.Scope.Covers(d.Scope)
		}
		if !granted || d.Scope.IsZero() || !q.Scope.IsZero() && d.Scope != q.Scope {
			t.Fatalf("%+v for %+v", d, q)
		}
	})
}

// Every pair of client and door without a grant is refused, every pair with one
// is in Reach, and nothing else is.
func TestEnumerationEqualsDecision(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := configs().Draw(t, "rules")
		r := must(t, c)
		for j := range clients + 1 {
			reach := map[narrowcast.Audience]narrowcast.Scope{}
			for _, d := range r.Reach(client(j)) {
				reach[d.Audience] = d.Scopes
			}
			for i := range doors + 1 {
				d := r.Decide(policy.Request{Client: client(j), Resource: audience(i).String(), Shown: policy.Shown{DPoP: true, MTLS: true}})
				scope, reachable := reach[audience(i)]
				if d.Allowed != reachable || d.Scope != scope {
					t.Fatalf("client %d door %d: decided %+v, enumerated %v %q", j, i, d, reachable, scope)
				}
			}
		}
	})
}

// Adding a condition, or taking a grant away, never turns a no into a yes.
func TestConditionsOnlyNarrow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, q := configs().Draw(t, "rules"), requests().Draw(t, "request")
		before := must(t, c).Decide(q)
		n := rapid.IntRange(0, doors-1).Draw(t, "which")
		switch rapid.IntRange(0, 3).Draw(t, "how") {
		case 0:
			c.Doors[n].Disabled = true
		case 1:
			c.Doors[n].Binding = policy.Binding{Sender: policy.Required, DPoP: true}
		case 2:
			c.Doors[n].MaxTTL = c.Doors[n].TTL
		case 3:
			if len(c.Grants) > 0 {
				c.Grants = c.Grants[1:]
			}
		}
		after := must(t, c).Decide(q)
		if after.Allowed && !before.Allowed || after.Lifetime > before.Lifetime || !before.Scope.Covers(after.Scope) {
			t.Fatalf("before %+v\nafter %+v", before, after)
		}
	})
}
