package keyring

import (
	"context"
	"errors"
	"fmt"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

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
	var k store.Key
	if err == nil {
		k, err = r.make(ctx)
	}
	if err == nil {
		now := r.now()
		k.Published, k.Active = now, now
		err = r.add(ctx, k, "the first key")
	}
	if err == nil {
		err = r.look(ctx)
	}
	if err != nil {
		return fmt.Errorf("creating a keyring: %w", err)
	}
	return nil
}

// Open reads the keys. It returns ErrNoKeys, ErrSealed, ErrAltered, ErrAway.
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

// OpenAnyway is Open for an emergency: it opens also when private halves are
// out of reach. The ring publishes, retires and rotates; until it reaches the
// key that signs it mints nothing.
func OpenAnyway(ctx context.Context, c Config) (*Ring, error) {
	r, err := newRing(c)
	if err == nil {
		err = r.look(ctx)
	}
	if err != nil && (!errors.Is(err, ErrAway) || r.state.Load() == nil) {
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
	return &Ring{config: c, seal: s, making: make(turn, 1), change: make(turn, 1), told: make(map[string]bool)}, nil
}
