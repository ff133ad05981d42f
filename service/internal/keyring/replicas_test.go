package keyring_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/keyring"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Many replicas find at the same time that a rotation is due.
func TestOneOfManyRotates(t *testing.T) {
	h := newHouse(t)
	h.config.RotateEvery = time.Hour
	made := &counting{}
	h.config.Home = made
	rings := []*keyring.Ring{h.create(t)}
	for range 7 {
		rings = append(rings, h.open(t))
	}
	for round := range 3 {
		h.clock.Advance(time.Hour)
		var wait sync.WaitGroup
		for _, r := range rings {
			wait.Go(func() {
				if err := r.Tick(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if made.keys() != 2+round {
			t.Errorf("%d keys were made until round %d", made.keys(), round)
		}
		h.clock.Advance(time.Second)
		for _, r := range rings {
			if err := r.Refresh(context.Background()); err != nil || ids(r) != ids(rings[0]) {
				t.Errorf("the sets are %s and %s, %v", ids(rings[0]), ids(r), err)
			}
		}
	}
}

// A ring that only reads learns what another one did.
func TestReplicaLearnsByReading(t *testing.T) {
	h := newHouse(t)
	a := h.create(t)
	b := h.open(t)
	old := h.signer(t, b)
	made, err := a.Rotate(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := b.Peek(made.ID); ok {
		t.Error("the control: b knows it without a look")
	}
	h.clock.Advance(time.Second)
	h.config.Keys = &crashing{kept: h.store}
	if err := b.Refresh(context.Background()); err != nil || ids(b) != ids(a) {
		t.Errorf("after a look the sets are %s and %s, %v", ids(a), ids(b), err)
	}
	if got := h.signer(t, b); got != old {
		t.Errorf("%s signs, want %s", got, old)
	}
}

// A replica that was paused cannot be told apart from one whose store is
// silent: after its lease it looks, or does not sign.
func TestPausedReplica(t *testing.T) {
	h := newHouse(t)
	a := h.create(t)
	old := h.signer(t, a)
	gate := &swapping{kept: h.store}
	h.config.Keys = gate
	paused := h.open(t)
	gate.kept = silent{}
	young, err := a.Rotate(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		pass  time.Duration
		signs narrowcast.KeyID // when the store answers
	}{{time.Minute, old}, {ahead - time.Minute, young.ID}, {24 * time.Hour, young.ID}} {
		h.clock.Advance(c.pass)
		gate.kept = silent{}
		if _, err := mintOne(h.clock.Now(), paused.Current()); err == nil {
			t.Errorf("%v later it signs without having looked", c.pass)
		}
		gate.kept = h.store
		h.clock.Advance(time.Second) // it asks a silent store once in a while, not for every token
		if got := h.signer(t, paused); got != c.signs {
			t.Errorf("%v later %s signs, want %s", c.pass, got, c.signs)
		}
	}
	// In an emergency too: within the lease by the clock, then by looking.
	if err := a.Retire(context.Background(), young.ID); err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(10 * time.Second)
	if got := h.signer(t, paused); got == young.ID {
		t.Error("the paused replica signs with a key that was retired in an emergency")
	}
}

// silent is a store that does not answer.
type silent struct{}

var errSilent = errors.New("no answer")

func (silent) Keys(context.Context) ([]store.Key, error) { return nil, errSilent }
func (silent) SaveKey(context.Context, store.Key) error  { return errSilent }

// pausing stands still in front of a write, as a paused process does, while
// the clock and the others go on.
type pausing struct {
	kept   keyring.Keys
	before func(k store.Key)
}

func (p *pausing) Keys(ctx context.Context) ([]store.Key, error) { return p.kept.Keys(ctx) }

func (p *pausing) SaveKey(ctx context.Context, k store.Key) error {
	if before := p.before; before != nil {
		p.before = nil
		before(k)
	}
	return p.kept.SaveKey(ctx, k)
}

// A replica is paused at each write of a rotation, for longer than any window.
// The new key comes into the store late, and still nobody signs with it before
// verifiers had PublishAhead to fetch it.
func TestPauseInTheMiddleOfARotation(t *testing.T) {
	for _, write := range []string{"the new key", "the instants"} {
		for _, others := range []bool{true, false} {
			h := newHouse(t)
			a := h.create(t)
			old := h.signer(t, a)
			p := &pausing{kept: h.store}
			h.config.Keys = p
			b := h.open(t)
			var landed time.Time
			pause := func(store.Key) {
				for range 60 {
					h.clock.Advance(time.Minute)
					if others {
						h.pass(t, a, 0)
					}
				}
				landed = h.clock.Now()
			}
			p.before = pause
			if write == "the instants" {
				p.before = func(store.Key) { landed = h.clock.Now(); p.before = pause }
			}
			made, err := b.Rotate(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if write == "the instants" {
				landed = made.Published
			}
			for range 40 {
				for _, r := range []*keyring.Ring{a, b} {
					if got := h.signer(t, r); got == made.ID && h.clock.Now().Before(landed.Add(ahead)) {
						t.Errorf("%s, others %v: the new key signs %v after it came into the store", write, others, h.clock.Now().Sub(landed))
					}
				}
				h.pass(t, a, time.Minute)
				h.pass(t, b, 0)
			}
			if h.signer(t, a) == old || h.signer(t, b) != h.signer(t, a) {
				t.Errorf("%s, others %v: the new key never signs", write, others)
			}
		}
	}
}

// The instant is decided after a reading, however long the reading took.
func TestSlowReading(t *testing.T) {
	h := newHouse(t)
	h.create(t)
	crash := &crashing{kept: h.store, writes: 1}
	h.config.Keys = crash
	if _, err := h.open(t).Rotate(context.Background()); !errors.Is(err, errCrash) {
		t.Fatalf("Rotate: %v", err)
	}
	h.config.Keys = &slow{kept: h.store, takes: func() { h.clock.Advance(ahead) }}
	h.open(t)
	keys, err := h.store.Keys(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if !k.Active.Equal(dayOne) && !k.Active.Equal(dayOne.Add(2*ahead)) {
			t.Errorf("a key signs %v after the first day", k.Active.Sub(dayOne))
		}
	}
}

// slow takes its time to read.
type slow struct {
	kept  keyring.Keys
	takes func()
}

func (s *slow) Keys(ctx context.Context) ([]store.Key, error) {
	keys, err := s.kept.Keys(ctx)
	s.takes()
	return keys, err
}

func (s *slow) SaveKey(ctx context.Context, k store.Key) error { return s.kept.SaveKey(ctx, k) }

// A replica that makes a key for so long that its claim runs out throws it away
// when another was faster.
func TestSlowMaker(t *testing.T) {
	h := newHouse(t)
	a := h.create(t)
	h.config.Home = &counting{wait: func() {
		h.clock.Advance(time.Hour)
		if _, err := a.Rotate(context.Background()); err != nil {
			t.Error(err)
		}
	}}
	b := h.open(t)
	if _, err := b.Rotate(context.Background()); !errors.Is(err, keyring.ErrPending) {
		t.Errorf("Rotate: %v, want ErrPending", err)
	}
	if len(b.Public()) != 2 {
		t.Errorf("the set is %s", ids(b))
	}
}

// A claim that came to nothing holds for a while, and not for good.
func TestClaimOfADeadProcess(t *testing.T) {
	h := newHouse(t)
	r := h.create(t)
	broken := &counting{fault: errors.New("the module is gone")}
	h.config.Home = broken
	if _, err := h.open(t).Rotate(context.Background()); !errors.Is(err, broken.fault) {
		t.Fatalf("Rotate: %v", err)
	}
	if _, err := r.Rotate(context.Background()); !errors.Is(err, keyring.ErrBegun) {
		t.Errorf("at once: %v, want ErrBegun", err)
	}
	h.clock.Advance(2 * time.Minute)
	if _, err := r.Rotate(context.Background()); err != nil {
		t.Errorf("later: %v", err)
	}
	n := 0
	for record, err := range h.store.Find(context.Background(), store.Query{Types: []event.Type{event.Admin}}) {
		if err != nil || record.Event.Sequence != 1 {
			t.Errorf("record %d: %v", record.Number, err)
		}
		n++
	}
	if n != 2 {
		t.Errorf("%d claims in the book, want 2", n)
	}
}
