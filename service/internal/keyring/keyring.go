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
//
// Several processes may hold rings over one store. A ring signs only while its
// last reading of the store is younger than Config.Lease, which is far below
// PublishAhead, and the instant from which a planned key signs is decided by
// somebody who has read the key in the store. So a process that was paused
// neither signs with a key that was retired meanwhile, nor brings a key into
// use that nobody could have fetched.
package keyring

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/mint"
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
	// ErrBegun: another process has begun a rotation and has not published its key yet.
	ErrBegun = errors.New("another process has begun a rotation")
	// ErrAway: the private half of a key is not to be had where it is at home.
	// The key is published, and this process cannot sign with it.
	ErrAway = errors.New("the private half is out of reach")
	// ErrAltered: what is kept of a key is not what was kept.
	ErrAltered = errors.New("the kept key was altered")
)

// Ring holds the keys of one issuer. It may be used by many goroutines. The
// zero Ring signs nothing and publishes nothing.
type Ring struct {
	config Config
	seal   *seal
	state  atomic.Pointer[state]

	making turn            // one rotation of this process at a time; held while a key is made
	change turn            // one look at the store at a time; never held while a key is made
	told   map[string]bool // records that are known to be in the book
	failed time.Time       // when Current last looked in vain
}

// turn is a lock that can be given up waiting for.
type turn chan struct{}

func (t turn) take(ctx context.Context) error {
	if t == nil {
		return errors.New("the keyring was never opened")
	}
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turn) leave() { <-t }

func (r *Ring) now() time.Time { return r.config.Now().Round(0).UTC() }

// Current returns the press of the key that signs now, or nil, which mints
// nothing. It takes no lock, and the change from one key to the next needs no
// call: it happens at the instant that was written down. When the last reading
// of the store is older than Config.Lease, as after a pause of the process, it
// looks first; when that fails nothing is minted.
func (r *Ring) Current() *mint.Press {
	s := r.state.Load()
	if s == nil {
		return nil
	}
	now := r.config.Now()
	if r.stale(s, now) {
		if s = r.renew(); s == nil {
			return nil
		}
		now = r.config.Now()
	}
	if k := s.signing(now); k != nil {
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
