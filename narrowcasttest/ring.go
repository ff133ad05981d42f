package narrowcasttest

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/forge"
	"github.com/narrowcast-io/narrowcast/jwks"
)

const (
	tokensPerKey = 3           // tokens until the key changes
	keysAhead    = 3           // keys that are published and not used yet
	maxAge       = time.Minute // of the key set
	publishFirst = 5 * maxAge  // before a key signs, so that a fetch may fail in between
	mostKeys     = 50          // in the ring; then the key changes no more
	keepRetired  = narrowcast.CeilingMaxLifetime
)

// ring are the signing keys in the order in which they sign.
type ring struct {
	keys []ringKey
	at   int // signs now
	made int // counts the key ids
	rest []forge.Key
}

type ringKey struct {
	forge.Key
	created time.Time // zero for those that were there from the beginning
	retired time.Time
}

func newRing(now time.Time) (ring, error) {
	r := ring{}
	for range 1 + keysAhead {
		if err := r.add(time.Time{}); err != nil {
			return ring{}, err
		}
	}
	// The other algorithms, so that wrong tokens can be signed with them. Their
	// keys are published with the vectors: nothing but tests may trust them.
	world, err := forge.Published()
	if err != nil {
		return ring{}, err
	}
	for _, key := range world.Keys.First {
		if key.Algorithm != narrowcast.ES256 {
			r.rest = append(r.rest, key)
		}
	}
	over, early := forge.Key{ID: "es256-retired", NotAfter: now.Add(-time.Hour)}, forge.Key{ID: "es256-future", NotBefore: now.AddDate(10, 0, 0)}
	for _, key := range []forge.Key{over, early} {
		key.Algorithm = narrowcast.ES256
		if key.Signer, err = newSigner(); err != nil {
			return ring{}, err
		}
		r.rest = append(r.rest, key)
	}
	return r, nil
}

func newSigner() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

func (r *ring) add(created time.Time) error {
	signer, err := newSigner()
	if err != nil {
		return err
	}
	r.made++
	key := forge.Key{ID: narrowcast.KeyID(fmt.Sprintf("key-%d", r.made)), Algorithm: narrowcast.ES256, Signer: signer}
	r.keys = append(r.keys, ringKey{Key: key, created: created})
	return nil
}

func (r *ring) current() forge.Key { return r.keys[r.at].Key }

// turn changes the key if the next one was published long enough.
func (r *ring) turn(now time.Time) error {
	if len(r.keys) >= mostKeys || now.Before(r.keys[r.at+1].created.Add(publishFirst)) {
		return nil
	}
	return r.advance(now)
}

func (r *ring) advance(now time.Time) error {
	old := &r.keys[r.at]
	old.retired, old.NotAfter = now, now.Add(keepRetired)
	r.at++
	for len(r.keys) > 0 && r.at > 0 && now.After(r.keys[0].NotAfter) {
		r.keys = r.keys[1:]
		r.at--
	}
	return r.add(now)
}

// published are all keys that the set shows.
func (r *ring) published() []forge.Key {
	var all []forge.Key
	for _, key := range r.keys {
		all = append(all, key.Key)
	}
	return append(all, r.rest...)
}

// signing are the keys that tokens are forged with: the one that signs now comes
// first among those of its algorithm.
func (r *ring) signing() []forge.Key {
	return append([]forge.Key{r.current()}, r.rest...)
}

// verification are the published keys as a verifier holds them.
func (r *ring) verification() ([]narrowcast.Key, error) {
	var keys []narrowcast.Key
	for _, k := range r.published() {
		key, err := narrowcast.NewKey(narrowcast.KeyConfig{
			ID: k.ID, Algorithm: k.Algorithm, Public: k.Signer.Public(), NotBefore: k.NotBefore, NotAfter: k.NotAfter,
		})
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// Keys returns the keys that are published at the moment of each question.
func (i *Issuer) Keys() narrowcast.KeySource { return keySource{i} }

type keySource struct{ issuer *Issuer }

func (s keySource) Key(ctx context.Context, id narrowcast.KeyID) (narrowcast.Key, error) {
	set, err := s.set()
	if err != nil {
		return narrowcast.Key{}, err
	}
	return set.Key(ctx, id)
}

func (s keySource) Peek(id narrowcast.KeyID) (narrowcast.Key, bool) {
	set, err := s.set()
	if err != nil {
		return narrowcast.Key{}, false
	}
	return set.Peek(id)
}

func (s keySource) set() (*jwks.Set, error) {
	s.issuer.mu.Lock()
	defer s.issuer.mu.Unlock()
	keys, err := s.issuer.keys.verification()
	if err != nil {
		return nil, err
	}
	return jwks.Fixed(keys...)
}
