package keyring_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/keyring"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

func TestRotation(t *testing.T) {
	h := newHouse(t)
	r := h.create(t)
	old := h.signer(t, r)
	h.pass(t, r, time.Hour)
	made, err := r.Rotate(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	young := made.ID
	if _, err := r.Rotate(context.Background()); !errors.Is(err, keyring.ErrPending) {
		t.Errorf("a second rotation: %v, want ErrPending", err)
	}
	both := string(old + " " + young)
	for _, step := range []struct {
		pass   time.Duration
		signer narrowcast.KeyID
		set    string
	}{
		{0, old, both}, {ahead - 1, old, both}, {1, young, both},
		{after - 1, young, both}, {1, young, string(young)}, {1000 * time.Hour, young, string(young)},
	} {
		// No Tick: the instants were written down, and the clock does the rest.
		h.clock.Advance(step.pass)
		if got := h.signer(t, r); got != step.signer || ids(r) != step.set {
			t.Errorf("%v after the first day: %s signs, want %s; set %s", h.clock.Now().Sub(dayOne), got, step.signer, ids(r))
		}
	}
	h.pass(t, r, 0)
	past, err := keyring.History(context.Background(), h.store)
	if err != nil || len(past) != 2 || past[0].ID() != old || past[1].ID() != young {
		t.Fatalf("the history is %v, %v", past, err)
	}
	gone := dayOne.Add(time.Hour + ahead + after)
	if from, to := past[0].Window(); !from.Equal(dayOne.Add(-narrowcast.MaxSkew)) || !to.Equal(gone) {
		t.Errorf("the window of the old key is %v to %v", from, to)
	}
	if keys, _ := h.store.Keys(context.Background()); len(keys[0].Private) != 0 || len(keys[1].Private) == 0 {
		t.Error("the private half of the old key must be destroyed, that of the young one kept")
	}
	h.open(t)
	want := []string{
		"key_published 0s", "key_activated 0s", "admin 1h0m0s", "key_published 1h0m0s", "key_activated 1h10m0s", "key_retired 1h30m0s",
	}
	if got := h.told(t); !slices.Equal(got, want) {
		t.Errorf("the book says %q, want %q", got, want)
	}
}

// reader is a verifier's key source that reads the set every so often and not
// in between.
type reader struct {
	lock  sync.RWMutex
	keys  map[narrowcast.KeyID]narrowcast.Key
	until time.Time
}

func (r *reader) refresh(now time.Time, every time.Duration, set func() []narrowcast.Key) {
	r.lock.Lock()
	defer r.lock.Unlock()
	if now.Before(r.until) {
		return
	}
	r.keys, r.until = make(map[narrowcast.KeyID]narrowcast.Key), now.Add(every)
	for _, k := range set() {
		r.keys[k.ID()] = k
	}
}

func (r *reader) Key(_ context.Context, id narrowcast.KeyID) (narrowcast.Key, error) {
	r.lock.RLock()
	defer r.lock.RUnlock()
	if k, ok := r.keys[id]; ok {
		return k, nil
	}
	return narrowcast.Key{}, narrowcast.ErrKeyUnknown
}

// refusals mints in two replicas while one of them rotates five times, and
// counts the tokens that a verifier refuses which reads the key set only so
// often. Each token is shown when it is minted and at the end of its life.
func refusals(t *testing.T, every time.Duration) (refused, shown int64) {
	t.Helper()
	h := newHouse(t)
	first := h.create(t)
	rings := []*keyring.Ring{first, h.open(t)}
	source := &reader{}
	v := verifier(t, source, h.clock.Now)
	var old []string
	var bad, all atomic.Int64
	show := func(token string) {
		all.Add(1)
		if _, err := v.Verify(context.Background(), token, narrowcast.Presentation{}); err != nil {
			bad.Add(1)
		}
	}
	const step = time.Minute
	for minute := range 5 * 60 {
		if minute%60 == 0 {
			if _, err := first.Rotate(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		source.refresh(h.clock.Now(), every, rings[minute%2].Public)
		var wait sync.WaitGroup
		fresh := make([]string, 4)
		for i := range fresh {
			wait.Go(func() {
				token, err := mintOne(h.clock.Now(), rings[i%2].Current())
				if err != nil {
					t.Error(err)
					return
				}
				show(token)
				fresh[i] = token
			})
		}
		wait.Wait()
		if old = append(old, fresh...); len(old) > 4*4 {
			for _, token := range old[:4] {
				show(token)
			}
			old = old[4:]
		}
		h.clock.Advance(step)
		if minute%2 == 0 { // the other replica looks less often
			h.pass(t, rings[1], 0)
		}
		h.pass(t, rings[0], 0)
	}
	return bad.Load(), all.Load()
}

func TestRotationIsNeverNoticed(t *testing.T) {
	if refused, shown := refusals(t, ahead/2); refused != 0 || shown < 2000 {
		t.Errorf("%d of %d tokens were refused", refused, shown)
	}
	// The control: a verifier that reads too seldom does meet unknown keys.
	if refused, _ := refusals(t, 4*ahead); refused == 0 {
		t.Error("the control refused nothing")
	}
}

func TestMintingWhileTheRingChanges(t *testing.T) {
	h := newHouse(t)
	r := h.create(t)
	stop := make(chan struct{})
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := mintOne(h.clock.Now(), r.Current()); err != nil {
					t.Error(err)
					return
				}
				_ = r.Public()
			}
		})
	}
	for range 20 {
		if _, err := r.Rotate(context.Background()); err != nil {
			t.Error(err)
		}
		h.pass(t, r, ahead)
	}
	close(stop)
	wait.Wait()
}

