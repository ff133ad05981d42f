package jwks

import (
	"errors"
	"fmt"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/jose"
)

// MaxBytes bounds a JWK Set document.
const MaxBytes = jose.MaxSet

// Options say what a document leaves open.
type Options struct {
	// Algorithm is assigned to keys that do not say theirs and could serve more
	// than one, which is to say RSA keys. Without it such a key is refused: one
	// key is used with one algorithm (RFC 8725 section 3.1), and a token must
	// not be the one to choose.
	Algorithm narrowcast.Algorithm
}

func (o Options) check() error {
	if o.Algorithm == "" {
		return nil
	}
	_, err := narrowcast.ParseAlgorithm(string(o.Algorithm))
	return err
}

// Parse reads a JWK Set (RFC 7517 section 5) of at most MaxBytes bytes.
//
// Keys of other kinds or for other uses are left out. A key without kid, a weak
// or malformed key, private or symmetric key material, a repeated kid or member
// name, and a key without an algorithm of its own or an assigned one make the
// whole document unusable. The members nbf and exp become the key's window. A
// set without any usable key is not an error: an issuer may withdraw all.
func Parse(data []byte, o Options) ([]narrowcast.Key, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("jwks: %w", err)
	}
	found, err := jose.ParseSet(string(data))
	if err != nil {
		return nil, fmt.Errorf("jwks: %w", err)
	}
	keys := make([]narrowcast.Key, 0, len(found))
	for i, k := range found {
		key, err := o.key(k)
		if err != nil {
			return nil, fmt.Errorf("jwks: key %d of the set: %w", i+1, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func (o Options) key(k jose.JWK) (narrowcast.Key, error) {
	if k.KeyID == "" {
		return narrowcast.Key{}, errors.New("has no kid; a token could not name it")
	}
	alg := narrowcast.Algorithm(k.Alg)
	if alg == "" {
		alg = o.Algorithm
	}
	if alg == "" {
		return narrowcast.Key{}, fmt.Errorf("kid %q does not say its algorithm; assign one in Options.Algorithm", k.KeyID)
	}
	return narrowcast.NewKey(narrowcast.KeyConfig{
		ID: narrowcast.KeyID(k.KeyID), Algorithm: alg, Public: k.Public,
		NotBefore: instant(k.NotBefore), NotAfter: instant(k.NotAfter),
	})
}

func instant(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// Marshal writes a JWK Set for publishing, in the order given. Every key comes
// with use, alg and kid; its window becomes the members nbf and exp, in whole
// seconds.
func Marshal(keys []narrowcast.Key) ([]byte, error) {
	if _, err := index(keys); err != nil {
		return nil, fmt.Errorf("jwks: writing a set: %w", err)
	}
	if len(keys) > jose.MaxSetKeys {
		return nil, fmt.Errorf("jwks: writing a set: more than %d keys", jose.MaxSetKeys)
	}
	set := make([]jose.JWK, 0, len(keys))
	for _, key := range keys {
		from, to := key.Window()
		set = append(set, jose.JWK{
			KeyID: string(key.ID()), Alg: jose.Alg(key.Algorithm()), Public: key.Public(),
			NotBefore: seconds(from), NotAfter: seconds(to),
		})
	}
	data, err := jose.MarshalSet(set)
	if err != nil {
		return nil, fmt.Errorf("jwks: writing a set: %w", err)
	}
	return data, nil
}

func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
