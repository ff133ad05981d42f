package policy_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
)

// chain is the house of the founding example: a job asks an orchestrator, which
// asks data.
func chain() policy.Config {
	orch, data, crm := narrowcast.MustAudience("https://orchestrator.example.test"), narrowcast.MustAudience("https://data.example.test"),
		narrowcast.MustAudience("https://crm.example.test")
	door := func(a narrowcast.Audience, scopes, position string, depth int, servers ...narrowcast.ClientID) policy.Door {
		return policy.Door{
			Audience: a, Scopes: narrowcast.MustScope(scopes), TTL: 5 * time.Minute, MaxTTL: 10 * time.Minute, Servers: servers, Delegation: depth,
			Binding: policy.Binding{DPoP: true}, Stale: policy.Stale{After: 10 * time.Second, When: policy.Refuse}, Position: position,
		}
	}
	c := policy.Config{
		Doors: []policy.Door{
			door(orch, "plan read write", "r.yaml:2", 4, "orch", "standby"),
			door(data, "read write admin", "r.yaml:12", 1, "store"),
			door(crm, "read", "r.yaml:22", 2),
			door(narrowcast.MustAudience("https://closed.example.test"), "read", "r.yaml:32", 2),
		},
		Grants: []policy.Grant{
			{Client: "job", Audience: orch, Scope: narrowcast.MustScope("plan read write"), MayAct: "orch", Position: "r.yaml:8"},
			{Client: "orch", Audience: data, Scope: narrowcast.MustScope("read admin"), Position: "r.yaml:18"},
			{Client: "orch", Audience: crm, Scope: narrowcast.MustScope("read"), Position: "r.yaml:28"},
			{Client: "standby", Audience: data, Scope: narrowcast.MustScope("read"), Position: "r.yaml:19"},
			{Client: "store", Audience: crm, Scope: narrowcast.MustScope("read"), Position: "r.yaml:29"},
			{Client: "store", Audience: data, Scope: narrowcast.MustScope("read"), Position: "r.yaml:20"},
		},
		Clients: []policy.Client{
			{ID: "job"}, {ID: "orch", Names: []narrowcast.Subject{"spiffe://corp.example.test/orch"}}, {ID: "standby"}, {ID: "store"},
			{ID: "fired", Disabled: true, Position: "c.yaml:9"},
		},
	}
	c.Doors[3].Disabled = true
	c.Doors[1].Details, c.Doors[1].SingleUse, c.Doors[1].StatusList = []string{"payment"}, true, true
	return c
}

// handed is the request of the orchestrator for data, with the job's token.
func handed(change func(*policy.Request, *policy.Parent)) policy.Request {
	p := &policy.Parent{
		Audience: narrowcast.MustAudience("https://orchestrator.example.test"), Client: "job", Subject: "job",
		Scope: narrowcast.MustScope("plan read write"), Expires: noon().Add(3 * time.Minute),
	}
	q := policy.Request{
		Client: "orch", Actor: "spiffe://corp.example.test/orch", Resource: "https://data.example.test",
		Scope: narrowcast.MustScope("read"), At: noon(), Parent: p,
	}
	if change != nil {
		change(&q, p)
	}
	return q
}

