package keyring

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Rotate makes a new key and publishes it. It signs PublishAhead later; until
// then the old one does, and KeepAfter after that the old one leaves the set.
// Signing and looking go on while the key is made. Rotate returns the new key,
// ErrPending while an earlier rotation is under way, and ErrBegun while another
// process makes a key.
func (r *Ring) Rotate(ctx context.Context) (store.Key, error) {
	k, err := r.rotate(ctx, "rotation", always)
	if err != nil {
		return store.Key{}, fmt.Errorf("rotating the signing key: %w", err)
	}
	return k, nil
}

var errNotDue = errors.New("no rotation is due")

// when reports whether a rotation is wanted, once the store was read.
type when func(*Ring) bool

func always(*Ring) bool { return true }

func (r *Ring) rotate(ctx context.Context, why string, wanted when) (store.Key, error) {
	if err := r.making.take(ctx); err != nil {
		return store.Key{}, err
	}
	defer r.making.leave()
	p, err := r.begin(ctx, why, wanted)
	if err != nil {
		return store.Key{}, err
	}
	k, err := r.make(ctx)
	if err != nil {
		return store.Key{}, err
	}
	return r.announce(ctx, k, p, why)
}

// begin looks whether a rotation can begin, and claims it.
func (r *Ring) begin(ctx context.Context, why string, wanted when) (plan, error) {
	if err := r.change.take(ctx); err != nil {
		return plan{}, err
	}
	defer r.change.leave()
	if err := r.look(ctx); err != nil && !errors.Is(err, ErrAway) {
		return plan{}, err
	}
	now := r.now()
	switch {
	case !wanted(r):
		return plan{}, errNotDue
	case r.state.Load().waiting(now) != nil:
		return plan{}, ErrPending
	}
	p := r.planOf(r.state.Load(), now)
	return p, r.claim(ctx, p, now, why)
}

// announce publishes a key that was made for a plan. It has no instant from
// which it signs yet: that is decided by whoever reads it in the store, so a
// process that is paused here cannot bring a key into use that nobody has seen.
func (r *Ring) announce(ctx context.Context, k store.Key, p plan, why string) (store.Key, error) {
	if err := r.change.take(ctx); err != nil {
		return store.Key{}, err
	}
	defer r.change.leave()
	if err := r.look(ctx); err != nil && !errors.Is(err, ErrAway) {
		return store.Key{}, err
	}
	now := r.now()
	if p != r.planOf(r.state.Load(), now) {
		return store.Key{}, fmt.Errorf("%w: the keys changed while one was made", ErrPending)
	}
	k.Published = now
	if err := r.add(ctx, k, why); err != nil {
		return store.Key{}, err
	}
	err := r.look(ctx)
	made := r.state.Load().find(k.ID)
	if made == nil {
		return k, err
	}
	if made.press != nil && errors.Is(err, ErrAway) {
		err = nil // another key is, and Tick says so
	}
	return made.kept, err
}

// Tick is Refresh, and begins a rotation when RotateEvery says so. That another
// process does it already is no error. After an error the ring goes on with
// what it knew, for as long as Config.Lease allows.
func (r *Ring) Tick(ctx context.Context) error {
	err := r.Refresh(ctx)
	if err == nil || errors.Is(err, ErrAway) {
		err = errors.Join(err, r.rotateWhenDue(ctx))
	}
	if err != nil {
		return fmt.Errorf("looking after the signing keys: %w", err)
	}
	return nil
}

func (r *Ring) rotateWhenDue(ctx context.Context) error {
	if !due(r) {
		return nil
	}
	_, err := r.rotate(ctx, "rotation by the clock", due)
	if errors.Is(err, errNotDue) || errors.Is(err, ErrPending) || errors.Is(err, ErrBegun) {
		return nil
	}
	return err
}

// due reports whether a successor must be published now to sign in time.
func due(r *Ring) bool {
	s := r.state.Load()
	if s == nil || r.config.RotateEvery == 0 {
		return false
	}
	now := r.now()
	if s.waiting(now) != nil {
		return false
	}
	k := s.signing(now)
	return k != nil && !now.Before(k.kept.Active.Add(r.config.RotateEvery-r.config.PublishAhead))
}

// plan is the state of the keys for which a successor is made.
type plan struct {
	signing narrowcast.KeyID
	keys    int
}

func (r *Ring) planOf(s *state, now time.Time) plan {
	p := plan{keys: len(s.keys)}
	if k := s.signing(now); k != nil {
		p.signing = k.kept.ID
	}
	return p
}
