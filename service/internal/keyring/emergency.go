package keyring

import (
	"context"
	"errors"
	"fmt"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Retire takes a key out of service now, because it may be in wrong hands: it
// signs no more, leaves the set, and its private half is destroyed; of a key
// with a Home the reference is, and the operator of the Home destroys the rest.
// Tokens that it signed are refused as soon as verifiers read the set again. If
// it was the key that signs, the waiting key becomes active at once, or a new
// key does, which verifiers have not seen yet. Other processes of this issuer
// follow when they next look at the store, and none signs for longer than
// Config.Lease without having looked. A key that is gone already is left as it
// is. It returns store.ErrNotFound.
func (r *Ring) Retire(ctx context.Context, id narrowcast.KeyID) error {
	if err := r.making.take(ctx); err != nil {
		return fmt.Errorf("retiring key %q: %w", id, err)
	}
	defer r.making.leave()
	err := r.retire(ctx, id, nil)
	if errors.Is(err, errNeedsKey) {
		var k store.Key
		if k, err = r.make(ctx); err == nil {
			err = r.retire(ctx, id, &k)
		}
	}
	if err != nil {
		return fmt.Errorf("retiring key %q: %w", id, err)
	}
	return nil
}

var errNeedsKey = errors.New("there is no key to take its place")

// retire returns errNeedsKey when it needs a spare key and has none.
func (r *Ring) retire(ctx context.Context, id narrowcast.KeyID, spare *store.Key) error {
	if err := r.change.take(ctx); err != nil {
		return err
	}
	defer r.change.leave()
	if err := r.look(ctx); err != nil && !errors.Is(err, ErrAway) {
		return err
	}
	now := r.now()
	k := r.state.Load().find(id)
	if k == nil {
		return store.ErrNotFound
	}
	if begun(k.kept.Gone, now) {
		return nil
	}
	if err := r.replace(ctx, k, spare); err != nil {
		return err
	}
	dead := k.kept
	if !begun(dead.Retired, now) {
		dead.Retired = now
	}
	dead.Gone, dead.Private = now, nil
	if err := r.tell(ctx, event.KeyRetired, dead, now, "retired in an emergency"); err != nil {
		return err
	}
	if err := r.config.Keys.SaveKey(ctx, dead); err != nil {
		return err
	}
	if err := r.look(ctx); !errors.Is(err, ErrAway) {
		return err
	}
	return nil // it is done, whatever can be reached
}

// replace sees to it that a key signs when k no longer does, before k is
// taken away: a crash between the two leaves a key too many, not one too few.
func (r *Ring) replace(ctx context.Context, k *known, spare *store.Key) error {
	now, s := r.now(), r.state.Load()
	if k != s.signing(now) {
		return nil
	}
	if waiting := s.waiting(now); waiting != nil {
		next := waiting.kept
		next.Active = now
		return r.config.Keys.SaveKey(ctx, next)
	}
	if spare == nil {
		return errNeedsKey
	}
	spare.Published, spare.Active = now, now
	return r.add(ctx, *spare, "in place of a key that was retired")
}
