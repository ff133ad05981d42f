//go:build !fast

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/feed"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/service/internal/credential"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
)

// How many verifiers follow one issuer, and how many tokens are called back.
const (
	manyFollowers = 100
	manyRevoked   = 20
)

// TestAHundredFollowersRefuse: tokens are called back one after the other, and each
// of a hundred verifiers refuses each of them. It prints how long that took, from the
// moment at which the command was begun, beside the running issuer.
func TestAHundredFollowersRefuse(t *testing.T) {
	h := newKillHome(t)
	serve := h.start(t)
	defer serve.kill(t)
	source := followSource(t, h)
	crowd := make([]*following, manyFollowers)
	for i := range crowd {
		crowd[i] = h.follower(t, source)
	}
	control := h.mustSay(t, h.fresh(t, payDoor), "", http.StatusOK, "").Token
	var took []time.Duration
	for range manyRevoked {
		g := h.mustSay(t, h.fresh(t, payDoor), "", http.StatusOK, "")
		for _, f := range crowd {
			f.mustAccept(t, g.Token)
		}
		var all sync.WaitGroup
		each := make([]time.Duration, len(crowd))
		began := time.Now()
		for i, f := range crowd {
			all.Go(func() { each[i] = f.firstRefusal(t, g.Token, began) })
		}
		if out, err := h.command(t, "revoke", "token", g.said.TokenID, "--wait", "0s", "--json"); err == nil {
			t.Errorf("nobody who reports confirmed, and the command says all did: %s", out) // followers without a guard report nothing
		}
		all.Wait()
		took = append(took, each...)
	}
	for _, f := range crowd {
		f.mustAccept(t, control)
	}
	slices.Sort(took)
	t.Logf("%d first refusals: p50 %s, p99 %s, max %s", len(took), percentile(took, 50), percentile(took, 99), took[len(took)-1].Round(time.Millisecond))
}

// percentile is one of what is sorted.
func percentile(sorted []time.Duration, percent int) time.Duration {
	return sorted[(len(sorted)-1)*percent/100].Round(time.Millisecond)
}

// following is a verifier that follows an issuer.
type following struct {
	follower *feed.Follower
	verifier *narrowcast.Verifier
}

// followSource is how a guard of payments comes to the feed of an issuer.
func followSource(t *testing.T, h *killHome) http.RoundTripper {
	t.Helper()
	who, err := credential.Read(filepath.Join(h.dir, credentialsDir, "guard-payments.json"))
	if err != nil {
		t.Fatal(err)
	}
	audience, err := registry.FeedDoor(who.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	source, err := tokenSource(who, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return &toIssuer{source, audience, registry.ScopeFollow, lively()}
}

// follower makes a verifier of payments that follows the feed at the address of h,
// and waits until it knows the state of things.
func (h *killHome) follower(t *testing.T, source http.RoundTripper) *following {
	t.Helper()
	follower, err := feed.New(feed.Config{
		Issuer: narrowcast.MustIssuer(h.issuer), Audience: narrowcast.MustAudience(payDoor), URL: "http://" + h.address + "/feed",
		Now: time.Now, Client: &http.Client{Transport: source},
	})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := jwks.NewHTTP(jwks.HTTPConfig{URL: "http://" + h.address + "/jwks", Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := narrowcast.NewVerifier(narrowcast.Config{
		Audience: narrowcast.MustAudience(payDoor), Now: time.Now, Algorithms: ownAlgorithms(), Liveness: follower,
		Issuers: []narrowcast.TrustedIssuer{{Issuer: narrowcast.MustIssuer(h.issuer), Keys: keys}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); follower.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended })
	within(t, 20*time.Second, "a verifier follows", func() error {
		if follower.Feed().AsOf.IsZero() {
			return errNotYet
		}
		return nil
	})
	return &following{follower, verifier}
}

func (f *following) verify(token string) error {
	_, err := f.verifier.Verify(context.Background(), token, narrowcast.Presentation{})
	return err
}

func (f *following) mustAccept(t *testing.T, token string) {
	t.Helper()
	if err := f.verify(token); err != nil {
		t.Fatalf("a living token: %v", err)
	}
}

// firstRefusal asks whenever something new counts, and says when the answer was no.
// The limit only ends a hopeless wait.
func (f *following) firstRefusal(t *testing.T, token string, began time.Time) time.Duration {
	late := time.NewTimer(20 * time.Second)
	defer late.Stop()
	for {
		changed := f.follower.Changed()
		if f.verify(token) != nil {
			return time.Since(began)
		}
		select {
		case <-changed:
		case <-late.C:
			t.Error("a token that was called back is accepted after 20s")
			return time.Since(began)
		}
	}
}

// revokeAt calls a token back in a home and returns the number of the record.
func (h *killHome) revokeAt(t *testing.T, jti string) (uint64, error) {
	t.Helper()
	out, err := h.command(t, "revoke", "token", jti, "--wait", "0s", "--json")
	var r revoked
	if json.Unmarshal([]byte(out), &r) != nil || r.Record == 0 {
		return 0, fmt.Errorf("revoking: %w: %s", err, out)
	}
	return r.Record, nil // not everybody confirmed at once, which the exit code says
}
