package storetest

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// MemoryGround is the ground of a Memory.
func MemoryGround(*testing.T) Ground {
	kept := NewMemory(nil).kept
	at := func(number uint64) int {
		return slices.IndexFunc(kept.records, func(r store.Record) bool { return r.Number == number })
	}
	return Ground{
		Shared: true,
		Open: func(now func() time.Time) (store.Store, error) {
			if kept.newer {
				return nil, store.ErrNewer
			}
			return &Memory{now: now, kept: kept}, nil
		},
		Alter: func(_ *testing.T, number uint64) {
			r := &kept.records[at(number)]
			r.Encoded = bytes.Replace(r.Encoded, []byte("checkout"), []byte("Checkout"), 1)
		},
		Remove: func(_ *testing.T, number uint64) {
			i := at(number)
			kept.records = slices.Delete(kept.records, i, i+1)
		},
		MakeNewer: func(*testing.T) { kept.newer = true },
	}
}
