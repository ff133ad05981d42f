package issuer_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/letterbox"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/store/storetest"
)

const (
	us   = "https://issuer.example.test"
	orch = "https://orchestrator.example.test"
	data = "https://data.example.test"
	crm  = "https://crm.example.test"
)

// named believes whoever says a name, and remembers whether a token was shown to
// it.
type named struct{ shown *bool }

func (n named) Authenticate(_ context.Context, c issuer.Credentials) (issuer.Identity, error) {
	*n.shown = *n.shown || c.Token != ""
	if c.ClientID == "" {
		return issuer.Identity{}, &issuer.Refusal{Ground: issuer.ProofMissing}
	}
	return issuer.Identity{Client: narrowcast.ClientID(c.ClientID), Method: "private_key_jwt"}, nil
}

type ring map[narrowcast.KeyID]narrowcast.Key

func (r ring) Key(_ context.Context, id narrowcast.KeyID) (narrowcast.Key, error) {
	if key, ok := r[id]; ok {
		return key, nil
	}
	return narrowcast.Key{}, narrowcast.ErrKeyUnknown
}

// called back tokens, by jti.
type dead map[narrowcast.TokenID]bool

func (d dead) Check(t *narrowcast.Token) narrowcast.Reason {
	if d[t.ID()] {
		return narrowcast.Revoked
	}
	return 0
}

// places gives out places in a status list.
type places struct{ next uint64 }

func (p *places) Next(narrowcast.Audience) (string, uint64) {
	p.next++
	return us + "/status/1", p.next
}

// works is a house in which a job asks an orchestrator, which asks data.
type works struct {
	*issuer.Desk
	t      *testing.T
	book   *storetest.Memory
	now    time.Time
	press  *mint.Press
	ring   ring
	dead   dead
	shown  bool
	proofs *checker
	before func() // what happens between reading a letter and the record
}

// Append lets something happen before the record is kept.
func (w *works) Append(ctx context.Context, e store.Entry) (store.Record, error) {
	if before := w.before; before != nil {
		w.before = nil
		before()
	}
	return w.book.Append(ctx, e)
}

func pair(t *testing.T, id narrowcast.KeyID) (*mint.Press, narrowcast.Key) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, errKey := narrowcast.NewKey(narrowcast.KeyConfig{ID: id, Algorithm: narrowcast.ES256, Public: &private.PublicKey})
	press, err := mint.New(mint.Config{Issuer: narrowcast.MustIssuer(us), KeyID: id, Algorithm: narrowcast.ES256, Signer: private})
	if err := errors.Join(errKey, err); err != nil {
		t.Fatal(err)
	}
	return press, key
}

func worksRules(t *testing.T) *policy.Rules {
	t.Helper()
	door := func(name, scopes string, depth int, servers ...narrowcast.ClientID) policy.Door {
		return policy.Door{
			Audience: narrowcast.MustAudience(name), Scopes: narrowcast.MustScope(scopes), TTL: 5 * time.Minute, MaxTTL: 10 * time.Minute,
			Servers: servers, Delegation: depth, Binding: either, Stale: policy.Stale{After: 10 * time.Second, When: policy.Refuse}, Position: "r.yaml:2",
		}
	}
	grant := func(client narrowcast.ClientID, name, scope string) policy.Grant {
		return policy.Grant{Client: client, Audience: narrowcast.MustAudience(name), Scope: narrowcast.MustScope(scope), Position: "r.yaml:8"}
	}
	c := policy.Config{
		Doors: []policy.Door{
			door(orch, "plan read write", 4, "orch"), door(data, "read write admin", 1, "store"), door(crm, "read", 2), door(us, "hand", 4),
		},
		Grants: []policy.Grant{
			grant("job", orch, "plan read write"), grant("job", us, "hand"), grant("orch", data, "read admin"),
			grant("store", crm, "read"), grant("store", data, "read"), grant("other", data, "read"),
		},
		Clients: []policy.Client{{ID: "job"}, {ID: "orch"}, {ID: "store"}, {ID: "other"}},
	}
	waiting := grant("other", orch, "plan read")
	waiting.MayAct = "store" // and the orchestrator is somebody else
	c.Grants = append(c.Grants, waiting)
	c.Doors[1].Details, c.Doors[1].SingleUse, c.Doors[1].StatusList = []string{"payment"}, true, true
	r, err := policy.NewRules(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func openWorks(t *testing.T, changes ...func(*issuer.Config)) *works {
	t.Helper()
	w := &works{t: t, now: time.Unix(1_800_000_000, 0), dead: dead{}}
	clock := func() time.Time { return w.now }
	w.book, w.proofs = storetest.NewMemory(clock), &checker{now: &w.now, seen: map[string]bool{}}
	var key narrowcast.Key
	w.press, key = pair(t, "k1")
	w.ring = ring{"k1": key}
	box, err := letterbox.New(letterbox.Config{
		Issuer: narrowcast.MustIssuer(us), Keys: w.ring, Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, Now: clock, Liveness: w.dead,
	})
	if err != nil {
		t.Fatal(err)
	}
	rules := worksRules(t)
	c := issuer.Config{
		Issuer: narrowcast.MustIssuer(us), Authenticator: named{&w.shown}, Ledger: w, Now: clock, Writer: "issuer/1", Proofs: w.proofs,
		Rules: func() issuer.Rules { return rules }, Press: func() issuer.Press { return w.press },
		Own: box, Past: w.book, Tasks: w.book, Status: &places{},
	}
	for _, change := range changes {
		change(&c)
	}
	if w.Desk, err = issuer.New(c); err != nil {
		t.Fatal(err)
	}
	return w
}

// asking is a plain request of a client.
func asking(client, resource string, edit ...func(*issuer.Request)) issuer.Request {
	r := issuer.Request{GrantType: issuer.ClientCredentials, Resources: []string{resource}}
	r.Credentials.ClientID = client
	for _, e := range edit {
		e(&r)
	}
	return r
}

// exchanging is the request of a client that holds a token of ours.
func exchanging(client, token, resource string, edit ...func(*issuer.Request)) issuer.Request {
	return asking(client, resource, append([]func(*issuer.Request){func(r *issuer.Request) {
		r.GrantType, r.SubjectTokenType, r.Credentials.Token = issuer.TokenExchange, issuer.AccessTokenType, token
	}}, edit...)...)
}

func (w *works) grant(r issuer.Request) issuer.Answer {
	w.t.Helper()
	answer, err := w.Grant(w.t.Context(), r)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer
}

func (w *works) last() event.Event {
	w.t.Helper()
	for record, err := range w.book.Find(w.t.Context(), store.Query{Newest: true, Limit: 1}) {
		if err != nil {
			w.t.Fatal(err)
		}
		return record.Event
	}
	w.t.Fatal("the book is empty")
	return event.Event{}
}

func claims(t *testing.T, token string) narrowcast.Claimed {
	t.Helper()
	c, err := narrowcast.Inspect(token)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
