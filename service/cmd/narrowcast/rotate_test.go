package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/client"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/credential"
	"github.com/narrowcast-io/narrowcast/service/internal/incident"
)

// hand moves a clock that is given to everything in the house.
type hand struct{ passed atomic.Int64 }

func (h *hand) now() time.Time {
	return time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(h.passed.Load()))
}

// TestRotationRefusesNobody changes the signing key with the settings that init
// writes, while clients ask for tokens and show them. The clock moves in the
// middle of requests, in small steps where something happens. A stranger shows
// tokens of keys that nobody has, so that the doors have just asked for the key
// set and may not ask again when the new key is made and when it begins to sign:
// a new key must be known before, and is not rescued by a look at the last moment.
func TestRotationRefusesNobody(t *testing.T) {
	const near, far = time.Second, 30 * time.Second
	r := newRotation(t)
	press := r.world.house.ring.Current()
	stolen := r.letter(t, press)
	if status := r.show(t, stolen); status != http.StatusOK {
		t.Fatalf("status %d with the key that signs; a refusal later would prove nothing", status)
	}
	r.askFor(t, time.Minute, far)
	r.stranger(t)
	next, err := r.world.house.ring.Rotate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := r.world.house.settings
	r.askFor(t, 15*time.Second, near)
	r.askFor(t, s.PublishAhead-30*time.Second, far)
	r.stranger(t)
	r.askFor(t, 30*time.Second, near) // in the middle of it the new key begins to sign
	r.askFor(t, 10*time.Minute, far)
	if len(r.kids) != 2 || r.kids[next.ID] == 0 {
		t.Errorf("tokens were signed by %v; the old key and %s should have signed", r.kids, next.ID)
	}
	t.Logf("%d requests, signed by %v", r.requests.Load(), r.kids)
	r.clock.passed.Add(int64(longestLife + s.Skew)) // a quiet time, in which the old key goes
	r.mustBeHistory(t, press, stolen)
}

// rotation is the world of the demo with clients that are never quiet.
type rotation struct {
	world    *world
	clock    *hand
	sources  []*client.Source
	previous []string
	requests atomic.Int64

	mu   sync.Mutex
	kids map[narrowcast.KeyID]int
}

func newRotation(t *testing.T) *rotation {
	t.Helper()
	r := &rotation{clock: &hand{}, kids: map[narrowcast.KeyID]int{}, previous: make([]string, 4)}
	w, err := (&app{out: io.Discard, errs: io.Discard, now: r.clock.now, getenv: os.Getenv}).openWorld(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	r.world = w
	who, err := w.read("checkout")
	if err != nil {
		t.Fatal(err)
	}
	for range r.previous {
		source, err := tokenSource(who, r.clock.now)
		if err != nil {
			t.Fatal(err)
		}
		r.sources = append(r.sources, source)
	}
	return r
}

func (r *rotation) askFor(t *testing.T, all, step time.Duration) {
	t.Helper()
	for range all / step {
		r.ask(t, step)
	}
}

// ask lets every client ask for a token and show it, and the one before it, and
// moves the clock while they do.
func (r *rotation) ask(t *testing.T, step time.Duration) {
	t.Helper()
	var asking sync.WaitGroup
	for i := range r.sources {
		asking.Go(func() { r.askOnce(t, i) })
	}
	r.clock.passed.Add(int64(step))
	asking.Wait()
}

func (r *rotation) askOnce(t *testing.T, i int) {
	token, err := r.sources[i].Token(t.Context(), r.world.doors["payments"].audience, narrowcast.Scope{})
	if err != nil {
		t.Errorf("at %s: %v", r.clock.now(), err)
		return
	}
	r.sources[i].Drop(token) // the next one is minted anew
	for _, text := range []string{token.Secret(), r.previous[i]} {
		if text == "" {
			continue
		}
		if status := r.show(t, text); status != http.StatusOK {
			t.Errorf("at %s: status %d", r.clock.now(), status)
		}
	}
	r.previous[i] = token.Secret()
	if said, err := narrowcast.Inspect(token.Secret()); err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.kids[narrowcast.KeyID(said.KeyID)]++
	}
}

// show shows a token at payments.
func (r *rotation) show(t *testing.T, token string) int {
	r.requests.Add(1)
	resp, err := (&play{world: r.world, ctx: t.Context()}).get(r.world.doors["payments"].url, token)
	if err != nil {
		t.Error(err)
		return 0
	}
	return resp.StatusCode
}

// letter is a fresh token for payments by a press that somebody has taken away.
func (r *rotation) letter(t *testing.T, press *mint.Press) string {
	t.Helper()
	text, err := press.Mint(mint.Letter{
		Audience: r.world.doors["payments"].audience, Subject: "mallory", Client: "mallory", ID: mint.NewTokenID(),
		IssuedAt: r.clock.now(), Lifetime: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// stranger shows a token of a key that nobody has.
func (r *rotation) stranger(t *testing.T) {
	t.Helper()
	made, err := credential.New(r.world.house.settings.Issuer, "stranger")
	if err != nil {
		t.Fatal(err)
	}
	press, err := mint.New(mint.Config{
		Issuer: made.Issuer, KeyID: made.Key.ID(), Algorithm: made.Key.Algorithm(), Signer: made.Signer(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if status := r.show(t, r.letter(t, press)); status != http.StatusUnauthorized {
		t.Errorf("status %d for a key that nobody has", status)
	}
}

// mustBeHistory checks what is left of a key whose time has ended: nothing that
// it signs opens a door, and what it signed in its time can still be recognised.
func (r *rotation) mustBeHistory(t *testing.T, press *mint.Press, old string) {
	t.Helper()
	if status := r.show(t, r.letter(t, press)); status != http.StatusUnauthorized {
		t.Errorf("status %d for a fresh token of a key that is gone", status)
	}
	if status := r.show(t, r.letter(t, r.world.house.ring.Current())); status != http.StatusOK {
		t.Errorf("status %d for the same letter by the key that signs now", status)
	}
	keys, err := archivedKeys(t.Context(), r.world.house.store)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := incident.Inspect(context.WithoutCancel(t.Context()), old, keys, r.clock.now())
	if err != nil || seen.Signature != "right" {
		t.Errorf("an old token is not recognised: %q %s %v", seen.Signature, seen.Why, err)
	}
}
