package keyring

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// state is what was read from the store at one time. It is never changed.
type state struct {
	keys []known // oldest first, by the instant from which they sign
	seen time.Time
}

// known is one key. Unless its box was opened it is history: it neither signs
// nor is it in the set, so nobody can publish a key without the master key.
type known struct {
	kept   store.Key
	public narrowcast.Key
	opened bool
	press  *mint.Press // nil when it is out of reach, or retired at its home
}

func (k *known) inSet(t time.Time) bool {
	return k.opened && !t.Before(k.kept.Published) && !begun(k.kept.Gone, t)
}

func (k *known) signs(t time.Time) bool {
	return k.opened && begun(k.kept.Active, t) && !begun(k.kept.Retired, t)
}

// waits: published, not active yet, and not withdrawn before it could be.
func (k *known) waits(t time.Time) bool {
	return k.opened && !begun(k.kept.Active, t) && k.kept.Retired.IsZero()
}

// begun reports whether an instant was decided and has come.
func begun(instant, t time.Time) bool { return !instant.IsZero() && !t.Before(instant) }

// signing returns the youngest key that signs at t.
func (s *state) signing(t time.Time) *known {
	for i := len(s.keys) - 1; i >= 0; i-- {
		if s.keys[i].signs(t) {
			return &s.keys[i]
		}
	}
	return nil
}

func (s *state) waiting(t time.Time) *known {
	for i := range s.keys {
		if s.keys[i].waits(t) {
			return &s.keys[i]
		}
	}
	return nil
}

func (s *state) find(id narrowcast.KeyID) *known {
	for i := range s.keys {
		if s.keys[i].kept.ID == id {
			return &s.keys[i]
		}
	}
	return nil
}

// knowAll reads kept keys, and takes from before what has not changed. away
// joins what was wrong with the keys that are out of reach.
func (r *Ring) knowAll(ctx context.Context, keys []store.Key, now time.Time) (all []known, away, err error) {
	before := r.state.Load()
	var faults []error
	for _, k := range keys {
		var old known
		if before != nil {
			if found := before.find(k.ID); found != nil {
				old = *found
			}
		}
		one, err := r.know(ctx, k, old, now)
		switch {
		case errors.Is(err, ErrAway):
			faults = append(faults, fmt.Errorf("key %q: %w", k.ID, err))
		case err != nil:
			return nil, nil, fmt.Errorf("key %q: %w", k.ID, err)
		}
		all = append(all, one)
	}
	return all, errors.Join(faults...), nil
}

func (r *Ring) know(ctx context.Context, k store.Key, old known, now time.Time) (known, error) {
	one := known{kept: k, public: old.public}
	if !samePublic(k, old.kept) {
		var err error
		if one.public, err = publicHalf(k); err != nil {
			return known{}, err
		}
	}
	if len(k.Private) == 0 {
		return one, nil
	}
	if old.press != nil && bytes.Equal(old.kept.Private, k.Private) && k.Algorithm == old.kept.Algorithm {
		one.opened, one.press = true, old.press
		return one, nil
	}
	signer, err := r.unseal(ctx, k, one.public.Public(), now)
	if err != nil && !errors.Is(err, ErrAway) {
		return known{}, err
	}
	one.opened = true
	if signer != nil && err == nil {
		one.press, err = mint.New(mint.Config{Issuer: r.config.Issuer, KeyID: k.ID, Algorithm: k.Algorithm, Signer: signer})
	}
	return one, err
}

// samePublic reports whether two states of a key look the same to a verifier.
func samePublic(a, b store.Key) bool {
	return a.ID == b.ID && a.Algorithm == b.Algorithm && bytes.Equal(a.Public, b.Public) &&
		a.Published.Equal(b.Published) && a.Gone.Equal(b.Gone)
}

// unseal opens the box of k and makes a signer from what is inside. A key that
// is at home elsewhere and signs no more needs none.
func (r *Ring) unseal(ctx context.Context, k store.Key, public crypto.PublicKey, now time.Time) (crypto.Signer, error) {
	what, inside, err := r.seal.open(k.ID, k.Algorithm, k.Private)
	if err != nil {
		return nil, err
	}
	defer clear(inside)
	switch {
	case what == software:
		return read(inside, public)
	case begun(k.Retired, now):
		return nil, nil
	}
	return fetch(ctx, r.config.Home, inside, public)
}