// A rotation is two writes. When the process dies between them, or anybody
// else's does, the next look finishes it.
func TestRestartInTheMiddleOfARotation(t *testing.T) {
	h := newHouse(t)
	r := h.create(t)
	old := h.signer(t, r)
	crash := &crashing{kept: h.store, writes: 1}
	h.config.Keys = crash
	dying := h.open(t)
	if _, err := dying.Rotate(context.Background()); !errors.Is(err, errCrash) {
		t.Fatalf("Rotate: %v", err)
	}
	keys, err := h.store.Keys(context.Background())
	if err != nil || len(keys) != 2 || keys[0].Active.IsZero() == keys[1].Active.IsZero() {
		t.Fatalf("the crash left %d keys, %v", len(keys), err)
	}
	h.clock.Advance(ahead / 2)
	h.config.Keys = h.store
	again := h.open(t)
	if h.signer(t, again) != old || len(again.Public()) != 2 {
		t.Errorf("after the restart %s signs, set %s", h.signer(t, again), ids(again))
	}
	// Nobody had read the new key before this ring, so it waits for its full time.
	h.clock.Advance(ahead - 1)
	if h.signer(t, again) != old {
		t.Error("the new key signs before verifiers could fetch it")
	}
	h.clock.Advance(1)
	if h.signer(t, again) == old {
		t.Error("the new key never became active")
	}
	h.clock.Advance(after)
	if len(again.Public()) != 1 {
		t.Errorf("the old key is still in the set: %s", ids(again))
	}
}

var errCrash = errors.New("crash")

// crashing lets a number of writes through and then none.
type crashing struct {
	kept   keyring.Keys
	writes int
}

func (c *crashing) Keys(ctx context.Context) ([]store.Key, error) { return c.kept.Keys(ctx) }

func (c *crashing) SaveKey(ctx context.Context, k store.Key) error {
	if c.writes--; c.writes < 0 {
		return errCrash
	}
	return c.kept.SaveKey(ctx, k)
}

