package keyring_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/keyring"
)

// counting is a home of keys in memory.
type counting struct {
	lock  sync.Mutex
	made  []crypto.Signer
	fault error
	wait  func() // while a key is made
}

func (c *counting) keys() int {
	c.lock.Lock()
	defer c.lock.Unlock()
	return len(c.made)
}

func (c *counting) broken(fault error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.fault = fault
}

func (c *counting) Generate(_ context.Context, alg narrowcast.Algorithm) ([]byte, crypto.Signer, error) {
	if c.wait != nil {
		c.wait()
	}
	k, err := fresh(alg)
	c.lock.Lock()
	defer c.lock.Unlock()
	if err = errors.Join(err, c.fault); err != nil {
		return nil, nil, err
	}
	c.made = append(c.made, k)
	return fmt.Appendf(nil, "drawer %d", len(c.made)-1), k, nil
}

func (c *counting) Open(_ context.Context, reference []byte) (crypto.Signer, error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	var n int
	if _, err := fmt.Sscanf(string(reference), "drawer %d", &n); err != nil || c.fault != nil {
		return nil, errors.Join(err, c.fault)
	}
	return c.made[n], nil
}

func fresh(alg narrowcast.Algorithm) (crypto.Signer, error) {
	switch alg {
	case narrowcast.RS256, narrowcast.PS256:
		return rsa.GenerateKey(rand.Reader, 2048)
	case narrowcast.Ed25519:
		_, k, err := ed25519.GenerateKey(rand.Reader)
		return k, err
	}
	curve := elliptic.P256()
	if alg == narrowcast.ES384 {
		curve = elliptic.P384()
	}
	return ecdsa.GenerateKey(curve, rand.Reader)
}

// One ring goes through every algorithm, and from a sealed key to one that is
// at home elsewhere and back. What was signed before stays good.
func TestAlgorithmAndHomeChange(t *testing.T) {
	h := newHouse(t)
	home := &counting{}
	h.create(t)
	var tokens []string
	for i, c := range []struct {
		alg  narrowcast.Algorithm
		here bool
	}{
		{narrowcast.ES256, false}, {narrowcast.RS256, false}, {narrowcast.RS256, true},
		{narrowcast.Ed25519, false}, {narrowcast.ES256, true},
	} {
		h.config.Algorithm, h.config.Home, h.config.MakeHere = c.alg, home, c.here
		r := h.open(t)
		made, err := r.Rotate(context.Background())
		if err != nil || made.Algorithm != c.alg {
			t.Fatalf("%d: Rotate: %s, %v", i, made.Algorithm, err)
		}
		token, err := mintOne(h.clock.Now(), r.Current())
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, token)
		h.pass(t, r, ahead)
		if got := h.signer(t, r); got != made.ID {
			t.Errorf("%d: %s signs, want %s", i, got, made.ID)
		}
		h.clock.Advance(-ahead) // the tokens of the old key live on; look at them as they were
		if _, err := verifier(t, r, h.clock.Now).Verify(context.Background(), tokens[i], narrowcast.Presentation{}); err != nil {
			t.Errorf("%d: a token of the old key: %v", i, err)
		}
		h.clock.Advance(ahead + time.Minute)
	}
	if home.keys() != 3 {
		t.Errorf("%d keys were made at home, want 3", home.keys())
	}
	h.config.Home = nil // the keys at home are all retired
	if r := h.open(t); len(r.Public()) < 2 {
		t.Errorf("a key at home that is retired and not gone is missing in the set: %s", ids(r))
	}
}