func TestExchange(t *testing.T) {
	type change = func(*policy.Request, *policy.Parent)
	for _, c := range []struct {
		name     string
		change   change
		refusal  string
		stranger bool   // NotAddressee
		reason   string // text that one reason holds
		at       string
	}{
		{name: "by the addressee", reason: "client orch is a server of https://orchestrator.example.test", at: "r.yaml:2"},
		{name: "named as the next", change: func(_ *policy.Request, p *policy.Parent) { p.MayAct = "orch" }, reason: "who may act next"},
		{name: "named by another of its names", change: func(_ *policy.Request, p *policy.Parent) { p.MayAct = "spiffe://corp.example.test/orch" }, reason: "who may act next"},
		{name: "no scope asked", change: func(q *policy.Request, _ *policy.Parent) { q.Scope = narrowcast.Scope{} }, reason: "handed on once"},
		{name: "known detail", change: func(q *policy.Request, _ *policy.Parent) { q.Details = []string{"payment", policy.RequestDetail} }, reason: "handed on once"},
		{name: "the life that is left", change: func(q *policy.Request, _ *policy.Parent) { q.Lifetime = 3 * time.Minute }, reason: "below the ceiling"},
		{name: "to the issuer, by its holder", change: func(q *policy.Request, p *policy.Parent) {
			*p = policy.Parent{Issuer: true, Client: "orch", Subject: "job", Actors: []narrowcast.Subject{"orch"}, Scope: p.Scope, Expires: p.Expires}
		}, reason: "addressed to the issuer, by this client"},
		{name: "to the issuer, for this client", change: func(q *policy.Request, p *policy.Parent) { p.Issuer, p.MayAct = true, "orch" }, reason: "or for it"},

		{name: "from a client that is welcome", change: func(_ *policy.Request, p *policy.Parent) {
			p.Subject, p.Behind = "oidc:ci.example.test:sub:build", []narrowcast.ClientID{"standby"}
		}, reason: "handed on once"},
		{name: "from a disabled client with a foreign name", change: func(_ *policy.Request, p *policy.Parent) {
			p.Subject, p.Behind = "oidc:ci.example.test:sub:build", []narrowcast.ClientID{"standby", "fired"}
		}, refusal: "invalid_grant", reason: "client fired, who got a token that this one came from, is disabled", at: "c.yaml:9"},
		{name: "from a client that is gone", change: func(_ *policy.Request, p *policy.Parent) { p.Behind = []narrowcast.ClientID{"gone"} },
			refusal: "invalid_grant", reason: `client "gone", who got a token that this one came from, is not registered`},
		{name: "to an issuer that is disabled", change: func(_ *policy.Request, p *policy.Parent) {
			*p = policy.Parent{Audience: narrowcast.MustAudience("https://closed.example.test"), Issuer: true, Client: "orch", Subject: "job", Actors: []narrowcast.Subject{"orch"}, Scope: p.Scope, Expires: p.Expires}
		}, refusal: "invalid_grant", reason: "resource https://closed.example.test is disabled", at: "r.yaml:32"},

		{name: "by a stranger", change: func(q *policy.Request, _ *policy.Parent) { q.Client, q.Actor = "store", "" },
			refusal: "invalid_grant", stranger: true, reason: `client "store" is not a server of it`, at: "r.yaml:2"},
		{name: "by a stranger for nowhere", change: func(q *policy.Request, _ *policy.Parent) {
			q.Client, q.Resource = "store", "https://nowhere.example.test"
		}, refusal: "invalid_grant", stranger: true, reason: "no resource is registered"},
		{name: "by nobody", change: func(q *policy.Request, p *policy.Parent) { q.Client, p.Client = "", "" }, refusal: "invalid_grant", stranger: true, reason: "is not a server of it"},
		{name: "by the client that got it", change: func(q *policy.Request, _ *policy.Parent) { q.Client, q.Actor = "job", "" }, refusal: "invalid_grant", stranger: true, reason: "is not a server of it"},
		{name: "for nobody", change: func(_ *policy.Request, p *policy.Parent) { p.Audience = narrowcast.Audience{} }, refusal: "invalid_grant", stranger: true, reason: "is no resource"},
		{name: "to the issuer, of another", change: func(_ *policy.Request, p *policy.Parent) { p.Issuer = true }, refusal: "invalid_grant", stranger: true, reason: `belongs to client "job"`},
		{name: "to the issuer, of nobody", change: func(q *policy.Request, p *policy.Parent) { p.Issuer, p.Client, q.Client = true, "", "" }, refusal: "invalid_grant", stranger: true, reason: "belongs to client"},
		{name: "another one is named", change: func(_ *policy.Request, p *policy.Parent) { p.MayAct = "standby" }, refusal: "invalid_grant", reason: `lets nobody act but "standby"`},
		{name: "to the issuer, another one is named", change: func(q *policy.Request, p *policy.Parent) {
			p.Issuer, p.Client, p.MayAct = true, "orch", "standby"
		}, refusal: "invalid_grant", reason: `lets nobody act but "standby"`},
		{name: "acts already", change: func(_ *policy.Request, p *policy.Parent) {
			p.Actors = []narrowcast.Subject{"standby", "spiffe://corp.example.test/orch"}
		}, refusal: "invalid_grant", reason: "in the chain of the token already"},
		{name: "acts already under another name", change: func(_ *policy.Request, p *policy.Parent) { p.Actors = []narrowcast.Subject{"orch"} }, refusal: "invalid_grant", reason: "in the chain of the token already"},
		{name: "for itself", change: func(_ *policy.Request, p *policy.Parent) { p.Subject = "orch" }, refusal: "invalid_grant", reason: "cannot act for itself"},
		{name: "a token of its own", change: func(_ *policy.Request, p *policy.Parent) { p.Client, p.Subject = "orch", "github:x" }, refusal: "invalid_grant", reason: "was given to client"},
		{name: "of nobody", change: func(_ *policy.Request, p *policy.Parent) { p.Subject = "" }, refusal: "invalid_grant", reason: "speaks of nobody"},
		{name: "got by a disabled client", change: func(_ *policy.Request, p *policy.Parent) { p.Client, p.Subject = "fired", "fired" }, refusal: "invalid_grant", reason: "client fired is disabled", at: "c.yaml:9"},
		{name: "got by a client that is gone", change: func(_ *policy.Request, p *policy.Parent) { p.Client = "gone" }, refusal: "invalid_grant", reason: `client "gone" is not registered`},
		{name: "a disabled client in the chain", change: func(_ *policy.Request, p *policy.Parent) {
			p.Client, p.Actors = "standby", []narrowcast.Subject{"standby", "fired"}
		}, refusal: "invalid_grant", reason: "client fired, which is disabled", at: "c.yaml:9"},
		{name: "a disabled subject", change: func(_ *policy.Request, p *policy.Parent) { p.Subject = "fired" }, refusal: "invalid_grant", reason: "client fired, which is disabled"},
		{name: "handed on too often", change: func(_ *policy.Request, p *policy.Parent) { p.Actors = []narrowcast.Subject{"standby"} }, refusal: "invalid_target", reason: "handed on 2 times, and the resource takes once", at: "r.yaml:12"},
		{name: "no edge", change: func(q *policy.Request, p *policy.Parent) {
			q.Client, q.Actor, q.Resource = "standby", "", "https://crm.example.test"
		}, refusal: "invalid_target", reason: "is not a caller", at: "r.yaml:22"},
		{name: "scope of the edge alone", change: func(q *policy.Request, _ *policy.Parent) { q.Scope = narrowcast.MustScope("admin read") }, refusal: "invalid_scope", reason: `has plan read write and not "admin"`},
		{name: "scope of the token alone", change: func(q *policy.Request, _ *policy.Parent) { q.Scope = narrowcast.MustScope("write") }, refusal: "invalid_scope", reason: `is granted admin read and not "write"`, at: "r.yaml:18"},
		{name: "no scope in common", change: func(q *policy.Request, p *policy.Parent) {
			q.Scope, p.Scope = narrowcast.Scope{}, narrowcast.MustScope("plan")
		}, refusal: "invalid_scope", reason: "nothing of that is granted", at: "r.yaml:18"},
		{name: "a token without scope", change: func(q *policy.Request, p *policy.Parent) { q.Scope, p.Scope = narrowcast.Scope{}, narrowcast.Scope{} }, refusal: "invalid_scope", reason: "has no scope"},
		{name: "longer than the token", change: func(q *policy.Request, _ *policy.Parent) { q.Lifetime = 181 * time.Second }, refusal: "invalid_request", reason: "ends after the token that is exchanged"},
		{name: "ended", change: func(_ *policy.Request, p *policy.Parent) { p.Expires = noon() }, refusal: "invalid_request", reason: "ends at"},
		{name: "without an end", change: func(_ *policy.Request, p *policy.Parent) { p.Expires = time.Time{} }, refusal: "invalid_request", reason: "is not known"},
		{name: "without a clock", change: func(q *policy.Request, _ *policy.Parent) { q.At = time.Time{} }, refusal: "invalid_request", reason: "is not known"},
		{name: "unknown detail", change: func(q *policy.Request, _ *policy.Parent) { q.Details = []string{"transfer"} }, refusal: "invalid_authorization_details", reason: `type "transfer"`, at: "r.yaml:12"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := policy.NewRules(chain())
			if err != nil {
				t.Fatal(err)
			}
			d := r.Decide(handed(c.change))
			if d.Allowed != (c.refusal == "") || d.Refusal != c.refusal || d.NotAddressee != c.stranger {
				t.Errorf("got %+v", d)
			}
			if !d.Allowed && (!d.Scope.IsZero() || d.Lifetime != 0 || d.Actors != nil || d.MayAct != "") {
				t.Error("a refusal carries something")
			}
			if !slices.ContainsFunc(d.Reasons, func(r policy.Reason) bool {
				return strings.Contains(r.Text, c.reason) && (c.at == "" || r.Position == c.at)
			}) {
				t.Errorf("no reason %q at %q:\n%s", c.reason, c.at, d.Explain())
			}
		})
	}
}

