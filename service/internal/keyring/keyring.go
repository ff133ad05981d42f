// Package keyring keeps the signing keys of one issuer: it makes them, seals
// their private halves, publishes the public ones, and changes the key that
// signs without a verifier meeting a key it has not seen.
//
// A key goes through four instants, all written down when they are decided, so
// that every process that reads the store knows the same key to be in the same
// state at the same time:
//
//	Published  in the key set from here
//	Active     signs from here: PublishAhead later
//	Retired    signs no more: when its successor becomes active
//	Gone       out of the key set, private half destroyed: KeepAfter later
//
// Its public half and its instants stay readable for good.
package keyring

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Errors that a caller may tell apart.
var (
	// ErrNoKeys: there is no key to open.
	ErrNoKeys = errors.New(`there is no signing key: "narrowcast init" creates one`)
	// ErrExists: there are keys already; Create makes none beside them.
	ErrExists = errors.New("there are signing keys already")
	// ErrPending: the last rotation has not come to its end.
	ErrPending = errors.New("a new key is published and waits to become active")
	// ErrSealed: a key was sealed with another master key.
	ErrSealed = errors.New("sealed with another master key")
	// ErrAltered: what is kept of a key is not what was kept.
	ErrAltered = errors.New("the kept key was altered")
)

// Keys is where keys are kept. A store.Store is one.
type Keys interface {
	SaveKey(ctx context.Context, k store.Key) error
	Keys(ctx context.Context) ([]store.Key, error)
}

// Book takes the records of what happens to keys. A store.Book is one. It keeps
// an event of the same Writer and ID once: every process reports every change.
type Book interface {
	Append(ctx context.Context, e store.Entry) (store.Record, error)
}

// Config is what a Ring is made of. Fields without a default are required.
type Config struct {
	Keys      Keys
	Book      Book
	MasterKey []byte // MasterBytes random bytes; seals the private halves; no copy is kept
	Issuer    narrowcast.Issuer
	Algorithm narrowcast.Algorithm // of new keys; default ES256
	Now       func() time.Time
	// PublishAhead is how long a key is in the set before it signs. Verifiers
	// that refresh at least this often never meet an unknown key.
	PublishAhead time.Duration
	// KeepAfter is how long a key stays in the set after it stopped signing: the
	// longest life of a token and the skew of the clocks.
	KeepAfter time.Duration
	// RotateEvery is how long one key signs until Tick begins a rotation by
	// itself; default: only Rotate does.
	RotateEvery time.Duration
	// Every is how often Run looks at the store, for what other processes did;
	// default a quarter of PublishAhead, at most half of it.
	Every  time.Duration
	Tenant string // of events; may be empty

	_ struct{}
}

// Format names a configuration without its master key, whatever the verb.
func (c Config) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "keyring of "+c.Issuer.String())
}

const longest = 10 * 365 * 24 * time.Hour

func (c *Config) complete() error {
	var errs []error
	require := func(ok bool, what string) {
		if !ok {
			errs = append(errs, errors.New(what))
		}
	}
	if c.Algorithm == "" {
		c.Algorithm = narrowcast.ES256
	}
	if c.Every == 0 {
		c.Every = c.PublishAhead / 4
	}
	alg, unknown := narrowcast.ParseAlgorithm(string(c.Algorithm))
	c.Algorithm = alg
	require(c.Keys != nil, "Keys is required")
	require(c.Book != nil, "Book is required")
	require(!c.Issuer.IsZero(), "Issuer is required")
	require(c.Now != nil, "Now is required")
	require(c.PublishAhead > 0 && c.PublishAhead <= longest, "PublishAhead must be above zero and at most ten years")
	require(c.KeepAfter > 0 && c.KeepAfter <= longest, "KeepAfter must be above zero and at most ten years")
	require(c.RotateEvery == 0 || c.RotateEvery > c.PublishAhead, "RotateEvery must be longer than PublishAhead")
	require(c.Every > 0 && c.Every <= c.PublishAhead/2, "Every must be above zero and at most half of PublishAhead")
	return errors.Join(append(errs, unknown)...)
}

