package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/guard"
	"github.com/narrowcast-io/narrowcast/report"
)

// The load: tokens minted in a second, and how long one of them lives until it is
// called back.
const (
	faultMints   = 20
	faultMaxLife = 1500 * time.Millisecond
	faultKept    = 2000 // dead tokens that are shown on and on
	faultLiving  = 20   // tokens that are never called back
	faultWatched = 10 * time.Second
)

// faults is a run of the harness.
type faults struct {
	plan   plan
	town   *town
	db     *cluster
	front  *front
	points *points
	thief  *thief
	stale  time.Duration // as the issuer printed it
	ctx    context.Context
	stop   context.CancelFunc
	load   sync.WaitGroup
	guards sync.WaitGroup
	began  time.Time

	minted, revoked, refusals, shown, asked, confirmed atomic.Int64

	mu     sync.Mutex
	buried []*corpse
	living []string
	said   []string
	worst  map[string]time.Duration // by the state of the verifier
	held   []map[uint64]bool        // by point: what the issuer counts as confirmed
}

// corpse is a token that was called back, and when we were told.
type corpse struct {
	token  string
	told   time.Time
	number uint64
}

// faultsBench puts faults between verifiers and issuer while tokens are minted and
// called back. It fails when a token opens a door for longer than was printed, when a
// verifier that confirmed accepts, when one does not come to the truth afterwards, or
// when memory grows.
func faultsBench(p plan) (_ *paper, err error) {
	if p.verifiers == 0 {
		p.verifiers = 8
	}
	all := time.Duration(p.minutes * float64(time.Minute))
	result := newPaper("feed faults", fmt.Sprintf(
		"%d verifiers, each behind a link of its own to two replicas on PostgreSQL, for %s. Links cut, lag, repeat, replay, throttle and hang;\n"+
			"each replica and the database are killed with SIGKILL and come back. %d tokens a second are minted and soon called back.", p.verifiers, all, faultMints))
	f := &faults{plan: p, worst: map[string]time.Duration{}}
	if f.town, err = newTown(); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	if err := f.open(); err != nil {
		return nil, err
	}
	before := heap()
	resident, err := residentOf(f.front.houses[1].process.Process.Pid)
	if err != nil {
		return nil, err
	}
	f.begin()
	if err := f.play(all); err != nil {
		return nil, err
	}
	f.settle()
	after := heap()
	residentAfter, err := residentOf(f.front.houses[1].process.Process.Pid)
	if err != nil {
		return nil, err
	}
	f.write(result, before, after, resident, residentAfter)
	return result, nil
}

func (f *faults) close() error {
	if f.stop != nil {
		f.stop()
	}
	f.load.Wait()
	f.guards.Wait()
	if f.points != nil {
		f.points.close()
	}
	var errs []error
	if f.front != nil {
		errs = append(errs, f.front.server.Close())
	}
	errs = append(errs, f.town.close())
	if f.db != nil {
		errs = append(errs, f.db.close())
	}
	return errors.Join(errs...)
}

// open starts everything, with every link in order.
func (f *faults) open() (err error) {
	if f.db, err = newCluster(); err != nil {
		return err
	}
	f.town.besides = f.db.close
	if f.front, err = f.town.newFront(f.db, f.plan.verifiers); err != nil {
		return err
	}
	h := f.front.houses[0].home
	if f.thief, err = h.thief(); err != nil {
		return err
	}
	if f.points, err = h.pointsOf(f.plan.verifiers, func(i int) string { return fmt.Sprintf("%s/link/%d/feed", f.front.issuer, i) }); err != nil {
		return err
	}
	f.held = make([]map[uint64]bool, f.plan.verifiers)
	for i := range f.held {
		f.held[i] = map[uint64]bool{}
	}
	f.ctx, f.stop = context.WithCancel(context.Background())
	for _, point := range f.points.all {
		if err := f.report(h, point); err != nil {
			return err
		}
	}
	checkout, err := h.source("checkout", "")
	if err != nil {
		return err
	}
	token, err := checkout.Token(f.ctx, narrowcast.MustAudience(benchResource), narrowcast.Scope{})
	if err != nil {
		return err
	}
	if f.stale = token.Survival().Stale; f.stale != faultStale || token.Survival().Connected != 2*time.Second {
		return fmt.Errorf("the issuer printed %+v", token.Survival())
	}
	return f.points.connect(20 * time.Second)
}

// report lets a point be a guard that tells the issuer what it knows.
func (f *faults) report(h *home, point *point) error {
	client, err := h.caller("guard-payments", "events", "report", "")
	if err != nil {
		return err
	}
	reporter, err := report.Open(report.Config{
		Dir: filepath.Join(f.town.dir, filepath.Base(point.name)+".spool"), URL: h.issuer + "/events", Client: client, Now: time.Now, Linger: 20 * time.Millisecond,
	})
	if err != nil {
		return err
	}
	g, err := guard.New(guard.Config{Verifier: point.verifier, Sink: reporter, Now: time.Now, Name: point.name, Feed: point.follower, SeenEvery: 2 * time.Second})
	if err != nil {
		return err
	}
	f.guards.Go(func() { g.Run(f.ctx) })
	f.guards.Go(func() { _ = reporter.Run(f.ctx) }) // ends with ctx
	return nil
}

// begin begins the load and the watching.
func (f *faults) begin() {
	f.began = time.Now()
	slots := make(chan struct{}, 64) // requests that are under way
	f.load.Go(func() {
		tick := time.NewTicker(time.Second / faultMints)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-f.ctx.Done():
				return
			case <-tick.C:
			}
			select {
			case slots <- struct{}{}:
				f.load.Go(func() { f.life(n); <-slots })
			default: // the issuer is away
			}
		}
	})
	for i, point := range f.points.all {
		f.load.Go(func() { f.watch(i, point) })
	}
}

// life is that of one token: minted, and called back.
func (f *faults) life(n int) {
	token, err := f.thief.token(f.ctx)
	if err != nil {
		f.refusals.Add(1) // the issuer is away, and says so
		return
	}
	f.minted.Add(1)
	f.mu.Lock()
	stays := len(f.living) < faultLiving && n%5 == 0
	if stays {
		f.living = append(f.living, token)
	}
	f.mu.Unlock()
	if stays {
		return
	}
	f.rest(rand.N(faultMaxLife))
	id, err := idOf(token)
	if err != nil {
		f.say("a token that cannot be read: %v", err)
		return
	}
	for f.ctx.Err() == nil {
		number, err := f.thief.revoke(id)
		if err != nil {
			f.refusals.Add(1)
			f.rest(200 * time.Millisecond)
			continue
		}
		f.bury(&corpse{token, time.Now(), number})
		if n%3 == 0 {
			f.confirm(number, token)
		}
		return
	}
}

func (f *faults) rest(d time.Duration) {
	select {
	case <-f.ctx.Done():
	case <-time.After(d):
	}
}

func (f *faults) bury(c *corpse) {
	f.revoked.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.buried = append(f.buried, c); len(f.buried) > faultKept {
		f.buried = slices.Delete(f.buried, 0, 1)
	}
}

func (f *faults) say(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.said) < 1000 {
		f.said = append(f.said, fmt.Sprintf("%6.1f s: ", time.Since(f.began).Seconds())+fmt.Sprintf(format, args...))
	}
}