func TestWhatAnExchangeGives(t *testing.T) {
	r, err := policy.NewRules(chain())
	if err != nil {
		t.Fatal(err)
	}
	d := r.Decide(handed(func(q *policy.Request, _ *policy.Parent) { q.Scope = narrowcast.Scope{} }))
	if !d.Allowed || d.Scope.String() != "read" || d.Lifetime != 3*time.Minute || !d.SingleUse || !d.StatusList || d.Stale.After != 10*time.Second ||
		!slices.Equal(d.Actors, []narrowcast.Subject{"spiffe://corp.example.test/orch"}) || d.MayAct != "" {
		t.Errorf("%+v", d)
	}
	// The holder of a token for the issuer goes on as who he is.
	d = r.Decide(handed(func(q *policy.Request, p *policy.Parent) {
		p.Issuer, p.Client, p.Actors = true, "orch", []narrowcast.Subject{"orch"}
	}))
	if !d.Allowed || !slices.Equal(d.Actors, []narrowcast.Subject{"orch"}) {
		t.Errorf("%+v", d)
	}
	// A fresh token names who may act next, and nobody acts in it.
	d = r.Decide(policy.Request{Client: "job", Resource: "https://orchestrator.example.test", At: noon()})
	if !d.Allowed || d.MayAct != "orch" || d.Actors != nil || d.SingleUse {
		t.Errorf("%+v", d)
	}
}

