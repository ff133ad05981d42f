package keyring_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/keyring"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/store/storetest"
)

const (
	ahead = 10 * time.Minute
	after = 20 * time.Minute
	life  = 5 * time.Minute
)

var (
	dayOne = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	issuer = narrowcast.MustIssuer("https://issuer.example.test")
	pay    = narrowcast.MustAudience("https://pay.example.test")
)

// house is what the tests of a ring need.
type house struct {
	clock  *storetest.Clock
	store  *storetest.Memory
	book   *brokenBook
	config keyring.Config
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{clock: storetest.NewClock(dayOne)}
	h.store = storetest.NewMemory(h.clock.Now)
	h.book = &brokenBook{Book: h.store}
	h.config = keyring.Config{
		Keys: h.store, Book: h.book, MasterKey: master(1), Issuer: issuer, Now: h.clock.Now,
		PublishAhead: ahead, KeepAfter: after,
	}
	return h
}

func master(seed byte) []byte {
	m := make([]byte, keyring.MasterBytes)
	for i := range m {
		m[i] = seed + byte(i)
	}
	return m
}

func (h *house) create(t *testing.T) *keyring.Ring {
	t.Helper()
	if err := keyring.Create(context.Background(), h.config); err != nil {
		t.Fatal(err)
	}
	return h.open(t)
}

