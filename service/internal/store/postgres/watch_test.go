//go:build !fast

package postgres_test

import (
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/store/postgres"
	"github.com/narrowcast-io/narrowcast/service/internal/store/postgres/pgtest"
)

// awaitChange reads hints until the store has the revision. What it waits for
// is the hint: without one it ends with the test's time.
func awaitChange(t *testing.T, s *postgres.Store, want uint64) {
	t.Helper()
	late := time.NewTimer(20 * time.Second)
	defer late.Stop()
	for {
		select {
		case <-s.Changed():
		case <-late.C:
			t.Fatalf("no hint of revision %d", want)
		}
		if n, err := s.LatestNumber(t.Context()); err == nil && n == want {
			return
		}
	}
}

func TestReplicasHearOfEachOther(t *testing.T) {
	server := pgtest.Start(t)
	c := config(server, "book")
	first := create(t, c)
	second := reopen(t, c)
	awaitChange(t, second, 0)
	save := func(s *postgres.Store, n uint64) {
		t.Helper()
		if err := s.Save(t.Context(), store.Revision{Number: n, Applied: dayOne}); err != nil {
			t.Fatal(err)
		}
	}
	save(first, 1)
	awaitChange(t, second, 1)

	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	save(first, 2) // perhaps before anybody listens again
	awaitChange(t, second, 2)

	// A store that is closed right after saving was heard too.
	third := reopen(t, c)
	save(third, 3)
	shut(t, third)
	awaitChange(t, second, 3)
	awaitChange(t, first, 3)

	if err := first.SaveKey(t.Context(), store.Key{ID: "k", Algorithm: "ES256", Public: []byte{1}, Published: dayOne}); err != nil {
		t.Fatal(err)
	}
	<-second.Changed()
}

// Another store in the same database hears nothing.
func TestSchemasDoNotHearEachOther(t *testing.T) {
	c := config(shared, shared.Schema())
	first := create(t, c)
	c.Schema = shared.Schema()
	other := create(t, c)
	<-other.Changed() // it listens
	<-first.Changed()
	if err := first.Save(t.Context(), store.Revision{Number: 1, Applied: dayOne}); err != nil {
		t.Fatal(err)
	}
	<-first.Changed() // the hint went out and came back
	select {
	case <-other.Changed():
		t.Error("heard another store")
	default:
	}
}