func TestDisabledResource(t *testing.T) {
	for n, want := range []string{"invalid_grant", "invalid_target"} {
		c := chain()
		c.Doors[n].Disabled = true
		r, err := policy.NewRules(c)
		if err != nil {
			t.Fatal(err)
		}
		if d := r.Decide(handed(nil)); d.Refusal != want || d.NotAddressee {
			t.Errorf("door %d: %s", n, d.Explain())
		}
	}
}

// A door that takes no tokens that were handed on still takes fresh ones.
func TestNoDelegation(t *testing.T) {
	c := chain()
	c.Doors[1].Delegation = 0
	r, err := policy.NewRules(c)
	if err != nil {
		t.Fatal(err)
	}
	if d := r.Decide(handed(nil)); d.Refusal != "invalid_target" {
		t.Error(d.Explain())
	}
	if d := r.Decide(policy.Request{Client: "orch", Resource: "https://data.example.test", At: noon()}); !d.Allowed {
		t.Error(d.Explain())
	}
}

func TestRulesOfExchangeReportFaults(t *testing.T) {
	c := chain()
	c.Doors[0].Delegation, c.Doors[1].Delegation = -1, narrowcast.MaxActors+1
	c.Clients = append(c.Clients, policy.Client{ID: "job"}, policy.Client{}, policy.Client{ID: "thief", Names: []narrowcast.Subject{"job"}})
	_, err := policy.NewRules(c)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"-1 times", "not 9 times", `client "job" is there twice`, `client "" is there twice`, `"job" is the name of client`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

func TestLooserStale(t *testing.T) {
	refuse := func(d time.Duration) policy.Stale { return policy.Stale{After: d, When: policy.Refuse} }
	accept := policy.Stale{After: time.Second, When: policy.Accept}
	for _, c := range []struct {
		was, is policy.Stale
		looser  bool
	}{
		{refuse(10), refuse(10), false}, {refuse(10), refuse(11), true}, {refuse(10), refuse(9), false},
		{refuse(10), accept, true}, {accept, refuse(10), false}, {accept, accept, false},
	} {
		if c.is.Looser(c.was) != c.looser {
			t.Errorf("from %v to %v", c.was, c.is)
		}
	}
}
