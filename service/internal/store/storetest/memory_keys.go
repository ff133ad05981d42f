package storetest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// SaveKey keeps the state of a key.
func (m *Memory) SaveKey(ctx context.Context, k store.Key) error {
	if k.ID == "" || k.Algorithm == "" || len(k.Public) == 0 || k.Published.IsZero() {
		return errors.New("a key needs an id, an algorithm, its public half and the time of publication")
	}
	leave, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	k.Public, k.Private = bytes.Clone(k.Public), bytes.Clone(k.Private)
	at := slices.IndexFunc(m.kept.keys, func(old store.Key) bool { return old.ID == k.ID })
	if at < 0 {
		m.kept.keys = append(m.kept.keys, k)
		return nil
	}
	if old := m.kept.keys[at]; old.Algorithm != k.Algorithm || !bytes.Equal(old.Public, k.Public) ||
		len(old.Private) == 0 && len(k.Private) > 0 {
		return store.ErrConflict
	}
	m.kept.keys[at] = k
	return nil
}

// Keys returns all keys, oldest first.
func (m *Memory) Keys(ctx context.Context) ([]store.Key, error) {
	leave, err := m.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	keys := slices.Clone(m.kept.keys)
	slices.SortFunc(keys, func(a, b store.Key) int {
		return cmp.Or(a.Published.Compare(b.Published), cmp.Compare(a.ID, b.ID))
	})
	return keys, nil
}

// Close closes this handle.
func (m *Memory) Close() error {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.closed = true
	return nil
}