func TestEmergency(t *testing.T) {
	for _, c := range []struct {
		name    string
		waiting bool // a rotation is under way
		which   int  // which key is retired
	}{
		{"the only key", false, 0}, {"the key that signs", true, 0}, {"the key that waits", true, 1},
	} {
		for writes := range 5 { // the process dies after so many writes, and comes back
			t.Run(fmt.Sprint(c.name, "/", writes), func(t *testing.T) {
				h := newHouse(t)
				r := h.create(t)
				h.pass(t, r, time.Hour)
				if c.waiting {
					if _, err := r.Rotate(context.Background()); err != nil {
						t.Fatal(err)
					}
					h.pass(t, r, time.Minute)
				}
				bad := r.Public()[c.which].ID()
				stolen := h.signer(t, r) == bad
				token, err := mintOne(h.clock.Now(), r.Current())
				if err != nil {
					t.Fatal(err)
				}
				other := h.open(t)

				h.config.Keys = &crashing{kept: h.store, writes: writes}
				dying := h.open(t)
				first := dying.Retire(context.Background(), bad)
				h.config.Keys = h.store
				r = h.open(t)
				h.signer(t, r) // whatever happened, somebody signs
				if err := r.Retire(context.Background(), bad); err != nil {
					t.Fatalf("again after %v: %v", first, err)
				}

				for _, ring := range []*keyring.Ring{r, h.open(t), other} {
					h.pass(t, ring, 0)
					if got := h.signer(t, ring); got == bad {
						t.Error("the retired key signs")
					}
					_, err := verifier(t, ring, h.clock.Now).Verify(context.Background(), token, narrowcast.Presentation{})
					if (err != nil) != stolen {
						t.Errorf("its token: %v", err)
					}
					h.clock.Advance(2 * time.Hour)
					h.pass(t, ring, 0)
					if got := h.signer(t, ring); got == bad {
						t.Error("the retired key came back")
					}
					h.clock.Advance(-2 * time.Hour)
				}
				keys, _ := h.store.Keys(context.Background())
				for _, k := range keys {
					if k.ID == bad && (len(k.Private) > 0 || k.Gone.IsZero()) {
						t.Error("its private half is still there")
					}
				}
				if err := r.Retire(context.Background(), "unknown"); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("Retire of an unknown key: %v", err)
				}
			})
		}
	}
}

func TestRotationByTheClock(t *testing.T) {
	h := newHouse(t)
	h.config.RotateEvery = time.Hour
	r := h.create(t)
	first := h.signer(t, r)
	h.pass(t, r, time.Hour-ahead-1)
	if n := len(r.Public()); n != 1 {
		t.Errorf("%d keys before it is time", n)
	}
	h.pass(t, r, 1)
	h.pass(t, h.open(t), 0) // another replica sees that it is done
	h.pass(t, r, 0)
	if n := len(r.Public()); n != 2 || h.signer(t, r) != first {
		t.Errorf("%d keys when it is time", n)
	}
	h.clock.Advance(ahead)
	if h.signer(t, r) == first {
		t.Error("after an hour the first key signs still")
	}
	for range 24 * 6 {
		h.pass(t, r, 10*time.Minute)
	}
	if keys, _ := h.store.Keys(context.Background()); len(keys) != 26 {
		t.Errorf("%d keys after a day, want 26", len(keys))
	}
}

// Two processes begin to rotate by the same reading; one of them makes a key.
func TestTwoRotateAtOnce(t *testing.T) {
	h := newHouse(t)
	a := h.create(t)
	stale := &swapping{kept: h.store}
	h.config.Keys = stale
	b := h.open(t)
	before, _ := h.store.Keys(context.Background())
	stale.kept = &late{kept: h.store, first: before}
	if _, err := a.Rotate(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Rotate(context.Background()); !errors.Is(err, keyring.ErrBegun) {
		t.Errorf("the second rotation: %v, want ErrBegun", err)
	}
	h.pass(t, a, time.Minute)
	h.pass(t, b, 0)
	if len(a.Public()) != 2 || ids(a) != ids(b) {
		t.Errorf("the sets are %s and %s", ids(a), ids(b))
	}
	h.clock.Advance(ahead)
	if h.signer(t, a) != h.signer(t, b) {
		t.Error("two replicas sign with two keys")
	}
}

// late answers the first question with what was true before.
type late struct {
	kept  keyring.Keys
	first []store.Key
}

func (l *late) Keys(ctx context.Context) ([]store.Key, error) {
	if first := l.first; first != nil {
		l.first = nil
		return first, nil
	}
	return l.kept.Keys(ctx)
}

func (l *late) SaveKey(ctx context.Context, k store.Key) error { return l.kept.SaveKey(ctx, k) }
