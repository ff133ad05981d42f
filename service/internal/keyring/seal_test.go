package keyring_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/keyring"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

func TestMasterKeys(t *testing.T) {
	h := newHouse(t)
	for _, bad := range [][]byte{nil, make([]byte, 31), make([]byte, 33), make([]byte, 32), bytes.Repeat([]byte{7}, 32)} {
		h.config.MasterKey = bad
		if err := keyring.Create(context.Background(), h.config); err == nil {
			t.Errorf("%d bytes were taken", len(bad))
		}
	}
	h.config.MasterKey = master(1)
	h.create(t)
}

func TestWrongMaster(t *testing.T) {
	h := newHouse(t)
	made := h.signer(t, h.create(t))
	h.config.MasterKey = master(2)
	if _, err := keyring.Open(context.Background(), h.config); !errors.Is(err, keyring.ErrSealed) || !strings.Contains(err.Error(), string(made)) {
		t.Errorf("another master key: %v, want ErrSealed", err)
	}
	h.config.MasterKey = master(1)
	h.open(t)
}

// fixedKeys are what a tampered store holds.
type fixedKeys []store.Key

func (f fixedKeys) Keys(context.Context) ([]store.Key, error) {
	return append([]store.Key{}, f...), nil
}
func (fixedKeys) SaveKey(context.Context, store.Key) error { return nil }

func TestTamperedKeys(t *testing.T) {
	h, other := newHouse(t), newHouse(t)
	h.create(t)
	other.create(t)
	ours, _ := h.store.Keys(context.Background())
	theirs, _ := other.store.Keys(context.Background())
	change := func(do func(k *store.Key)) fixedKeys {
		k := ours[0]
		k.Private, k.Public = bytes.Clone(k.Private), bytes.Clone(k.Public)
		do(&k)
		return fixedKeys{k}
	}
	for name, c := range map[string]struct {
		keys fixedKeys
		want error
	}{
		"a bit of the box":      {change(func(k *store.Key) { k.Private[len(k.Private)-1] ^= 1 }), keyring.ErrAltered},
		"a bit of the nonce":    {change(func(k *store.Key) { k.Private[9] ^= 1 }), keyring.ErrAltered},
		"cut short":             {change(func(k *store.Key) { k.Private = k.Private[:12] }), keyring.ErrAltered},
		"another version":       {change(func(k *store.Key) { k.Private[0] = 9 }), nil},
		"another id":            {change(func(k *store.Key) { k.ID = "k1" }), keyring.ErrAltered},
		"another algorithm":     {change(func(k *store.Key) { k.Algorithm = narrowcast.ES384 }), keyring.ErrAltered},
		"another public half":   {change(func(k *store.Key) { k.Public = theirs[0].Public }), keyring.ErrAltered},
		"another private half":  {change(func(k *store.Key) { k.Private = theirs[0].Private }), keyring.ErrAltered},
		"no public half":        {change(func(k *store.Key) { k.Public = []byte("nothing") }), keyring.ErrAltered},
		"a bit of the id of it": {change(func(k *store.Key) { k.Private[3] ^= 1 }), keyring.ErrSealed},
	} {
		h.config.Keys = c.keys
		_, err := keyring.Open(context.Background(), h.config)
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	h.config.Keys = change(func(*store.Key) {})
	h.open(t)
}

// Who can write to the store and has no master key cannot get a key published.
func TestRogueKeyIsNotPublished(t *testing.T) {
	h, rogue := newHouse(t), newHouse(t)
	rogue.config.MasterKey = master(9)
	made := h.signer(t, h.create(t))
	rogue.create(t)
	ours, _ := h.store.Keys(context.Background())
	theirs, _ := rogue.store.Keys(context.Background())
	sealed, bare := theirs[0], theirs[0]
	bare.Private = nil
	h.config.Keys = fixedKeys{ours[0], bare}
	if r := h.open(t); ids(r) != string(made) || h.signer(t, r) != made {
		t.Errorf("the set is %s", ids(r))
	}
	h.config.Keys = fixedKeys{ours[0], sealed}
	if _, err := keyring.Open(context.Background(), h.config); !errors.Is(err, keyring.ErrSealed) {
		t.Errorf("a key sealed by somebody else: %v", err)
	}
}

// A ring that runs goes on with what it knew when the store is spoilt.
func TestRunningRingKeepsWhatItKnew(t *testing.T) {
	h := newHouse(t)
	swap := &swapping{kept: h.store}
	h.config.Keys = swap
	r := h.create(t)
	made := h.signer(t, r)
	swap.kept = fixedKeys{}
	if err := r.Tick(context.Background()); !errors.Is(err, keyring.ErrNoKeys) {
		t.Errorf("Tick: %v", err)
	}
	if h.signer(t, r) != made || !r.Seen().Equal(dayOne) {
		t.Error("the ring forgot its key")
	}
}

// swapping is a store that can be exchanged for another.
type swapping struct{ kept keyring.Keys }

func (s *swapping) Keys(ctx context.Context) ([]store.Key, error) { return s.kept.Keys(ctx) }

func (s *swapping) SaveKey(ctx context.Context, k store.Key) error { return s.kept.SaveKey(ctx, k) }

// The public half of a key that is gone has no box to vouch for it; its id does.
func TestHistoryCannotBeAltered(t *testing.T) {
	h, other := newHouse(t), newHouse(t)
	h.create(t)
	other.create(t)
	ours, _ := h.store.Keys(context.Background())
	theirs, _ := other.store.Keys(context.Background())
	gone := theirs[0]
	gone.Private, gone.Active, gone.Retired, gone.Gone = nil, dayOne.Add(-2), dayOne.Add(-1), dayOne
	gone.Published = dayOne.Add(-3)
	for name, c := range map[string]struct {
		public []byte
		want   error
	}{"as it was": {theirs[0].Public, nil}, "another": {ours[0].Public, keyring.ErrAltered}} {
		gone.Public = c.public
		h.config.Keys = fixedKeys{gone, ours[0]}
		if _, err := keyring.History(context.Background(), h.config.Keys); !errors.Is(err, c.want) {
			t.Errorf("%s: History: %v", name, err)
		}
		if _, err := keyring.Open(context.Background(), h.config); !errors.Is(err, c.want) {
			t.Errorf("%s: Open: %v", name, err)
		}
	}
}

// A replica that decides by an outdated reading does not bring back a key that
// was retired in an emergency meanwhile.
func TestOutdatedReplicaYields(t *testing.T) {
	h := newHouse(t)
	a := h.create(t)
	bad := h.signer(t, a)
	h.pass(t, a, time.Hour)
	if _, err := a.Rotate(context.Background()); err != nil {
		t.Fatal(err)
	}
	before, _ := h.store.Keys(context.Background())
	before[0].Retired, before[0].Gone = time.Time{}, time.Time{} // so that there is something to write down
	if err := a.Retire(context.Background(), bad); err != nil {
		t.Fatal(err)
	}
	h.config.Keys = &late{kept: h.store, first: before}
	b := h.open(t)
	if h.signer(t, b) == bad || len(b.Public()) != 1 {
		t.Errorf("the set is %s", ids(b))
	}
}