// A home that cannot be reached takes nothing from the set, and comes back by
// itself.
func TestHomeOutOfReach(t *testing.T) {
	h := newHouse(t)
	home := &counting{}
	h.config.Home = home
	running := h.create(t)
	made := h.signer(t, running)
	home.broken(errors.New("the module is gone"))
	if err := running.Refresh(context.Background()); err != nil || h.signer(t, running) != made {
		t.Errorf("a ring that has its signer already: %v", err)
	}
	if _, err := keyring.Open(context.Background(), h.config); !errors.Is(err, keyring.ErrAway) {
		t.Errorf("Open: %v, want ErrAway", err)
	}
	r, err := keyring.OpenAnyway(context.Background(), h.config)
	if err != nil {
		t.Fatal(err)
	}
	if ids(r) != string(made) || r.Current() != nil {
		t.Errorf("the set is %q, and %v signs", ids(r), r.Current())
	}
	if err := r.Tick(context.Background()); !errors.Is(err, keyring.ErrAway) {
		t.Errorf("Tick: %v, want ErrAway", err)
	}
	home.broken(nil)
	if err := r.Tick(context.Background()); err != nil || h.signer(t, r) != made {
		t.Errorf("when it is back: %v", err)
	}
}

// The module is stolen: the way out needs no module.
func TestEmergencyWithoutTheHome(t *testing.T) {
	h := newHouse(t)
	h.config.Home = &counting{}
	stolen := h.signer(t, h.create(t))
	h.config.Home = nil
	r, err := keyring.OpenAnyway(context.Background(), h.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Retire(context.Background(), stolen); err != nil {
		t.Fatal(err)
	}
	if got := h.signer(t, r); got == stolen || len(r.Public()) != 1 {
		t.Errorf("%s signs, the set is %s", got, ids(r))
	}
}

// odd is a home that returns something else than it was asked for.
type odd struct {
	counting
	generate func() ([]byte, crypto.Signer, error)
	open     func() (crypto.Signer, error)
}

func (o *odd) Generate(ctx context.Context, alg narrowcast.Algorithm) ([]byte, crypto.Signer, error) {
	if o.generate != nil {
		return o.generate()
	}
	return o.counting.Generate(ctx, alg)
}

func (o *odd) Open(ctx context.Context, reference []byte) (crypto.Signer, error) {
	if o.open != nil {
		return o.open()
	}
	return o.counting.Open(ctx, reference)
}

func TestOddHomes(t *testing.T) {
	key, err := fresh(narrowcast.RS256)
	if err != nil {
		t.Fatal(err)
	}
	for name, generate := range map[string]func() ([]byte, crypto.Signer, error){
		"nothing":               func() ([]byte, crypto.Signer, error) { return nil, nil, nil },
		"no reference":          func() ([]byte, crypto.Signer, error) { return nil, key, nil },
		"a long reference":      func() ([]byte, crypto.Signer, error) { return make([]byte, keyring.MaxReference+1), key, nil },
		"for another algorithm": func() ([]byte, crypto.Signer, error) { return []byte("x"), key, nil },
	} {
		h := newHouse(t)
		h.config.Home = &odd{generate: generate}
		if err := keyring.Create(context.Background(), h.config); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	h := newHouse(t)
	home := &odd{}
	h.config.Home = home
	h.create(t)
	home.open = func() (crypto.Signer, error) { return key, nil }
	if _, err := keyring.Open(context.Background(), h.config); !errors.Is(err, keyring.ErrAltered) {
		t.Errorf("another key in the drawer: %v, want ErrAltered", err)
	}
}

// Making a key may take long; signing and looking go on meanwhile.
func TestMakingAKeyBlocksNothing(t *testing.T) {
	h := newHouse(t)
	home := &counting{}
	h.config.Home = home
	r := h.create(t)
	old := h.signer(t, r)
	begun, finish := make(chan struct{}), make(chan struct{})
	home.wait = func() { close(begun); <-finish }
	rotated := make(chan error)
	go func() { _, err := r.Rotate(context.Background()); rotated <- err }()
	<-begun
	for range 3 {
		h.clock.Advance(time.Minute) // far beyond the lease
		if err := r.Refresh(context.Background()); err != nil || h.signer(t, r) != old {
			t.Errorf("while a key is made: %v", err)
		}
	}
	close(finish)
	if err := <-rotated; err != nil || len(strings.Fields(ids(r))) != 2 {
		t.Errorf("Rotate: %v; the set is %s", err, ids(r))
	}
}
