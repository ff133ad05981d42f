package revocation_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/revocation"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

const list = ours + "/status/first"

// announce writes down that a list exists.
func (w *world) announce(uri string) {
	w.t.Helper()
	_, err := w.keep(store.Entry{Event: event.Event{Type: event.Admin, Token: &event.Token{StatusList: uri}}})
	must(w.t, err)
}

// past is what was true at an instant.
type past struct {
	at   time.Time
	want map[uint64]string
}

const (
	invalid   = "invalid"
	suspended = "suspended"
)

// wanted is what the places of letters have to say.
func wanted(m *truth, all []*letter) map[uint64]string {
	want := map[uint64]string{}
	for _, l := range all {
		switch m.reason(l) {
		case 0:
		case narrowcast.TaskPaused:
			want[l.facts.StatusAt] = suspended
		default:
			want[l.facts.StatusAt] = invalid
		}
	}
	return want
}

func said(places []revocation.Place) map[uint64]string {
	got := map[uint64]string{}
	for _, p := range places {
		got[p.Index] = map[bool]string{true: suspended, false: invalid}[p.Suspended]
	}
	return got
}

// dead is what a Log says of all places, once it is up to date.
func dead(t test, l *revocation.Log) map[uint64]string {
	t.Helper()
	must(t, l.CatchUp(context.Background()))
	must(t, l.CatchUpPlaces(context.Background()))
	asOf, places := l.Dead()
	if !asOf.Equal(l.AsOf()) {
		t.Errorf("the places are as of %s, the rest as of %s", asOf, l.AsOf())
	}
	return said(slices.Collect(places))
}

// comparePlaces: a place says what Check says, here and in another replica, and
// what it said when the past was the present.
func (w *world) comparePlaces(t test, want map[uint64]string, old past) {
	t.Helper()
	for name, l := range map[string]*revocation.Log{"here": w.log, "another": w.replica()} {
		if got := dead(t, l); !maps.Equal(got, want) {
			t.Fatalf("%s: places %v, want %v", name, got, want)
		}
	}
	if old.at.IsZero() {
		return
	}
	places, err := w.log.DeadAt(context.Background(), list, old.at)
	must(t, err)
	if got := said(places); !maps.Equal(got, old.want) {
		t.Fatalf("at %s: places %v, want %v", old.at, got, old.want)
	}
}

// The place of a token changes with what it is about: for a while with the pause
// of its task, for good with its end. The past stays as it was.
func TestAPlaceSaysWhatItsTokenIsWorth(t *testing.T) {
	w := newWorld(t, newRing(t))
	w.announce(list)
	w.list = list
	must(t, w.change("t1", event.TaskOpened, store.TaskRunning))
	root := w.root("a", pay)
	child := w.exchange(root, "b", crm)
	inTask, err := w.issue(mint.Letter{Audience: narrowcast.MustAudience(pay), Subject: "c", Client: "c", Task: "t1"}, "k1", nil)
	must(t, err)
	d := w.root("d", data)
	r, c, i := root.facts.StatusAt, child.facts.StatusAt, inTask.facts.StatusAt
	other := w.replica()
	var olds []past
	for _, s := range []struct {
		name string
		do   func()
		want map[uint64]string
	}{
		{"nothing happened", func() {}, map[uint64]string{}},
		{"paused", func() { must(t, w.change("t1", event.TaskPaused, store.TaskPaused)) }, map[uint64]string{i: suspended}},
		{"resumed", func() { must(t, w.change("t1", event.TaskResumed, store.TaskRunning)) }, map[uint64]string{}},
		{"child", func() { w.revoke(revocation.OfToken, child.facts.ID) }, map[uint64]string{c: invalid}},
		{"root", func() { w.revoke(revocation.OfToken, root.facts.ID) }, map[uint64]string{c: invalid, r: invalid}},
		{"paused again", func() { must(t, w.change("t1", event.TaskPaused, store.TaskPaused)) }, map[uint64]string{c: invalid, r: invalid, i: suspended}},
		{"client", func() { w.revoke(revocation.OfClient, "c") }, map[uint64]string{c: invalid, r: invalid, i: invalid}},
		{"ended", func() { must(t, w.change("t1", event.TaskEnded, store.TaskEnded)) }, map[uint64]string{c: invalid, r: invalid, i: invalid}},
		{"without facts", func() {
			_, err := w.keep(store.Entry{Event: event.Event{Type: event.Revoked, Revocation: &event.Revocation{Kind: "token", ID: d.facts.ID}}})
			must(t, err)
		}, map[uint64]string{c: invalid, r: invalid, i: invalid, d.facts.StatusAt: invalid}},
	} {
		s.do()
		for name, l := range map[string]*revocation.Log{"here": w.log, "another": other, "new": w.replica()} {
			if got := dead(t, l); !maps.Equal(got, s.want) {
				t.Errorf("%s, %s: %v, want %v", s.name, name, got, s.want)
			}
			if lists := slices.Collect(l.Lists()); !slices.Equal(lists, []string{list}) {
				t.Errorf("%s, %s: lists %v", s.name, name, lists)
			}
		}
		olds = append(olds, past{w.now, s.want})
		w.now = w.now.Add(10 * time.Second)
	}
	for n, old := range olds {
		for _, late := range []time.Duration{0, 9 * time.Second} {
			places, err := w.log.DeadAt(t.Context(), list, old.at.Add(late))
			if got := said(places); err != nil || !maps.Equal(got, old.want) {
				t.Errorf("%d, %s later: %v, want %v; %v", n, late, got, old.want, err)
			}
		}
	}
	for name, at := range map[string]time.Time{list: olds[0].at.Add(-time.Second), list + "2": w.now} {
		if _, err := w.log.DeadAt(t.Context(), name, at); !errors.Is(err, revocation.ErrUnknown) {
			t.Errorf("%s at %s: %v", name, at, err)
		}
	}
}

