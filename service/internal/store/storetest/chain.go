package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"testing"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

func checkIntact(t *testing.T, b store.Book, want int) {
	t.Helper()
	records, broken, err := b.CheckChain(context.Background())
	if err != nil || broken != 0 || records != uint64(want) { //nolint:gosec // G115: a count
		t.Errorf("CheckChain: %d records, %d broken, %v; want %d intact", records, broken, err, want)
	}
}

func chainOfAnEmptyBook(t *testing.T, b *bench) {
	checkIntact(t, b.store, 0)
	fill(t, b, 1)
	checkIntact(t, b.store, 1)
}

// chainCanBeRecomputed does what an outsider does who has read the description
// of store.Link and nothing else.
func chainCanBeRecomputed(t *testing.T, b *bench) {
	fill(t, b, 300)
	var previous [32]byte
	for _, r := range find(t, b.store, store.Query{}) {
		h := sha256.New()
		h.Write(previous[:])
		_ = binary.Write(h, binary.BigEndian, r.Number)
		_ = binary.Write(h, binary.BigEndian, r.Received.UnixNano())
		h.Write(r.Encoded)
		if [32]byte(h.Sum(nil)) != r.Hash {
			t.Fatalf("record %d: the hash is another one", r.Number)
		}
		previous = r.Hash
	}
	checkIntact(t, b.store, 300)
}

func chainShowsTampering(t *testing.T, b *bench) {
	const all = 600 // more than a driver is likely to read at a time
	fill(t, b, all)
	steps := []struct {
		name    string
		tamper  func(t *testing.T, number uint64)
		number  uint64
		broken  uint64
		records uint64
	}{
		{"rename", b.ground.Rename, 500, 500, all},
		{"alter", b.ground.Alter, 400, 400, all},
		{"remove", b.ground.Remove, 300, 301, all - 1},
		{"remove the first", b.ground.Remove, 1, 2, all - 2},
	}
	for _, s := range steps {
		if s.tamper == nil {
			continue
		}
		b.close(t)
		s.tamper(t, s.number)
		b.open(t)
		records, broken, err := b.store.CheckChain(context.Background())
		if err != nil || records != s.records || broken != s.broken {
			t.Errorf("%s %d: %d records, %d broken, %v; want %d and %d",
				s.name, s.number, records, broken, err, s.records, s.broken)
		}
	}
}
