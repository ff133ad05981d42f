package storetest

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

func signingKey(id narrowcast.KeyID, published time.Time) store.Key {
	return store.Key{
		ID: id, Algorithm: narrowcast.ES256, Public: []byte("public " + id), Private: []byte{0, 1, 0xff},
		Published: published, Active: published.Add(time.Hour),
	}
}

func sameKey(a, b store.Key) bool {
	return a.ID == b.ID && a.Algorithm == b.Algorithm && bytes.Equal(a.Public, b.Public) &&
		bytes.Equal(a.Private, b.Private) && a.Published.Equal(b.Published) &&
		a.Active.Equal(b.Active) && a.Retired.Equal(b.Retired) && a.Gone.Equal(b.Gone)
}

func wantKeys(t *testing.T, s store.Keys, want ...store.Key) {
	t.Helper()
	got, err := s.Keys(context.Background())
	if err != nil || len(got) != len(want) {
		t.Fatalf("Keys: %d keys, %v; want %d", len(got), err, len(want))
	}
	for i := range want {
		if !sameKey(got[i], want[i]) {
			t.Errorf("key %d: got %s %v %v %v %v", i, got[i].ID, got[i].Published, got[i].Active, got[i].Retired, got[i].Gone)
		}
	}
}

func mustSaveKey(t *testing.T, s store.Keys, k store.Key) {
	t.Helper()
	if err := s.SaveKey(context.Background(), k); err != nil {
		t.Fatal(err)
	}
}

func keysAreKept(t *testing.T, b *bench) {
	wantKeys(t, b.store)
	older, newer := signingKey("z", dayOne), signingKey("a", dayOne.Add(time.Hour))
	mustSaveKey(t, b.store, newer)
	mustSaveKey(t, b.store, older)
	wantKeys(t, b.store, older, newer)
	older.Retired, older.Gone, older.Private = dayOne.Add(2*time.Hour), dayOne.Add(3*time.Hour), nil
	mustSaveKey(t, b.store, older)
	wantKeys(t, b.store, older, newer)
}

func keyHalvesNeverChange(t *testing.T, b *bench) {
	k := signingKey("a", dayOne)
	mustSaveKey(t, b.store, k)
	public, algorithm := k, k
	public.Public = []byte("another")
	algorithm.Algorithm = narrowcast.ES384
	for _, bad := range []store.Key{public, algorithm} {
		if err := b.store.SaveKey(context.Background(), bad); !errors.Is(err, store.ErrConflict) {
			t.Errorf("SaveKey: %v, want ErrConflict", err)
		}
	}
	for _, bad := range []store.Key{{}, {ID: "x"}} {
		if err := b.store.SaveKey(context.Background(), bad); err == nil {
			t.Error("half a key was saved")
		}
	}
	wantKeys(t, b.store, k)

	dead := k
	dead.Private, dead.Gone = nil, dayOne.Add(time.Hour)
	mustSaveKey(t, b.store, dead)
	if err := b.store.SaveKey(context.Background(), k); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a destroyed key came back: %v", err)
	}
	mustSaveKey(t, b.store, dead)
	wantKeys(t, b.store, dead)
}
