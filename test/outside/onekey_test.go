package outside_test

import (
	"context"

	"github.com/narrowcast-io/narrowcast"
)

// oneKey is the key source of a client that has one.
type oneKey struct{ key narrowcast.Key }

func (k oneKey) Key(_ context.Context, id narrowcast.KeyID) (narrowcast.Key, error) {
	if id != k.key.ID() {
		return narrowcast.Key{}, narrowcast.ErrKeyUnknown
	}
	return k.key, nil
}
