//go:build !fast

package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/dpop"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/service/internal/store/postgres/pgtest"
)

// How long clients ask while replicas and database come and go, how long the
// database is away, and how many clients there are.
const (
	replicaTime      = 60 * time.Second
	replicaTimeShort = 12 * time.Second
	databaseAway     = 3 * time.Second
	replicaClients   = 8
)

const (
	payDoor  = "https://pay.example.test"
	shipDoor = "https://ship.example.test"
)

// TestTwoReplicasOnPostgreSQL: two processes are one issuer on one database.
// Each of them is killed while clients ask, and then the database. Whatever
// token a client holds is in the book, once; both replicas go on by themselves.
func TestTwoReplicasOnPostgreSQL(t *testing.T) {
	server := pgtest.Start(t)
	a, b := newReplicas(t, server, "issuer", "publish_ahead: 4s")
	a.life, b.life = a.start(t), b.start(t)
	all := replicaTime
	if testing.Short() {
		all = replicaTimeShort
	}
	c := &replicaCrowd{replicas: []*replica{a, b}, tokens: map[narrowcast.TokenID]string{}}
	c.begin(t)
	began := time.Now()
	at := func(part int) {
		t.Helper()
		select {
		case <-time.After(time.Until(began.Add(all * time.Duration(part) / 100))):
		case <-t.Context().Done():
		}
	}
	at(20)
	a.comeAndGo(t, b)
	at(45)
	b.comeAndGo(t, a)
	at(70)
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	// Longer than a ring signs without having looked: requests pile up, and some
	// are turned away.
	<-time.After(databaseAway)
	if err := server.Resume(); err != nil {
		t.Fatal(err)
	}
	a.more(t, 20, "the database is back")
	b.more(t, 20, "the database is back")
	at(100)
	c.end()
	c.check(t)
	t.Run("one registry", func(t *testing.T) { oneRegistry(t, a, b) })
	t.Run("one memory", func(t *testing.T) { oneMemory(t, a, b) })
	t.Run("one keyring", func(t *testing.T) { oneKeyring(t, a, b) })
	a.life.kill(t)
	b.life.kill(t)
}

// comeAndGo kills a replica and starts it again when the other one has granted
// more.
func (r *replica) comeAndGo(t *testing.T, other *replica) {
	t.Helper()
	r.life.kill(t)
	other.more(t, 20, "the kill of "+r.name)
	r.life = r.start(t)
	r.more(t, 20, "its own return")
}

// replicaCrowd is clients that ask without a pause. Each has a replica of its
// own, and asks the other one when that refuses the connection or has no answer.
type replicaCrowd struct {
	replicas []*replica
	asking   sync.WaitGroup
	stop     context.CancelFunc

	moved, lost, unavailable atomic.Int64

	mu     sync.Mutex
	tokens map[narrowcast.TokenID]string // by whom
}

func (c *replicaCrowd) begin(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	c.stop = stop
	for i := range replicaClients {
		c.asking.Go(func() { c.askOn(ctx, t, i) })
	}
}

func (c *replicaCrowd) end() {
	c.stop()
	c.asking.Wait()
}

