package keyring

import (
	"context"
	"fmt"

	"github.com/narrowcast-io/narrowcast"
)

// History returns every key there ever was, oldest first, each with the window
// in which it could be used. It needs no master key. It answers whose signature
// an old token carries, and returns ErrAltered when a public half is not the
// one that its id names.
func History(ctx context.Context, keys Keys) ([]narrowcast.Key, error) {
	kept, err := keys.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the history of keys: %w", err)
	}
	all := make([]narrowcast.Key, 0, len(kept))
	for _, k := range kept {
		public, err := publicHalf(k)
		if err != nil {
			return nil, fmt.Errorf("reading the history of keys: key %q: %w", k.ID, err)
		}
		all = append(all, public)
	}
	return all, nil
}
