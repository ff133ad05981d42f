// Package jwks is where verification keys come from: a fixed list, a file, or a
// key set fetched from the issuer and kept (RFC 7517 section 5).
//
// Where a set is found is a matter of configuration. No address is ever taken
// from a token, so a token cannot make a verifier fetch anything.
package jwks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// ErrNotMade is returned by the zero value of a source.
var ErrNotMade = errors.New("jwks: the key source was never configured")

// Set is a fixed list of the keys of one issuer. The zero Set knows no key.
type Set struct {
	keys map[narrowcast.KeyID]narrowcast.Key
}

// Fixed makes a Set. It fails when there is no key, when a key is the zero Key,
// or when two keys share an id.
func Fixed(keys ...narrowcast.Key) (*Set, error) {
	if len(keys) == 0 {
		return nil, errors.New("jwks: fixed list: name at least one key")
	}
	byID, err := index(keys)
	if err != nil {
		return nil, fmt.Errorf("jwks: fixed list: %w", err)
	}
	return &Set{byID}, nil
}

// Key returns the key with this id, or an error that wraps
// narrowcast.ErrKeyUnknown.
func (s *Set) Key(_ context.Context, id narrowcast.KeyID) (narrowcast.Key, error) {
	if key, held := s.Peek(id); held {
		return key, nil
	}
	return narrowcast.Key{}, narrowcast.ErrKeyUnknown
}

// Peek returns the key with this id.
func (s *Set) Peek(id narrowcast.KeyID) (narrowcast.Key, bool) {
	if s == nil {
		return narrowcast.Key{}, false
	}
	key, held := s.keys[id]
	return key, held
}

// Keys returns all keys, ordered by id.
func (s *Set) Keys() []narrowcast.Key {
	if s == nil {
		return nil
	}
	return ordered(s.keys)
}

func ordered(byID map[narrowcast.KeyID]narrowcast.Key) []narrowcast.Key {
	keys := make([]narrowcast.Key, 0, len(byID))
	for _, key := range byID {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b narrowcast.Key) int { return strings.Compare(string(a.ID()), string(b.ID())) })
	return keys
}

func index(keys []narrowcast.Key) (map[narrowcast.KeyID]narrowcast.Key, error) {
	byID := make(map[narrowcast.KeyID]narrowcast.Key, len(keys))
	for i, key := range keys {
		if key.Public() == nil {
			return nil, fmt.Errorf("key %d is the zero Key", i+1)
		}
		if _, again := byID[key.ID()]; again {
			return nil, fmt.Errorf("two keys share the id %q", key.ID())
		}
		byID[key.ID()] = key
	}
	return byID, nil
}
