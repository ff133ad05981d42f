package keyring

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Rotate publishes a new key, which begins to sign after PublishAhead. The keys
// before it sign until that instant and leave the published set when the last
// token they signed has expired. It returns ErrPending.
func (r *Ring) Rotate(ctx context.Context) (store.Key, error) {
	r.turn.Lock()
	defer r.turn.Unlock()
	if err := r.reload(ctx); err != nil {
		return store.Key{}, err
	}
	now := r.config.Now().UTC()
	k, err := r.rotate(ctx, now)
	if err != nil {
		return store.Key{}, fmt.Errorf("keyring: rotating: %w", err)
	}
	return k, r.reload(ctx)
}

func (r *Ring) rotate(ctx context.Context, now time.Time) (store.Key, error) {
	for _, k := range r.state.Load().kept {
		if now.Before(k.Active) && !past(k.Retired, now) {
			return store.Key{}, ErrPending
		}
	}
	begins := now.Add(r.config.PublishAhead)
	// The new key comes first: should this be cut off, the old key signs on.
	made, err := r.make(ctx, now, begins)
	if err != nil {
		return store.Key{}, err
	}
	return made, r.end(ctx, begins, func(k store.Key) bool { return k.ID != made.ID })
}

// end writes down when the keys that sign now will have done so.
func (r *Ring) end(ctx context.Context, at time.Time, which func(store.Key) bool) error {
	var errs []error
	for _, k := range r.state.Load().kept {
		if k.Retired.IsZero() && which(k) {
			k.Retired, k.Gone = at, at.Add(r.config.KeepAfter)
			errs = append(errs, r.config.Keys.SaveKey(ctx, k))
		}
	}
	return errors.Join(errs...)
}

// Retire takes a key out at once, for an emergency: every token it signed is
// refused from the moment a verifier fetches the set. When no other key can
// sign, a new one is made that signs at once; verifiers then refuse its tokens
// until they have fetched the set.
func (r *Ring) Retire(ctx context.Context, id narrowcast.KeyID) error {
	r.turn.Lock()
	defer r.turn.Unlock()
	if err := r.reload(ctx); err != nil {
		return err
	}
	now := r.config.Now().UTC()
	var target *store.Key
	others := false
	for _, k := range r.state.Load().kept {
		if k.ID == id {
			target = &k
		} else if past(k.Active, now) && !past(k.Retired, now) && k.Retired.IsZero() {
			others = true
		}
	}
	if target == nil {
		return fmt.Errorf("keyring: key %s: %w", id, store.ErrNotFound)
	}
	if !others {
		if _, err := r.make(ctx, now, now); err != nil {
			return fmt.Errorf("keyring: replacing key %s: %w", id, err)
		}
	}
	target.Retired, target.Gone, target.Private = now, now, nil
	err := errors.Join(r.config.Keys.SaveKey(ctx, *target), r.record(ctx, event.KeyRetired, *target, now))
	if err != nil {
		return fmt.Errorf("keyring: retiring key %s: %w", id, err)
	}
	return r.reload(ctx)
}

// Tick takes up what other processes changed, rotates when it is time, writes
// down what has come to pass, and destroys private halves that are done.
func (r *Ring) Tick(ctx context.Context) error {
	r.turn.Lock()
	defer r.turn.Unlock()
	if err := r.reload(ctx); err != nil {
		return err
	}
	now := r.config.Now().UTC()
	if err := errors.Join(r.settle(ctx, now), r.onSchedule(ctx, now)); err != nil {
		return fmt.Errorf("keyring: %w", err)
	}
	return nil
}

// settle records activations and retirements that have come to pass.
func (r *Ring) settle(ctx context.Context, now time.Time) error {
	var errs []error
	for _, k := range r.state.Load().kept {
		if past(k.Active, now) && len(k.Private) > 0 && r.unsettled(k.ID, event.KeyActivated) {
			errs = append(errs, r.settled(k.ID, event.KeyActivated, r.record(ctx, event.KeyActivated, k, k.Active)))
		}
		if past(k.Retired, now) && len(k.Private) > 0 {
			k.Private = nil
			errs = append(errs, r.config.Keys.SaveKey(ctx, k), r.record(ctx, event.KeyRetired, k, k.Retired))
			delete(r.presses, k.ID)
		}
	}
	return errors.Join(errs...)
}

// onSchedule begins a rotation so early that the next key signs when the present
// one has done so for RotateEvery.
func (r *Ring) onSchedule(ctx context.Context, now time.Time) error {
	newest := time.Time{}
	for _, k := range r.state.Load().kept {
		if k.Active.After(newest) {
			newest = k.Active
		}
	}
	if now.Before(newest.Add(r.config.RotateEvery - r.config.PublishAhead)) {
		return nil
	}
	if _, err := r.rotate(ctx, now); err != nil && !errors.Is(err, ErrPending) {
		return err
	}
	return r.reload(ctx)
}

// make makes and keeps a key.
func (r *Ring) make(ctx context.Context, published, active time.Time) (store.Key, error) {
	signer, err := generate(r.config.Algorithm)
	if err != nil {
		return store.Key{}, err
	}
	unnamed, err := narrowcast.NewKey(narrowcast.KeyConfig{ID: "unnamed", Algorithm: r.config.Algorithm, Public: signer.Public()})
	if err != nil {
		return store.Key{}, err
	}
	thumbprint, err := unnamed.Thumbprint()
	if err != nil {
		return store.Key{}, err
	}
	k := store.Key{ID: narrowcast.KeyID(thumbprint), Algorithm: r.config.Algorithm, Published: published, Active: active}
	if k.Public, err = x509.MarshalPKIXPublicKey(signer.Public()); err != nil {
		return store.Key{}, err
	}
	if k.Private, err = r.seal.close(k.ID, signer); err != nil {
		return store.Key{}, err
	}
	if err := r.config.Keys.SaveKey(ctx, k); err != nil {
		return store.Key{}, err
	}
	return k, r.record(ctx, event.KeyPublished, k, published)
}

// rsaBits is the size of new RSA keys: as strong as P-256 for practical
// purposes (NIST SP 800-57 part 1, table 2).
const rsaBits = 3072

func generate(alg narrowcast.Algorithm) (crypto.Signer, error) {
	switch alg {
	case narrowcast.ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case narrowcast.ES384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case narrowcast.RS256, narrowcast.PS256:
		return rsa.GenerateKey(rand.Reader, rsaBits)
	case narrowcast.Ed25519:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	}
	return nil, fmt.Errorf("no keys are made for algorithm %q", alg)
}