func (h *house) open(t *testing.T) *keyring.Ring {
	t.Helper()
	r, err := keyring.Open(context.Background(), h.config)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (h *house) pass(t *testing.T, r *keyring.Ring, d time.Duration) {
	t.Helper()
	h.clock.Advance(d)
	if err := r.Tick(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// brokenBook is a book that can be made to fail.
type brokenBook struct {
	store.Book
	broken error
}

func (b *brokenBook) Append(ctx context.Context, e store.Entry) (store.Record, error) {
	if b.broken != nil {
		return store.Record{}, b.broken
	}
	return b.Book.Append(ctx, e)
}

// told returns what the book says of keys, as "type after-the-first-day".
func (h *house) told(t *testing.T) (all []string) {
	t.Helper()
	for r, err := range h.store.Find(context.Background(), store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(r.Event.Type, " ", r.Event.Time.Sub(dayOne)))
	}
	return all
}

func mintOne(now time.Time, press *mint.Press) (string, error) {
	return press.Mint(mint.Letter{
		Audience: pay, Subject: "checkout", Client: "checkout", ID: mint.NewTokenID(),
		IssuedAt: now, Lifetime: life, Class: narrowcast.AccessToken,
	})
}

// signer returns the id of the key that signs now, by the token that it makes.
func (h *house) signer(t *testing.T, r *keyring.Ring) narrowcast.KeyID {
	t.Helper()
	token, err := mintOne(h.clock.Now(), r.Current())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := verifier(t, r, h.clock.Now).Verify(context.Background(), token, narrowcast.Presentation{})
	if err != nil {
		t.Fatalf("the token of the key that signs: %v", err)
	}
	return accepted.KeyID()
}

func verifier(t *testing.T, keys narrowcast.KeySource, now func() time.Time) *narrowcast.Verifier {
	t.Helper()
	v, err := narrowcast.NewVerifier(narrowcast.Config{
		Audience: pay, Now: now,
		Issuers: []narrowcast.TrustedIssuer{{Issuer: issuer, Keys: keys}},
		Algorithms: []narrowcast.Algorithm{
			narrowcast.ES256, narrowcast.ES384, narrowcast.RS256, narrowcast.PS256, narrowcast.Ed25519,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func ids(r *keyring.Ring) string {
	var out []string
	for _, k := range r.Public() {
		out = append(out, string(k.ID()))
	}
	return strings.Join(out, " ")
}

func TestEveryAlgorithm(t *testing.T) {
	for _, alg := range []narrowcast.Algorithm{
		narrowcast.ES256, narrowcast.ES384, narrowcast.RS256, narrowcast.PS256, narrowcast.Ed25519,
	} {
		h := newHouse(t)
		h.config.Algorithm = alg
		made := h.signer(t, h.create(t))
		r := h.open(t)
		if opened := h.signer(t, r); opened != made {
			t.Errorf("%s: opened %s, made %s", alg, opened, made)
		}
		set, err := r.JWKS()
		if err != nil {
			t.Fatal(err)
		}
		keys, err := jwks.Parse(set, jwks.Options{})
		if err != nil || len(keys) != 1 || keys[0].ID() != made || keys[0].Algorithm() != alg {
			t.Errorf("%s: the set reads %v, %v", alg, keys, err)
		}
	}
}

func TestNothingIsCreatedByOpening(t *testing.T) {
	h := newHouse(t)
	if _, err := keyring.Open(context.Background(), h.config); !errors.Is(err, keyring.ErrNoKeys) {
		t.Errorf("Open: %v, want ErrNoKeys", err)
	}
	if keys, _ := h.store.Keys(context.Background()); len(keys) != 0 {
		t.Error("opening made a key")
	}
	h.create(t)
	if err := keyring.Create(context.Background(), h.config); !errors.Is(err, keyring.ErrExists) {
		t.Errorf("Create: %v, want ErrExists", err)
	}
	h.open(t)
}

func TestConfigNamesEveryFault(t *testing.T) {
	_, err := keyring.Open(context.Background(), keyring.Config{Algorithm: "HS256"})
	if err == nil {
		t.Fatal("no error")
	}
	for _, word := range []string{"Keys", "Book", "MasterKey", "Issuer", "Now", "PublishAhead", "KeepAfter", "HS256"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%s is not named in %v", word, err)
		}
	}
	h := newHouse(t)
	h.config.Every = ahead
	if err := keyring.Create(context.Background(), h.config); err == nil || !strings.Contains(err.Error(), "Every") {
		t.Errorf("a slow look: %v", err)
	}
}

func TestZeroRingRefuses(t *testing.T) {
	var r keyring.Ring
	if len(r.Public()) != 0 || !r.Seen().IsZero() {
		t.Error("a zero ring publishes something")
	}
	if _, err := mintOne(dayOne, r.Current()); err == nil {
		t.Error("a zero ring signs")
	}
	if _, err := r.Key(context.Background(), "x"); !errors.Is(err, narrowcast.ErrKeyUnknown) {
		t.Errorf("Key: %v", err)
	}
}

func TestBookComesFirst(t *testing.T) {
	h := newHouse(t)
	h.book.broken = errors.New("disk full")
	if err := keyring.Create(context.Background(), h.config); !errors.Is(err, h.book.broken) {
		t.Errorf("Create: %v", err)
	}
	if keys, _ := h.store.Keys(context.Background()); len(keys) != 0 {
		t.Error("there is a key that is not in the book")
	}
	h.book.broken = nil
	r := h.create(t)
	h.book.broken = errors.New("disk full")
	if _, err := r.Rotate(context.Background()); !errors.Is(err, h.book.broken) {
		t.Errorf("Rotate: %v", err)
	}
	if keys, _ := h.store.Keys(context.Background()); len(keys) != 1 {
		t.Errorf("%d keys, want 1", len(keys))
	}
}

func TestNothingPrintsAKey(t *testing.T) {
	h := newHouse(t)
	h.config.Algorithm = narrowcast.Ed25519
	r := h.create(t)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		for _, printed := range []string{
			fmt.Sprintf(verb, r), fmt.Sprintf(verb, h.config), fmt.Sprintf(verb, &h.config), fmt.Sprintf(verb, r.Current()),
		} {
			if len(printed) > 200 || strings.Contains(printed, "0102030405") || strings.Contains(printed, "1 2 3 4 5") {
				t.Errorf("%s prints %s", verb, printed)
			}
		}
	}
	if plain := fmt.Sprintf("%v", h.config.MasterKey); !strings.Contains(plain, "1 2 3 4 5") {
		t.Fatal("the control: a master key is not what is looked for")
	}
}

var (
	_ keyring.Keys         = store.Store(nil)
	_ keyring.Book         = store.Store(nil)
	_ narrowcast.KeySource = (*keyring.Ring)(nil)
	_ narrowcast.KeyPeeker = (*keyring.Ring)(nil)
)