// Between replicas whose clocks differ a token is minted when its client was
// called back already, and still falls under that.
func TestATokenThatComesLateHasItsPlace(t *testing.T) {
	w := newWorld(t, newRing(t))
	w.announce(list)
	w.list = list
	before := w.root("a", pay)
	must(t, w.log.CatchUp(t.Context()))
	w.revoke(revocation.OfClient, "a")
	want := map[uint64]string{before.facts.StatusAt: invalid}
	if got := dead(t, w.log); !maps.Equal(got, want) {
		t.Fatalf("control: %v, want %v", got, want)
	}
	w.now = w.now.Add(4 * time.Second)
	want[w.root("a", crm).facts.StatusAt] = invalid
	w.root("b", crm)
	w.now = w.now.Add(2 * time.Second)
	w.root("a", crm)
	w.comparePlaces(t, want, past{})
	// A minute later nobody looks any more.
	w.now = w.now.Add(2 * time.Minute)
	dead(t, w.log)
	w.book.asked = nil
	dead(t, w.log)
	if n := w.book.walks(); n != 0 {
		t.Errorf("%d walks over what was minted", n)
	}
}

// walks counts the questions for all that was minted.
func (f *failing) walks() (n int) {
	for _, q := range f.asked {
		if slices.Contains(q.Types, event.Issued) && q.TokenID+q.Lineage+q.Task == "" {
			n++
		}
	}
	return n
}

// A house whose tokens have no places pays nothing for those of others, and says
// how old it is all the same.
func TestWithoutListsNobodyLooksForPlaces(t *testing.T) {
	for _, lists := range []int{0, 1} {
		w := newWorld(t, newRing(t))
		for n := range lists {
			w.announce(fmt.Sprint(list, n))
		}
		// A token that somebody showed is no announcement.
		_, err := w.keep(store.Entry{Event: event.Event{Type: event.Admin, Token: &event.Token{ID: "x", StatusList: list}}})
		must(t, err)
		w.root("a", pay)
		must(t, w.log.CatchUp(t.Context()))
		_, err = w.keep(store.Entry{Event: event.Event{Type: event.Revoked, Revocation: &event.Revocation{Kind: "party", ID: "a"}}})
		must(t, err)
		w.book.asked = nil
		if got := dead(t, w.log); len(got) != 0 || w.book.walks() != lists {
			t.Errorf("%d lists: %v, %d walks", lists, got, w.book.walks())
		}
		if n := len(slices.Collect(w.log.Lists())); n != lists {
			t.Errorf("%d lists of %d", n, lists)
		}
	}
}

// A list is known as long as it is announced, whoever asks first.
func TestAListIsKnownWhileItIsAnnounced(t *testing.T) {
	w := newWorld(t, newRing(t))
	w.announce(list)
	every := revocation.AnnounceEvery(revocation.DefaultMaxLife)
	for range 20 {
		w.now = w.now.Add(every)
		w.announce(list)
	}
	last := w.now
	for _, s := range []struct {
		after time.Duration
		known bool
	}{{0, true}, {every + revocation.DefaultMaxLife, true}, {2*every + revocation.DefaultMaxLife + time.Minute + 11*time.Second, false}} {
		w.now = last.Add(s.after)
		fresh := w.replica()
		dead(t, fresh)
		if n := len(slices.Collect(fresh.Lists())); (n == 1) != s.known {
			t.Errorf("%s after the last announcement: %d lists", s.after, n)
		}
	}
}

// What is over is forgotten while a Log runs.
func TestPlacesEndWithTheirTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, newRing(t))
		w.announce(list)
		w.list = list
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go w.log.Run(ctx)
		synctest.Wait()
		for range 10 {
			w.revoke(revocation.OfToken, w.root("a", pay).facts.ID)
			w.root("b", pay)
		}
		w.revoke(revocation.OfClient, "b")
		<-time.After(2 * revocation.DefaultBeat)
		synctest.Wait()
		if n := w.log.Places(); n != 20 {
			t.Errorf("control: %d places", n)
		}
		w.more.Store(int64(3 * time.Hour))
		<-time.After(time.Minute)
		synctest.Wait()
		if n, size, lists := w.log.Places(), w.log.Size(), len(slices.Collect(w.log.Lists())); n != 0 || size != 0 || lists != 0 {
			t.Errorf("%d places, %d entries, %d lists", n, size, lists)
		}
	})
}

// The places of a broad revocation wait until they are looked for, and the time
// waits with them.
func TestTheTimeOfPlacesWaitsForThem(t *testing.T) {
	w := newWorld(t, newRing(t))
	w.announce(list)
	w.list = list
	l := w.root("a", pay)
	dead(t, w.log)
	known, _ := w.log.Dead()
	w.now = w.now.Add(10 * time.Second)
	w.revoke(revocation.OfClient, "a")
	if asOf, _ := w.log.Dead(); !asOf.Equal(known) || w.log.AsOf().Equal(known) {
		t.Errorf("places are as of %s, were %s", asOf, known)
	}
	w.book.fails = errors.New("the disk is gone")
	if err := w.log.CatchUpPlaces(t.Context()); err == nil {
		t.Error("a book that cannot be read was read")
	}
	if asOf, _ := w.log.Dead(); !asOf.Equal(known) {
		t.Errorf("after a failure places are as of %s", asOf)
	}
	w.book.fails = nil
	if got := dead(t, w.log); got[l.facts.StatusAt] != invalid {
		t.Errorf("%v", got)
	}
}