func (c *replicaCrowd) askOn(ctx context.Context, t *testing.T, i int) {
	client := &http.Client{Transport: &http.Transport{}, Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	for ctx.Err() == nil && !t.Failed() {
		for try := range c.replicas {
			if c.ask(t, client, c.replicas[(i+try)%len(c.replicas)]) {
				break
			}
			c.moved.Add(1)
		}
	}
}

// ask asks once, with a fresh assertion, and reports whether there was a token.
func (c *replicaCrowd) ask(t *testing.T, client *http.Client, r *replica) bool {
	form, err := r.request()
	if err != nil {
		t.Error(err)
		return false
	}
	g, err := r.post(client, form, "")
	switch {
	case err != nil:
		c.lost.Add(1) // the connection: refused, or broken in the middle
		return false
	case g.status == http.StatusServiceUnavailable && g.Error == "temporarily_unavailable":
		c.unavailable.Add(1)
		return false
	case g.status != http.StatusOK:
		t.Errorf("replica %s: status %d, error %q", r.name, g.status, g.Error)
		return false
	}
	r.granted.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	id := narrowcast.TokenID(g.said.TokenID)
	if by, twice := c.tokens[id]; twice {
		t.Errorf("replicas %s and %s gave out the same token id", by, r.name)
	}
	c.tokens[id] = r.name
	return true
}

// oneRegistry: what is applied through the home of A is in force at B.
func oneRegistry(t *testing.T, a, b *replica) {
	b.mustSay(t, b.fresh(t, shipDoor), "", http.StatusBadRequest, "invalid_target")
	if out, err := a.command(t, "audience", "add", "--id", shipDoor, "--name", "shipping", "--owner", "team-logistics",
		"--environment", "test", "--criticality", "low", "--scopes", "read", "--caller", "checkout"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := a.command(t, "apply", "--author", "alex"); err != nil || !strings.Contains(out, "revision 2 is in force") {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, r := range []*replica{b, a} {
		took := within(t, 10*time.Second, "revision 2 at "+r.name, func() error {
			if g, err := r.post(http.DefaultClient, r.fresh(t, shipDoor), ""); err != nil || g.status != http.StatusOK {
				return errors.Join(errNotYet, err)
			}
			return nil
		})
		t.Logf("revision 2 is in force at %s %s after it was applied", r.name, took.Round(time.Millisecond))
	}
}

// oneMemory: what was used at one replica is used at the other.
func oneMemory(t *testing.T, a, b *replica) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	prover, err := dpop.NewProver(narrowcast.ES256, private)
	if err != nil {
		t.Fatal(err)
	}
	prove := func() string {
		proof, err := prover.Prove(http.MethodPost, a.issuer+"/token", "", "", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return proof
	}
	for _, way := range [][2]*replica{{a, b}, {b, a}} {
		first, second := way[0], way[1]
		used, proof := first.fresh(t, payDoor), prove()
		first.mustSay(t, used, "", http.StatusOK, "")
		second.mustSay(t, used, "", http.StatusUnauthorized, "invalid_client")
		second.mustSay(t, second.fresh(t, payDoor), "", http.StatusOK, "")

		if g := first.mustSay(t, first.fresh(t, payDoor), proof, http.StatusOK, ""); g.Type != "DPoP" {
			t.Errorf("a proof of possession bought a token of type %q", g.Type)
		}
		second.mustSay(t, second.fresh(t, payDoor), proof, http.StatusBadRequest, "invalid_dpop_proof")
		second.mustSay(t, second.fresh(t, payDoor), prove(), http.StatusOK, "")
	}
}

// oneKeyring: a key that was made through the home of A signs at B, and a door
// that knows the keys of one replica accepts the tokens of both.
func oneKeyring(t *testing.T, a, b *replica) {
	doors := []*narrowcast.Verifier{doorOf(t, a), doorOf(t, b)}
	out, err := a.command(t, "keys", "rotate", "--json")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var made keyRow
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, r := range []*replica{b, a} {
		within(t, 30*time.Second, "the new key signs at "+r.name, func() error {
			g := r.mustSay(t, r.fresh(t, payDoor), "", http.StatusOK, "")
			for _, door := range doors {
				if _, err := door.Verify(t.Context(), g.Token, narrowcast.Presentation{}); err != nil {
					t.Fatalf("a token of %s, signed by %s: %v", r.name, g.said.KeyID, err)
				}
			}
			if g.said.KeyID != string(made.ID) {
				return errNotYet
			}
			return nil
		})
	}
}

// doorOf is a verifier that fetches its keys from one replica.
func doorOf(t *testing.T, r *replica) *narrowcast.Verifier {
	t.Helper()
	keys, err := jwks.NewHTTP(jwks.HTTPConfig{URL: "http://" + r.address + "/jwks", Now: time.Now, Between: 250 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	v, err := narrowcast.NewVerifier(narrowcast.Config{
		Audience: narrowcast.MustAudience(payDoor), Now: time.Now, Algorithms: ownAlgorithms(),
		Issuers: []narrowcast.TrustedIssuer{{Issuer: narrowcast.MustIssuer(r.issuer), Keys: keys}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}