// Ring holds the keys of one issuer. It may be used by many goroutines. The
// zero Ring signs nothing and publishes nothing.
type Ring struct {
	config Config
	seal   *seal
	state  atomic.Pointer[state]

	change sync.Mutex      // one change at a time; reading needs no lock
	told   map[string]bool // records that are known to be in the book
}

// Create makes the first key, which is published and active at once. It is a
// step of its own: opening never makes a key. It returns ErrExists.
func Create(ctx context.Context, c Config) error {
	r, err := newRing(c)
	if err != nil {
		return fmt.Errorf("creating a keyring: %w", err)
	}
	keys, err := c.Keys.Keys(ctx)
	if err == nil && len(keys) > 0 {
		err = ErrExists
	}
	if err == nil {
		now := r.now()
		_, err = r.add(ctx, now, now, "the first key")
	}
	if err == nil {
		err = r.look(ctx)
	}
	if err != nil {
		return fmt.Errorf("creating a keyring: %w", err)
	}
	return nil
}

// Open reads the keys. It returns ErrNoKeys, ErrSealed, ErrAltered.
func Open(ctx context.Context, c Config) (*Ring, error) {
	r, err := newRing(c)
	if err == nil {
		err = r.look(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the keyring: %w", err)
	}
	return r, nil
}

func newRing(c Config) (*Ring, error) {
	s, err := newSeal(c.MasterKey)
	if err = errors.Join(c.complete(), err); err != nil {
		return nil, err
	}
	c.MasterKey = nil
	return &Ring{config: c, seal: s, told: make(map[string]bool)}, nil
}

func (r *Ring) now() time.Time { return r.config.Now().Round(0).UTC() }

// Current returns the press of the key that signs now, or nil, which mints
// nothing. It takes no lock, and the change from one key to the next needs no
// call: it happens at the instant that was written down.
func (r *Ring) Current() *mint.Press {
	s := r.state.Load()
	if s == nil {
		return nil
	}
	if k := s.signing(r.config.Now()); k != nil {
		return k.press
	}
	return nil
}

// Public returns the keys that are in the set now, oldest first, each with the
// window in which it may be used.
func (r *Ring) Public() []narrowcast.Key {
	s := r.state.Load()
	if s == nil {
		return nil
	}
	now := r.config.Now()
	var keys []narrowcast.Key
	for i := range s.keys {
		if s.keys[i].inSet(now) {
			keys = append(keys, s.keys[i].public)
		}
	}
	return keys
}

// JWKS returns Public as a JWK Set (RFC 7517 section 5).
func (r *Ring) JWKS() ([]byte, error) { return jwks.Marshal(r.Public()) }

// Key finds a key of the set: a Ring is a narrowcast.KeySource for tokens that
// are addressed to the issuer itself.
func (r *Ring) Key(_ context.Context, id narrowcast.KeyID) (narrowcast.Key, error) {
	if k, ok := r.Peek(id); ok {
		return k, nil
	}
	return narrowcast.Key{}, fmt.Errorf("keyring: %w", narrowcast.ErrKeyUnknown)
}

// Peek is Key for a narrowcast.KeyPeeker.
func (r *Ring) Peek(id narrowcast.KeyID) (narrowcast.Key, bool) {
	s := r.state.Load()
	if s == nil {
		return narrowcast.Key{}, false
	}
	if k := s.find(id); k != nil && k.inSet(r.config.Now()) {
		return k.public, true
	}
	return narrowcast.Key{}, false
}

// Seen returns when the store was last read without error.
func (r *Ring) Seen() time.Time {
	if s := r.state.Load(); s != nil {
		return s.seen
	}
	return time.Time{}
}

// Format names the ring without its keys, whatever the verb.
func (r *Ring) Format(f fmt.State, verb rune) { r.config.Format(f, verb) }
