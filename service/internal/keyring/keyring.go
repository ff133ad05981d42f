// Package keyring keeps the signing keys: it makes them, publishes them before
// they sign, lets them sign, retires them, and remembers the public half of
// every one. It signs, and decides nothing about tokens.
package keyring

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Keys is where the ring is kept.
type Keys interface {
	SaveKey(ctx context.Context, k store.Key) error
	Keys(ctx context.Context) ([]store.Key, error)
}

// Book takes the records of what happens to keys. An event that was kept before
// is kept once, so that every replica may report the same change.
type Book interface {
	Append(ctx context.Context, e store.Entry) (store.Record, error)
}

// Config is what a Ring is made of. All fields but Tenant are required.
type Config struct {
	Keys      Keys
	Book      Book
	MasterKey []byte // 32 bytes; seals the private halves
	Issuer    narrowcast.Issuer
	Algorithm narrowcast.Algorithm // of new keys
	Now       func() time.Time
	// PublishAhead is how long a new key is in the published set before it
	// signs. Verifiers must fetch the set more often than that.
	PublishAhead time.Duration
	// RotateEvery is how long one key signs.
	RotateEvery time.Duration
	// KeepAfter is how long a key stays in the published set when it signs no
	// more: the longest life of a token and the skew of clocks.
	KeepAfter time.Duration
	Tenant    string

	_ struct{}
}

// Format names a configuration without its master key.
func (c Config) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "key ring of %s", c.Issuer) }

func (c *Config) check() error {
	var errs []error
	require := func(ok bool, what string) {
		if !ok {
			errs = append(errs, errors.New(what))
		}
	}
	require(c.Keys != nil, "Keys is required")
	require(c.Book != nil, "Book is required")
	require(len(c.MasterKey) == 32, "MasterKey must have 32 bytes")
	require(!c.Issuer.IsZero(), "Issuer is required")
	require(c.Now != nil, "Now is required")
	require(c.PublishAhead > 0, "PublishAhead must be positive")
	require(c.RotateEvery > c.PublishAhead, "RotateEvery must be longer than PublishAhead")
	require(c.KeepAfter > 0, "KeepAfter must be positive")
	if _, err := narrowcast.ParseAlgorithm(string(c.Algorithm)); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Errors that a caller may tell apart.
var (
	// ErrNoKeys: the store holds no key that can sign; narrowcast init makes one.
	ErrNoKeys = errors.New("there is no key that can sign")
	// ErrExists: the store holds keys already.
	ErrExists = errors.New("there are keys already")
	// ErrPending: a rotation is under way.
	ErrPending = errors.New("a new key is published already and will begin to sign")
	// ErrSealed: the master key does not open a private key.
	ErrSealed = errors.New("the master key does not open this key")
)

// Ring is the keys of one issuer. It may be used by many goroutines.
type Ring struct {
	config Config
	seal   *seal
	state  atomic.Pointer[state]

	turn    sync.Mutex // held by whoever changes or reloads the ring
	presses map[narrowcast.KeyID]*mint.Press
	told    map[string]bool // records that are known to be in the book
}

// Create makes the first key, which signs at once. It returns ErrExists when
// there is any key. It is a step of its own: opening never makes a key.
func Create(ctx context.Context, c Config) error {
	r, err := newRing(c)
	if err != nil {
		return err
	}
	kept, err := c.Keys.Keys(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("keyring: %w", err)
	case len(kept) > 0:
		return fmt.Errorf("keyring: %w", ErrExists)
	}
	now := c.Now().UTC()
	if _, err = r.make(ctx, now, now); err != nil {
		return fmt.Errorf("keyring: making the first key: %w", err)
	}
	return r.reload(ctx)
}

// Open reads the keys. It returns ErrNoKeys and ErrSealed.
func Open(ctx context.Context, c Config) (*Ring, error) {
	r, err := newRing(c)
	if err != nil {
		return nil, err
	}
	if err := r.reload(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

func newRing(c Config) (*Ring, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	s, err := newSeal(c.MasterKey)
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	c.MasterKey = nil
	return &Ring{config: c, seal: s, presses: map[narrowcast.KeyID]*mint.Press{}, told: map[string]bool{}}, nil
}

// String names a ring without its keys.
func (r *Ring) String() string { return "key ring of " + r.config.Issuer.String() }

// Format writes String for every verb.
func (r *Ring) Format(f fmt.State, _ rune) { fmt.Fprint(f, r.String()) }

// Current returns the press of the key that signs now.
func (r *Ring) Current() *mint.Press { return r.state.Load().press(r.config.Now()) }

// Key returns a published key, also one that signs no more. The error wraps
// narrowcast.ErrKeyUnknown.
func (r *Ring) Key(_ context.Context, id narrowcast.KeyID) (narrowcast.Key, error) {
	if k, ok := r.Peek(id); ok {
		return k, nil
	}
	return narrowcast.Key{}, fmt.Errorf("key %s: %w", id, narrowcast.ErrKeyUnknown)
}

// Peek returns a published key.
func (r *Ring) Peek(id narrowcast.KeyID) (narrowcast.Key, bool) {
	k, ok := r.state.Load().published[id]
	return k, ok
}

// JWKS returns the published key set (RFC 7517 section 5).
func (r *Ring) JWKS() ([]byte, error) { return r.state.Load().set, nil }

func (r *Ring) unsettled(id narrowcast.KeyID, what event.Type) bool { return !r.told[recordID(what, id)] }

func (r *Ring) settled(id narrowcast.KeyID, what event.Type, err error) error {
	if err == nil {
		r.told[recordID(what, id)] = true
	}
	return err
}

// record writes a record about a key. Its id says what happened to which key, so that
// replicas that see the same change write one record.
func (r *Ring) record(ctx context.Context, what event.Type, k store.Key, at time.Time) error {
	_, err := r.config.Book.Append(ctx, store.Entry{Event: event.Event{
		Version: event.Version, ID: recordID(what, k.ID), Type: what, Time: at.UTC(), Tenant: r.config.Tenant,
		Writer: "keyring/" + string(k.ID), Sequence: sequenceOf(what),
		Key: &event.Key{ID: string(k.ID), Algorithm: string(k.Algorithm), NotBefore: k.Published, NotAfter: k.Gone},
	}})
	return err
}
