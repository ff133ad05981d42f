package keyring

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Keys is where keys are kept. A store.Store is one.
type Keys interface {
	SaveKey(ctx context.Context, k store.Key) error
	Keys(ctx context.Context) ([]store.Key, error)
}

// Book takes the records of what happens to keys. A store.Book is one. It keeps
// an event of the same Writer and ID once: every process reports every change.
// Its Once decides which of several processes makes the next key.
type Book interface {
	Append(ctx context.Context, e store.Entry) (store.Record, error)
}

// Home is where private halves live that never come to this process, such as a
// hardware module. Its methods may be called from many goroutines.
type Home interface {
	// Generate makes a key for alg and returns a signer and the words by which
	// Open finds it again, at most MaxReference bytes. It may take long.
	Generate(ctx context.Context, alg narrowcast.Algorithm) (reference []byte, key crypto.Signer, err error)
	// Open finds a key.
	Open(ctx context.Context, reference []byte) (crypto.Signer, error)
}

// MaxReference bounds what a Home calls a key by.
const MaxReference = 4 << 10

// Config is what a Ring is made of. Fields without a default are required.
type Config struct {
	Keys      Keys
	Book      Book
	MasterKey []byte // MasterBytes random bytes; seals private halves and references to them; no copy is kept
	// Home makes new keys and keeps their private halves; default: they are made
	// here and kept sealed. Keys of both kinds may stand in one ring.
	Home Home
	// MakeHere: new keys are made here although there is a Home, which only opens
	// those that it has. It is the way back from a Home.
	MakeHere  bool
	Issuer    narrowcast.Issuer
	Algorithm narrowcast.Algorithm // of new keys; default ES256. It may change from one rotation to the next
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
	// default a second, or a quarter of PublishAhead if that is less.
	Every time.Duration
	// Lease is how long after its last reading of the store a ring signs; default
	// ten times Every, at most half of PublishAhead.
	Lease  time.Duration
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
	c.setDefaults()
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
	require(c.Lease >= c.Every && c.Lease <= c.PublishAhead/2, "Lease must be at least Every and at most half of PublishAhead")
	return errors.Join(append(errs, unknown)...)
}

func (c *Config) setDefaults() {
	if c.Algorithm == "" {
		c.Algorithm = narrowcast.ES256
	}
	if c.Every == 0 {
		c.Every = min(time.Second, c.PublishAhead/4)
	}
	if c.Lease == 0 {
		c.Lease = min(10*c.Every, c.PublishAhead/2)
	}
}
