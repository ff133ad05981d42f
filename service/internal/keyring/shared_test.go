package keyring_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/keyring"
	"github.com/narrowcast-io/narrowcast/service/internal/store/sqlite"
)

// Two rings over one database file, each with a connection of its own, as two
// processes have: what one does the other knows after one look, and of two that
// find a rotation due one makes the key.
func TestTwoRingsOnOneDatabase(t *testing.T) {
	h := newHouse(t)
	path := filepath.Join(t.TempDir(), "book.db")
	var rings []*keyring.Ring
	made := &counting{}
	h.config.Home, h.config.RotateEvery = made, time.Hour
	for i := range 2 {
		open := sqlite.Open
		if i == 0 {
			open = sqlite.Create
		}
		kept, err := open(context.Background(), sqlite.Config{Path: path, Now: h.clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = kept.Close() })
		h.config.Keys, h.config.Book = kept, kept
		if i == 0 {
			if err := keyring.Create(context.Background(), h.config); err != nil {
				t.Fatal(err)
			}
		}
		rings = append(rings, h.open(t))
	}
	for round := range 3 {
		h.clock.Advance(time.Hour)
		var wait sync.WaitGroup
		for _, r := range rings {
			wait.Go(func() {
				if err := r.Tick(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		h.clock.Advance(time.Second)
		for _, r := range rings {
			if err := r.Refresh(context.Background()); err != nil {
				t.Error(err)
			}
		}
		if made.keys() != 2+round || ids(rings[0]) != ids(rings[1]) {
			t.Errorf("round %d: %d keys were made; the sets are %s and %s", round, made.keys(), ids(rings[0]), ids(rings[1]))
		}
		bad := h.signer(t, rings[0])
		if err := rings[0].Retire(context.Background(), bad); err != nil {
			t.Fatal(err)
		}
		if err := rings[1].Refresh(context.Background()); err != nil || h.signer(t, rings[1]) == bad {
			t.Errorf("round %d: the other ring signs with a key that was retired, %v", round, err)
		}
	}
}
