package keyring

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Rotate makes a new key and publishes it now. It signs PublishAhead later;
// until then the old one does, and KeepAfter after that the old one leaves the
// set. It returns the new key, and ErrPending while an earlier rotation is
// under way.
func (r *Ring) Rotate(ctx context.Context) (store.Key, error) {
	r.change.Lock()
	defer r.change.Unlock()
	err := r.look(ctx)
	if err == nil {
		var k store.Key
		if k, err = r.rotate(ctx, "rotation"); err == nil {
			return k, nil
		}
	}
	return store.Key{}, fmt.Errorf("rotating the signing key: %w", err)
}

func (r *Ring) rotate(ctx context.Context, why string) (store.Key, error) {
	now := r.now()
	if r.state.Load().waiting(now) != nil {
		return store.Key{}, ErrPending
	}
	k, err := r.add(ctx, now, now.Add(r.config.PublishAhead), why)
	if err != nil {
		return store.Key{}, err
	}
	return k, r.look(ctx)
}

// add makes a key. It is recorded before it exists.
func (r *Ring) add(ctx context.Context, published, active time.Time, why string) (store.Key, error) {
	k, err := newKey(r.config.Algorithm, r.seal)
	if err != nil {
		return store.Key{}, fmt.Errorf("making a key: %w", err)
	}
	k.Published, k.Active = published, active
	if err := r.tell(ctx, event.KeyPublished, k, published, why); err != nil {
		return store.Key{}, err
	}
	return k, r.config.Keys.SaveKey(ctx, k)
}

// Retire takes a key out of service now, because it may be in wrong hands: it
// signs no more, leaves the set, and its private half is destroyed. Tokens that
// it signed are refused as soon as verifiers read the set again. If it was the
// key that signs, the waiting key becomes active at once, or a new key does,
// which verifiers have not seen yet. Other processes of this issuer follow when
// they next look at the store, at the latest Config.Every later. A key that is
// gone already is left as it is. It returns store.ErrNotFound.
func (r *Ring) Retire(ctx context.Context, id narrowcast.KeyID) error {
	r.change.Lock()
	defer r.change.Unlock()
	if err := r.retire(ctx, id); err != nil {
		return fmt.Errorf("retiring key %q: %w", id, err)
	}
	return nil
}

func (r *Ring) retire(ctx context.Context, id narrowcast.KeyID) error {
	if err := r.look(ctx); err != nil {
		return err
	}
	now, s := r.now(), r.state.Load()
	k := s.find(id)
	if k == nil {
		return store.ErrNotFound
	}
	if begun(k.kept.Gone, now) {
		return nil
	}
	if err := r.replace(ctx, s, k, now); err != nil {
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
	return r.look(ctx)
}

// replace sees to it that a key signs when k no longer does, before k is
// taken away: a crash between the two leaves a key too many, not one too few.
func (r *Ring) replace(ctx context.Context, s *state, k *known, now time.Time) error {
	if k != s.signing(now) {
		return nil
	}
	if waiting := s.waiting(now); waiting != nil {
		next := waiting.kept
		next.Active = now
		return r.config.Keys.SaveKey(ctx, next)
	}
	_, err := r.add(ctx, now, now, "in place of a key that was retired")
	return err
}

// Tick reads the store, because another process may have changed something,
// writes down what follows, tells the book what has come to pass, and begins a
// rotation when RotateEvery says so. After an error the ring goes on with what
// it knew.
func (r *Ring) Tick(ctx context.Context) error {
	r.change.Lock()
	defer r.change.Unlock()
	err := r.look(ctx)
	if err == nil && r.due() {
		_, err = r.rotate(ctx, "rotation by the clock")
	}
	if err != nil {
		return fmt.Errorf("looking after the signing keys: %w", err)
	}
	return nil
}

// due reports whether a successor must be published now to sign in time.
func (r *Ring) due() bool {
	now, s := r.now(), r.state.Load()
	if r.config.RotateEvery == 0 || s.waiting(now) != nil {
		return false
	}
	k := s.signing(now)
	return k != nil && !now.Before(k.kept.Active.Add(r.config.RotateEvery-r.config.PublishAhead))
}

func (r *Ring) look(ctx context.Context) error {
	err := r.lookOnce(ctx)
	if errors.Is(err, store.ErrConflict) {
		// Another process was faster; its state is the one to go on from.
		err = r.lookOnce(ctx)
	}
	return err
}

func (r *Ring) lookOnce(ctx context.Context) error {
	now := r.now()
	keys, err := r.config.Keys.Keys(ctx)
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		return ErrNoKeys
	}
	order(keys)
	changed := settle(keys, r.config.KeepAfter, now)
	all, err := r.knowAll(keys)
	if err != nil {
		return err
	}
	for _, i := range changed {
		if err := r.config.Keys.SaveKey(ctx, keys[i]); err != nil {
			return err
		}
	}
	r.state.Store(&state{keys: all, seen: now})
	return r.tellAll(ctx, keys, now)
}

// Run calls Tick every Config.Every until ctx ends. fault is told of errors.
func (r *Ring) Run(ctx context.Context, fault func(error)) {
	ticker := time.NewTicker(r.config.Every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := r.Tick(ctx); err != nil && ctx.Err() == nil {
				fault(err)
			}
		}
	}
}
