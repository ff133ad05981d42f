package keyring

import (
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// state is the ring at one reading. It never changes.
type state struct {
	kept      []store.Key // oldest first
	signing   []turn      // in order of their beginning
	published map[narrowcast.KeyID]narrowcast.Key
	set       []byte
}

// turn is the time in which one key signs. It ends when the next one begins.
type turn struct {
	from  time.Time
	press *mint.Press
}

// press returns the press whose turn it is. Which one that is follows from the
// clock alone, so a change of keys needs no reload at its instant.
func (s *state) press(now time.Time) *mint.Press {
	current := s.signing[0].press
	for _, t := range s.signing[1:] {
		if !now.Before(t.from) {
			current = t.press
		}
	}
	return current
}

// reload reads the keys anew: another process may have changed them.
func (r *Ring) reload(ctx context.Context) error {
	kept, err := r.config.Keys.Keys(ctx)
	if err != nil {
		return fmt.Errorf("keyring: reading the keys: %w", err)
	}
	s, err := r.read(kept, r.config.Now())
	if err != nil {
		return fmt.Errorf("keyring: %w", err)
	}
	r.state.Store(s)
	return nil
}

func (r *Ring) read(kept []store.Key, now time.Time) (*state, error) {
	s := &state{kept: kept, published: map[narrowcast.KeyID]narrowcast.Key{}}
	var public []narrowcast.Key
	for _, k := range kept {
		if past(k.Gone, now) {
			continue
		}
		key, err := publicHalf(k)
		if err != nil {
			return nil, err
		}
		s.published[k.ID] = key
		public = append(public, key)
		if past(k.Retired, now) || len(k.Private) == 0 {
			continue
		}
		press, err := r.pressOf(k)
		if err != nil {
			return nil, err
		}
		s.signing = append(s.signing, turn{k.Active, press})
	}
	if len(s.signing) == 0 {
		return nil, ErrNoKeys
	}
	slices.SortStableFunc(s.signing, func(a, b turn) int { return a.from.Compare(b.from) })
	var err error
	s.set, err = jwks.Marshal(public)
	return s, err
}

// past reports whether an instant is set and has come.
func past(t, now time.Time) bool { return !t.IsZero() && !now.Before(t) }

// publicHalf is a key as verifiers see it. The window opens a little before
// publication, because their clocks may be behind.
func publicHalf(k store.Key) (narrowcast.Key, error) {
	public, err := x509.ParsePKIXPublicKey(k.Public)
	if err != nil {
		return narrowcast.Key{}, fmt.Errorf("key %s: the public half cannot be read: %w", k.ID, err)
	}
	return narrowcast.NewKey(narrowcast.KeyConfig{
		ID: k.ID, Algorithm: k.Algorithm, Public: public,
		NotBefore: k.Published.Add(-narrowcast.MaxSkew), NotAfter: k.Gone,
	})
}

// History returns every key there ever was, each inside the time in which it was
// published, for questions about the past.
func History(ctx context.Context, keys Keys) ([]narrowcast.Key, error) {
	kept, err := keys.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("keyring: reading the keys: %w", err)
	}
	var all []narrowcast.Key
	for _, k := range kept {
		key, err := publicHalf(k)
		if err != nil {
			return nil, fmt.Errorf("keyring: %w", err)
		}
		all = append(all, key)
	}
	return all, nil
}

// pressOf opens a private half once and remembers the press.
func (r *Ring) pressOf(k store.Key) (*mint.Press, error) {
	if p := r.presses[k.ID]; p != nil {
		return p, nil
	}
	signer, err := r.seal.open(k.ID, k.Private)
	if err != nil {
		return nil, err
	}
	p, err := mint.New(mint.Config{Issuer: r.config.Issuer, KeyID: k.ID, Algorithm: k.Algorithm, Signer: signer})
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", k.ID, err)
	}
	r.presses[k.ID] = p
	return p, nil
}

func recordID(what event.Type, id narrowcast.KeyID) string {
	text := string(what) + "/" + string(id)
	return text[:min(len(text), 64)]
}

// sequenceOf numbers the records of one key in the order in which they happen.
func sequenceOf(what event.Type) uint64 {
	switch what {
	case event.KeyPublished:
		return 1
	case event.KeyActivated:
		return 2
	}
	return 3
}
