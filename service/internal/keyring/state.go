package keyring

import (
	"bytes"
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

// known is one key. Without a press it is history: it neither signs nor is it
// in the set, so nobody can publish a key without the master key.
type known struct {
	kept   store.Key
	public narrowcast.Key
	press  *mint.Press
}

func (k *known) inSet(t time.Time) bool {
	return k.press != nil && !t.Before(k.kept.Published) && !begun(k.kept.Gone, t)
}

func (k *known) signs(t time.Time) bool {
	return k.press != nil && begun(k.kept.Active, t) && !begun(k.kept.Retired, t)
}

// waits: published, not active yet, and not withdrawn before it could be.
func (k *known) waits(t time.Time) bool {
	return k.press != nil && k.kept.Active.After(t) && k.kept.Retired.IsZero()
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

// knowAll reads kept keys, and takes from before what has not changed.
func (r *Ring) knowAll(keys []store.Key) ([]known, error) {
	before := r.state.Load()
	all := make([]known, 0, len(keys))
	for _, k := range keys {
		var old *known
		if before != nil {
			old = before.find(k.ID)
		}
		one, err := r.know(k, old)
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", k.ID, err)
		}
		all = append(all, one)
	}
	return all, nil
}

func (r *Ring) know(k store.Key, old *known) (known, error) {
	public, err := publicHalf(k)
	one := known{kept: k, public: public}
	switch {
	case err != nil || len(k.Private) == 0:
		return one, err
	case old != nil && old.press != nil && old.kept.Algorithm == k.Algorithm && bytes.Equal(old.kept.Private, k.Private):
		one.press = old.press
		return one, nil
	}
	signer, err := unseal(k, public.Public(), r.seal)
	if err != nil {
		return known{}, err
	}
	one.press, err = mint.New(mint.Config{Issuer: r.config.Issuer, KeyID: k.ID, Algorithm: k.Algorithm, Signer: signer})
	return one, err
}
