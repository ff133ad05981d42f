//go:build !fast

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/store/postgres"
	"github.com/narrowcast-io/narrowcast/service/internal/store/postgres/pgtest"
)

// crowd appends to several stores until it is told to stop, and remembers what
// was answered.
type crowd struct {
	stop     atomic.Bool
	wait     sync.WaitGroup
	answered atomic.Int64

	lock    sync.Mutex
	numbers map[string]uint64 // by event
}

func (c *crowd) start(t *testing.T, writers int, stores ...*postgres.Store) {
	c.numbers = make(map[string]uint64)
	for w := range writers {
		c.wait.Go(func() {
			s := stores[w%len(stores)]
			for i := 0; !c.stop.Load(); i++ {
				id := fmt.Sprint(w, "-", i)
				r, err := s.Append(t.Context(), crowdEntry(id))
				if err != nil {
					t.Errorf("entry %s: %v", id, err)
					return
				}
				c.lock.Lock()
				c.numbers[id] = r.Number
				c.lock.Unlock()
				c.answered.Add(1)
			}
		})
	}
}

// crowdEntry uses up an id of its own, so that a retry that took itself for
// somebody else would show.
func crowdEntry(id string) store.Entry {
	return store.Entry{
		Event: event.Event{ID: id, Writer: "crowd", Type: event.Issued, Time: dayOne, Detail: "some words about what happened"},
		Once:  []store.Once{{Space: "crowd", ID: id, Until: dayOne.Add(time.Hour)}},
	}
}

// await returns when n more entries were answered.
func (c *crowd) await(t *testing.T, n int64) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for until := c.answered.Load() + n; c.answered.Load() < until && !t.Failed(); {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("the time is up")
		}
	}
}

func (c *crowd) end() {
	c.stop.Store(true)
	c.wait.Wait()
}

// check compares the book with the answers: every answered entry is there once,
// under the number that was answered, and the chain is one line.
func (c *crowd) check(t *testing.T, s *postgres.Store) {
	t.Helper()
	seen := make(map[string]bool)
	var last uint64
	for r, err := range s.Find(t.Context(), store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Number != last+1 {
			t.Errorf("record %d follows %d", r.Number, last)
		}
		last = r.Number
		if seen[r.Event.ID] {
			t.Errorf("%s is there twice", r.Event.ID)
		}
		seen[r.Event.ID] = true
		if answered, ok := c.numbers[r.Event.ID]; ok && answered != r.Number {
			t.Errorf("%s was answered as %d and is record %d", r.Event.ID, answered, r.Number)
		}
	}
	for id := range c.numbers {
		if !seen[id] {
			t.Errorf("%s was answered and is lost", id)
		}
	}
	records, broken, err := s.CheckChain(t.Context())
	if err != nil || broken != 0 || records != last {
		t.Errorf("CheckChain: %d records of %d, %d broken, %v", records, last, broken, err)
	}
	t.Logf("%d answered, %d there", len(c.numbers), last)
}

// The server is killed and started again under two replicas that append. They
// go on by themselves, and nothing is lost, doubled or refused as a replay of
// itself.
func TestReplicasOutliveTheServer(t *testing.T) {
	server := pgtest.Start(t)
	c := config(server, "book")
	first := create(t, c)
	second := reopen(t, c)
	var crowd crowd
	crowd.start(t, 16, first, second)
	for range 3 {
		crowd.await(t, 300)
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := server.Resume(); err != nil {
			t.Fatal(err)
		}
		crowd.await(t, 100)
		if err := server.Restart(); err != nil {
			t.Fatal(err)
		}
	}
	crowd.await(t, 200)
	crowd.end()
	crowd.check(t, first)
	crowd.check(t, second)
}

// A backend that ends between writing and answering leaves the outcome unknown;
// the retry finds out.
func TestLostConnections(t *testing.T) {
	c := config(shared, shared.Schema())
	first := create(t, c)
	second := reopen(t, c)
	var crowd crowd
	crowd.start(t, 8, first, second)
	conn := rawConn(t, c)
	defer func() { _ = conn.Close(context.Background()) }()
	ended := 0
	for range 60 {
		crowd.await(t, 10)
		var n int
		// Only those at work on this schema's book, and not this connection.
		if err := conn.QueryRow(t.Context(), `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
			WHERE application_name = 'narrowcast' AND pid <> pg_backend_pid() AND state = 'active'`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		ended += n
	}
	crowd.end()
	crowd.check(t, first)
	if ended == 0 {
		t.Error("no connection was at work when it should have been ended")
	}
	t.Logf("%d connections were ended at work", ended)
}

// While the server is away, a caller gets the end of its own patience, with the
// reason, and closing does not wait for the server.
func TestAwayServer(t *testing.T) {
	server := pgtest.Start(t)
	c := config(server, "book")
	s := create(t, c)
	if _, err := s.Append(t.Context(), admin("a")); err != nil {
		t.Fatal(err)
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := s.Append(short, admin("b")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Append: %v", err)
	}
	if err := s.Save(short, store.Revision{Number: 1, Applied: dayOne}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Save: %v", err)
	}
	if _, err := s.LatestNumber(t.Context()); err == nil || errors.Is(err, store.ErrClosed) {
		t.Errorf("LatestNumber: %v", err)
	}
	// Callers without an end wait, until the server is back.
	var wait sync.WaitGroup
	wait.Go(func() {
		if r, err := s.Append(t.Context(), admin("c")); err != nil || r.Number < 2 {
			t.Errorf("Append over the pause: %d, %v", r.Number, err)
		}
	})
	wait.Go(func() {
		if err := s.Save(t.Context(), store.Revision{Number: 1, Applied: dayOne}); err != nil {
			t.Errorf("Save over the pause: %v", err)
		}
	})
	if err := server.Resume(); err != nil {
		t.Fatal(err)
	}
	wait.Wait()
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	wait.Go(func() {
		if _, err := s.Append(t.Context(), admin("d")); err == nil {
			t.Error("Append to a server that is gone: no error")
		}
	})
	shut(t, s)
	wait.Wait()
}

// Revisions saved by many replicas at once: one wins each number, the others
// hear of it.
func TestReplicasSaveRevisions(t *testing.T) {
	c := config(shared, shared.Schema())
	stores := []*postgres.Store{create(t, c), reopen(t, c), reopen(t, c)}
	var wait sync.WaitGroup
	var won atomic.Int64
	for i, s := range stores {
		wait.Go(func() {
			for n := uint64(1); n <= 10; n++ {
				r := store.Revision{Number: n, Applied: dayOne, Author: fmt.Sprint(i), Files: map[string][]byte{"who": fmt.Append(nil, i)}}
				switch err := s.Save(t.Context(), r); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, store.ErrConflict):
					t.Errorf("Save %d: %v", n, err)
				}
			}
		})
	}
	wait.Wait()
	latest, err := stores[0].LatestNumber(t.Context())
	if err != nil || int64(latest) != won.Load() || latest == 0 { //nolint:gosec // G115: a count
		t.Errorf("%d saves were answered, the latest is %d, %v", won.Load(), latest, err)
	}
}
