//go:build !fast

package main

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/feed"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/store/postgres/pgtest"
)

// TestRevokedAtTwoReplicas: two processes are one issuer on one database, and each
// has a verifier that follows it. Tokens are minted and called back without a pause
// while each replica in turn is killed. What a verifier says that it knows, it goes
// by; what was called back is refused at the replica that lives, and at the other one
// when it is back; and no record is lost.
func TestRevokedAtTwoReplicas(t *testing.T) {
	server := pgtest.Start(t)
	a, b := newReplicas(t, server, "issuer")
	a.life, b.life = a.start(t), b.start(t)
	c := &replicaCrowd{replicas: []*replica{a, b}, tokens: map[narrowcast.TokenID]string{}}
	// A guard may ask either of them for its token.
	r := &recall{
		replicas: c.replicas, dead: map[string]uint64{},
		doors: []*following{a.follower(t, followSource(t, a.killHome)), b.follower(t, followSource(t, b.killHome))},
	}
	c.begin(t)
	r.round(t, a, a, b)
	for i, victim := range c.replicas {
		survivor := c.replicas[1-i]
		victim.life.kill(t)
		for range 3 {
			r.round(t, survivor, survivor)
		}
		victim.life = victim.start(t)
		r.allRefuse(t)
		r.round(t, victim, a, b)
		r.round(t, survivor, a, b)
	}
	c.end()
	r.allRefuse(t)
	r.mustBeWritten(t, c)
	for _, one := range c.replicas {
		one.life.kill(t)
	}
}

// recall calls tokens back at replicas that come and go.
type recall struct {
	replicas []*replica
	doors    []*following      // one at each replica, in their order
	dead     map[string]uint64 // tokens that were called back, and the records that say so
	living   []string
	ids      []narrowcast.TokenID
}

// round mints a token at one replica and calls it back. The verifiers at the
// replicas that live let it in before, and not afterwards; a second token stays
// alive.
func (r *recall) round(t *testing.T, by *replica, alive ...*replica) {
	t.Helper()
	g := by.mustSay(t, by.fresh(t, payDoor), "", http.StatusOK, "")
	other := by.mustSay(t, by.fresh(t, payDoor), "", http.StatusOK, "")
	r.living = append(r.living, other.Token)
	r.ids = append(r.ids, narrowcast.TokenID(g.said.TokenID), narrowcast.TokenID(other.said.TokenID))
	for i := range r.replicas {
		if slices.Contains(alive, r.replicas[i]) {
			r.doors[i].mustAccept(t, g.Token)
		}
	}
	number, err := by.revokeAt(t, g.said.TokenID)
	if err != nil {
		t.Fatal(err)
	}
	r.dead[g.Token] = number
	for i := range r.replicas {
		if slices.Contains(alive, r.replicas[i]) {
			took := within(t, 10*time.Second, "a verifier at replica "+r.replicas[i].name+" refuses", func() error { return r.refuses(r.doors[i], g.Token) })
			t.Logf("refused at replica %s %s after the command", r.replicas[i].name, took.Round(time.Millisecond))
		}
	}
	r.neverWrong(t)
}

func (r *recall) refuses(door *following, token string) error {
	if door.verify(token) == nil {
		return fmt.Errorf("%w: a token that was called back is accepted", errNotYet)
	}
	return nil
}

// neverWrong: whoever says that he knows a record goes by it.
func (r *recall) neverWrong(t *testing.T) {
	t.Helper()
	for i, door := range r.doors {
		position := door.follower.Feed().Position
		for token, number := range r.dead {
			if number <= position && door.verify(token) == nil {
				t.Errorf("the verifier at replica %s knows record %d, and accepts what record %d called back", r.replicas[i].name, position, number)
			}
		}
	}
}

// allRefuse waits until every verifier refuses everything that was called back, and
// looks whether it accepts the rest.
func (r *recall) allRefuse(t *testing.T) {
	t.Helper()
	for i, door := range r.doors {
		took := within(t, 20*time.Second, "the verifier at replica "+r.replicas[i].name+" has caught up", func() error {
			for token := range r.dead {
				if err := r.refuses(door, token); err != nil {
					return err
				}
			}
			return nil
		})
		t.Logf("the verifier at replica %s refuses all %d after %s", r.replicas[i].name, len(r.dead), took.Round(time.Millisecond))
		for _, token := range r.living {
			door.mustAccept(t, token)
		}
	}
}

// mustBeWritten looks for everything in the book.
func (r *recall) mustBeWritten(t *testing.T, c *replicaCrowd) {
	t.Helper()
	book := r.replicas[0].kept(t)
	seen := readBook(t, book)
	for id, by := range c.tokens {
		if seen.issued[id] != 1 {
			t.Errorf("a client holds token %s of replica %s, and the book has it %d times", id, by, seen.issued[id])
		}
	}
	for _, id := range r.ids {
		if seen.issued[id] != 1 {
			t.Errorf("token %s is in the book %d times", id, seen.issued[id])
		}
	}
	records := map[uint64]bool{}
	for rec, err := range book.Find(t.Context(), store.Query{Types: []event.Type{event.Revoked}}) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Event.Revocation != nil && rec.Event.Revocation.Kind == string(feed.Token) {
			records[rec.Number] = true
		}
	}
	for _, number := range r.dead {
		if !records[number] {
			t.Errorf("record %d called a token back and is not there", number)
		}
	}
	if n, broken, err := book.CheckChain(t.Context()); err != nil || broken != 0 || n != seen.last {
		t.Errorf("CheckChain: %d records of %d, the first broken one is %d, %v", n, seen.last, broken, err)
	}
	t.Logf("%d tokens were received, %d are in the book, of %d records; %d called back", len(c.tokens)+len(r.ids), len(seen.issued), seen.last, len(r.dead))
}
