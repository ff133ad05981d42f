package guard_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/guard"
)

// wire is a feed that a test moves on.
type wire struct {
	mu       sync.Mutex
	position uint64
	asOf     time.Time
	degraded bool
	changed  chan struct{}
}

func (w *wire) Feed() event.Feed {
	w.mu.Lock()
	defer w.mu.Unlock()
	return event.Feed{Position: w.position, AsOf: w.asOf, StaleAfter: 10 * time.Second, WhenStale: "accept", Degraded: w.degraded}
}

func (w *wire) Changed() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changed
}

func (w *wire) Degraded(*narrowcast.Token) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.degraded
}

func (w *wire) move(position uint64) {
	w.mu.Lock()
	w.position = position
	close(w.changed)
	w.changed = make(chan struct{})
	w.mu.Unlock()
	synctest.Wait()
}

// TestNewPositionsAreReported at once when there was rest, at most ten a second,
// and the last one in any case.
func TestNewPositionsAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, f := newTown(t), &wire{position: 1, changed: make(chan struct{})}
		g := w.door(t, pay, func(c *guard.Config) { c.Now, c.Feed = time.Now, f })
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { g.Run(ctx); close(ended) }()
		synctest.Wait()
		latest := func() (int, uint64) {
			all := w.book.all()
			return len(all), all[len(all)-1].Verifier.Feed.Position
		}
		if n, position := latest(); n != 1 || position != 1 {
			t.Fatalf("%d events, position %d", n, position)
		}
		time.Sleep(time.Second)
		f.move(2)
		if n, position := latest(); n != 2 || position != 2 {
			t.Errorf("not at once: %d events, position %d", n, position)
		}
		for i := range 1000 { // in one second
			f.move(uint64(3 + i))
			time.Sleep(time.Millisecond)
		}
		time.Sleep(200 * time.Millisecond)
		if n, position := latest(); n > 14 || n < 10 || position != 1002 {
			t.Errorf("%d events, position %d", n, position)
		}
		n, _ := latest()
		if time.Sleep(30 * time.Second); n != len(w.book.all()) {
			t.Error("reported without news")
		}
		stop()
		<-ended
		if e := w.book.last(t); e.Type != event.VerifierLeft || e.Verifier.Feed.Position != 1002 {
			t.Errorf("%+v", e)
		}
	})
}

func TestWhatIsAcceptedInSpiteOfAnOldFeedIsMarked(t *testing.T) {
	w := newTown(t)
	f := &wire{changed: make(chan struct{}), asOf: at.Add(-time.Minute)}
	g := w.door(t, pay, func(c *guard.Config) { c.Feed = f })
	token := w.sign(t, nil)
	serve(g.Wrap(hello), request("GET", "/", token))
	f.degraded = true
	for range 2 {
		if code := serve(g.Wrap(hello), request("GET", "/", token)).Code; code != 200 {
			t.Fatal(code)
		}
	}
	if s := g.State(); s.Degraded != 2 || s.Feed == nil || !s.Feed.Degraded || s.FeedAge != time.Minute {
		t.Errorf("%+v", s)
	}
	g.Flush(at.Add(time.Hour))
	counts := map[string]int{}
	for _, e := range w.book.all() {
		counts[e.Detail] += e.Fold.Count
	}
	if len(counts) != 2 || counts[""] != 1 || counts["accepted although what is known of revocations is too old"] != 2 {
		t.Errorf("%v", counts)
	}
	if s := w.door(t, pay, nil).State(); s.Feed != nil || s.Degraded != 0 {
		t.Errorf("control, without a feed: %+v", s)
	}
}
