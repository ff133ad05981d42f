package keyring

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// steps of a key's life, in their order. Each key is a writer of its own in the
// book and its steps are numbered, so a missing step shows as a gap, and every
// process that notices a step writes the same event.
func steps(k *store.Key) []step {
	all := []step{{event.KeyPublished, k.Published}}
	if !withdrawn(k) {
		all = append(all, step{event.KeyActivated, k.Active})
	}
	return append(all, step{event.KeyRetired, k.Gone})
}

type step struct {
	kind event.Type
	at   time.Time
}

// tellAll tells of everything that has come to pass by now.
func (r *Ring) tellAll(ctx context.Context, keys []store.Key, now time.Time) error {
	for i := range keys {
		for _, s := range steps(&keys[i]) {
			if !begun(s.at, now) {
				continue
			}
			if err := r.tell(ctx, s.kind, keys[i], s.at, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *Ring) tell(ctx context.Context, kind event.Type, k store.Key, at time.Time, why string) error {
	name := string(kind) + " " + string(k.ID)
	if r.told[name] {
		return nil
	}
	var number uint64
	for i, s := range steps(&k) {
		if s.kind == kind {
			number = uint64(i) + 1
		}
	}
	_, err := r.config.Book.Append(ctx, store.Entry{Event: event.Event{
		Version: event.Version, Type: kind, Time: at, Tenant: r.config.Tenant, Detail: why,
		Writer: "keyring/" + string(k.ID), ID: string(kind), Sequence: number,
		Key: &event.Key{ID: string(k.ID), Algorithm: string(k.Algorithm), NotBefore: k.Published, NotAfter: k.Gone},
	}})
	if err != nil {
		return fmt.Errorf("recording %s of key %q: %w", kind, k.ID, err)
	}
	r.told[name] = true
	return nil
}

// add keeps a key. It is recorded before it exists.
func (r *Ring) add(ctx context.Context, k store.Key, why string) error {
	if err := r.tell(ctx, event.KeyPublished, k, k.Published, why); err != nil {
		return err
	}
	return r.config.Keys.SaveKey(ctx, k)
}

// claimFor is how long a process may take to make a key before another one may
// try: making an RSA key in a small module takes up to a minute.
const claimFor = 2 * time.Minute

// claim writes into the book that this process makes the successor for a plan.
// The book takes one claim, so no two processes make a key at the same time. It
// returns ErrBegun.
func (r *Ring) claim(ctx context.Context, p plan, now time.Time, why string) error {
	_, err := r.config.Book.Append(ctx, store.Entry{
		Event: event.Event{
			Version: event.Version, Type: event.Admin, Time: now, Tenant: r.config.Tenant,
			Detail: "a new signing key is being made: " + why,
			Writer: "keyring/" + string(mint.NewTokenID()), ID: "begun", Sequence: 1,
		},
		Once: []store.Once{{
			Space: "keyring/successor/" + r.config.Issuer.String(), ID: fmt.Sprintf("%s/%d", p.signing, p.keys),
			Until: now.Add(claimFor),
		}},
	})
	if errors.Is(err, store.ErrUsed) {
		return ErrBegun
	}
	if err != nil {
		return fmt.Errorf("recording that a key is made: %w", err)
	}
	return nil
}
