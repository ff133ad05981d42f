package keyring_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/keyring"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// storm mints and verifies from many goroutines while the clock goes on.
type storm struct {
	*house
	ring   *keyring.Ring
	source *reader
	doors  *narrowcast.Verifier
	every  time.Duration // how often doors read the key set
	shown  atomic.Int64
	bad    atomic.Int64
	kept   []string // tokens that are shown again at the end of their life
}

func newStorm(t *testing.T, every time.Duration) *storm {
	t.Helper()
	s := &storm{house: newHouse(t), source: &reader{}, every: every}
	s.config.Home = &counting{}
	s.ring = s.create(t)
	s.doors = verifier(t, s.source, s.clock.Now)
	return s
}

func (s *storm) show(t *testing.T, token string, err error) {
	if err == nil {
		_, err = s.doors.Verify(context.Background(), token, narrowcast.Presentation{})
	}
	s.shown.Add(1)
	if err != nil {
		s.bad.Add(1)
		if s.every < ahead {
			t.Error(err)
		}
	}
}

const (
	stride  = 20 * time.Second
	workers = 4
)

// blow goes on for d. The clock moves in the middle of what the workers do.
func (s *storm) blow(t *testing.T, d time.Duration) {
	t.Helper()
	for range d / stride {
		s.source.refresh(s.clock.Now(), s.every, s.ring.Public)
		if old := len(s.kept) - int((life-stride)/stride); old > 0 {
			s.show(t, s.kept[old-1], nil)
		}
		fresh := make([]string, workers)
		var wait sync.WaitGroup
		for i := range workers {
			wait.Go(func() {
				token, err := mintOne(s.clock.Now(), s.ring.Current())
				s.show(t, token, err)
				fresh[i] = token
			})
		}
		s.pass(t, s.ring, stride)
		wait.Wait()
		s.kept = append(s.kept, fresh[0])
	}
}

// rotate does what "keys rotate" does beside a running issuer whose settings
// name another algorithm now: it is a process of its own.
func (s *storm) rotate(t *testing.T, alg narrowcast.Algorithm) {
	t.Helper()
	s.config.Algorithm = alg
	done := make(chan error)
	go func() {
		r, err := keyring.Open(context.Background(), s.config)
		if err == nil {
			_, err = r.Rotate(context.Background())
		}
		done <- err
	}()
	for {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			return
		default:
			s.blow(t, stride)
		}
	}
}

// Keys of every type follow each other under load.
func TestRotationUnderLoad(t *testing.T) {
	s := newStorm(t, ahead/2)
	pressed := []*mint.Press{s.ring.Current()}
	for i, alg := range []narrowcast.Algorithm{narrowcast.RS256, narrowcast.Ed25519, narrowcast.ES384, narrowcast.PS256, narrowcast.ES256} {
		s.config.MakeHere = i%2 == 1 // by turns at home and here
		s.rotate(t, alg)
		s.blow(t, ahead+time.Minute)
		pressed = append(pressed, s.ring.Current())
		s.blow(t, after)
		s.source.refresh(s.clock.Now(), 0, s.ring.Public)
		token, err := mintOne(s.clock.Now(), pressed[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.doors.Verify(context.Background(), token, narrowcast.Presentation{}); err == nil {
			t.Errorf("the key before %s still opens the door after its window", alg)
		}
		s.show(t, s.kept[len(s.kept)-1], nil) // the control
	}
	if s.bad.Load() != 0 || s.shown.Load() < 2000 {
		t.Errorf("%d of %d tokens were refused", s.bad.Load(), s.shown.Load())
	}
	t.Logf("%d tokens shown, %d keys", s.shown.Load(), len(pressed))
}

// The control: doors that read the set too seldom do meet unknown keys.
func TestLoadSeesRefusals(t *testing.T) {
	s := newStorm(t, 10*ahead)
	s.rotate(t, narrowcast.Ed25519)
	s.blow(t, ahead+2*time.Minute)
	if s.bad.Load() == 0 {
		t.Error("nothing was refused")
	}
}

func TestRunLooksAndRotates(t *testing.T) {
	h := newHouse(t)
	h.config.RotateEvery, h.config.Every = time.Hour, time.Millisecond
	h.config.Lease = time.Minute
	r := h.create(t)
	h.clock.Advance(time.Hour)
	ctx, cancel := context.WithCancel(context.Background())
	looked := make(chan struct{})
	watch := &watched{kept: h.store, enough: func(keys int) {
		if keys == 2 {
			cancel()
		}
	}}
	h.config.Keys = watch
	other := h.open(t)
	go func() {
		defer close(looked)
		other.Run(ctx, func(err error) {
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}()
	<-looked
	if err := r.Refresh(context.Background()); err != nil || len(r.Public()) != 2 {
		t.Errorf("%d keys after Run, %v", len(r.Public()), err)
	}
}

// watched tells how many keys each reading found.
type watched struct {
	kept   keyring.Keys
	enough func(keys int)
}

func (w *watched) Keys(ctx context.Context) ([]store.Key, error) {
	keys, err := w.kept.Keys(ctx)
	w.enough(len(keys))
	return keys, err
}

func (w *watched) SaveKey(ctx context.Context, k store.Key) error { return w.kept.SaveKey(ctx, k) }
