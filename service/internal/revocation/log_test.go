package revocation_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/feed"
	"github.com/narrowcast-io/narrowcast/service/internal/revocation"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

func TestConfigurationOfALog(t *testing.T) {
	_, err := revocation.New(revocation.Config{Poll: -1, MaxLife: 48 * time.Hour})
	for _, want := range []string{"Book", "Now", "Poll", "MaxLife"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is missing in: %v", want, err)
		}
	}
}

// Whoever goes on from any place ends up knowing what one who begins anew knows.
func TestResumingFromAnyPlaceEqualsTheSnapshot(t *testing.T) {
	w := newWorld(t, newRing(t))
	var letters []*letter
	for i := range 30 {
		letters = append(letters, w.root(fmt.Sprint("c", i%4), []string{pay, crm}[i%2]))
	}
	must(t, w.log.CatchUp(t.Context()))
	var places []uint64
	var sets []*feed.Set
	for i, l := range letters {
		messages, at := stream(t, w.log, pay, 0)
		places, sets = append(places, at.Position), append(sets, setOf(t, feed.NewSet(), messages))
		if i%7 == 6 {
			w.revoke(revocation.OfClient, l.facts.Client)
		} else if i%2 == 0 {
			w.revoke(revocation.OfToken, l.facts.ID)
		}
	}
	whole, end := stream(t, w.log, pay, 0)
	if _, first := whole[0].(feed.Reset); !first {
		t.Fatalf("it begins with %+v", whole[0])
	}
	fresh := setOf(t, feed.NewSet(), whole)
	for i, place := range places {
		messages, at := stream(t, w.log, pay, place)
		if _, reset := messages[0].(feed.Reset); reset != (place == 0) || at.Position != end.Position {
			t.Errorf("from %d: %+v … %+v", place, messages[0], at)
		}
		setOf(t, sets[i], messages)
		for _, l := range letters {
			if l.facts.Audience[0] == pay && sets[i].Check(l.token) != fresh.Check(l.token) {
				t.Errorf("from %d: %v, and anew %v", place, sets[i].Check(l.token), fresh.Check(l.token))
			}
		}
	}
	// Crm learns nothing of tokens that are good at pay alone.
	messages, _ := stream(t, w.log, crm, 0)
	for _, m := range messages {
		if e, ok := m.(feed.Entry); ok && e.Kind == feed.Token {
			for _, l := range letters {
				if l.facts.ID == e.ID && l.facts.Audience[0] != crm {
					t.Errorf("crm was told of %+v", e)
				}
			}
		}
	}
	// A place that the book does not have is no place.
	if messages, _ := stream(t, w.log, pay, end.Position+1000); len(entriesOf(messages)) != len(entriesOf(whole)) {
		t.Errorf("from the future: %d entries", len(entriesOf(messages)))
	}
}

// A replica that has not read the book yet says so, and so does one that lags
// and cannot catch up.
func TestWhatIsNotKnownIsNotSaid(t *testing.T) {
	w := newWorld(t, newRing(t))
	l := w.root("a", pay)
	if got := w.log.Check(l.token); got != narrowcast.Stale {
		t.Errorf("before the first fold: %v", got)
	}
	must(t, w.log.CatchUp(t.Context()))
	if got := w.log.Check(l.token); got != 0 {
		t.Errorf("control: %v", got)
	}
	asOf := w.log.AsOf()
	w.book.fails = errors.New("the disk is gone")
	w.now = w.now.Add(4 * time.Second)
	if err := w.log.CatchUp(t.Context()); err == nil || !w.log.AsOf().Equal(asOf) {
		t.Errorf("%v, as of %s, was %s", err, w.log.AsOf(), asOf)
	}
	if _, at := stream(t, w.log, pay, 0); !at.AsOf.Equal(asOf) {
		t.Errorf("followers are told %s", at.AsOf)
	}
	w.now = w.now.Add(2 * time.Second)
	if got := w.log.Check(l.token); got != narrowcast.Stale {
		t.Errorf("after six seconds without the book: %v", got)
	}
	fresh := w.replica()
	for _, err := range fresh.Follow(t.Context(), narrowcast.MustAudience(pay), 0) {
		if !errors.Is(err, revocation.ErrNotReady) {
			t.Errorf("following a replica that knows nothing: %v", err)
		}
	}
	w.book.fails = nil
	w.revoke(revocation.OfToken, l.facts.ID)
	if got := w.log.Check(l.token); got != narrowcast.Revoked || !w.log.AsOf().Equal(w.now) {
		t.Errorf("%v as of %s", got, w.log.AsOf())
	}
}

// What is over is forgotten, and a start reads no further back than that.
func TestEntriesEndWithTheirTokens(t *testing.T) {
	w := newWorld(t, newRing(t))
	l := w.root("a", pay)
	must(t, w.log.CatchUp(t.Context()))
	answer := w.revoke(revocation.OfToken, l.facts.ID)
	if messages, _ := stream(t, w.log, pay, 0); len(entriesOf(messages)) != 1 {
		t.Fatalf("control: %v", messages)
	}
	w.now = answer.Until.Add(time.Second)
	must(t, w.log.CatchUp(t.Context()))
	for name, one := range map[string]*revocation.Log{"old": w.log, "new": w.replica()} {
		must(t, one.CatchUp(t.Context()))
		messages, at := stream(t, one, pay, 0)
		if len(entriesOf(messages)) != 0 {
			t.Errorf("%s: %v", name, messages)
		}
		if _, at = stream(t, one, pay, answer.Number()); at.Position != answer.Number() {
			t.Errorf("%s: at %d, came from %d", name, at.Position, answer.Number())
		}
	}
	w.now = w.now.Add(3 * time.Hour)
	late := w.replica()
	must(t, late.CatchUp(t.Context()))
	if _, at := stream(t, late, pay, answer.Number()); at.Position != answer.Number() || late.Size() != 0 {
		t.Errorf("a place that is older than all that is read: %d, %d entries", at.Position, late.Size())
	}
}

// A follower that does not read costs nobody anything, and goes on where it was.
func TestASlowFollowerHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, newRing(t))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go w.log.Run(ctx)
		synctest.Wait()
		hold, slow, fast := make(chan struct{}), make(chan feed.Message, 10_000), make(chan feed.Message, 10_000)
		follow := func(to chan feed.Message, wait chan struct{}) {
			for text, err := range w.log.Follow(ctx, narrowcast.MustAudience(pay), 0) {
				must(t, err)
				for _, m := range read(t, text) {
					to <- m
				}
				if wait != nil {
					<-wait
				}
			}
		}
		go follow(slow, hold)
		go follow(fast, nil)
		synctest.Wait()
		last := revocation.Answer{}
		for range 500 {
			last = w.revoke(revocation.OfToken, w.root("a", pay).facts.ID)
		}
		synctest.Wait()
		if n := count(fast); n != 500 {
			t.Errorf("the fast one has %d entries", n)
		}
		if n := count(slow); n != 0 {
			t.Errorf("the slow one has %d entries already", n)
		}
		close(hold)
		synctest.Wait()
		if n := count(slow); n != 500 {
			t.Errorf("the slow one has %d entries at last", n)
		}
		// Each beat says how old that is, and of which place.
		<-time.After(2 * time.Second)
		synctest.Wait()
		at, ok := (<-fast).(feed.At)
		if !ok || at.Position != last.Number() {
			t.Errorf("%+v, want a beat at %d", at, last.Number())
		}
	})
}

func count(c chan feed.Message) (n int) {
	for {
		select {
		case m := <-c:
			if _, ok := m.(feed.Entry); ok {
				n++
			}
		default:
			return n
		}
	}
}

// Run folds what another replica wrote.
func TestRunFoldsWhatOthersWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, newRing(t))
		l := w.root("a", pay)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		other := w.replica()
		go other.Run(ctx)
		synctest.Wait()
		w.revoke(revocation.OfToken, l.facts.ID)
		<-time.After(revocation.DefaultPoll)
		synctest.Wait()
		if got := other.Check(l.token); got != narrowcast.Revoked {
			t.Errorf("%v", got)
		}
	})
}

// A record without the facts of its token still counts, everywhere.
func TestARevocationWithoutFactsCounts(t *testing.T) {
	w := newWorld(t, newRing(t))
	l := w.root("a", pay)
	_, err := w.keep(store.Entry{Event: event.Event{Type: event.Revoked, Revocation: &event.Revocation{Kind: "token", ID: l.facts.ID}}})
	must(t, err)
	must(t, w.log.CatchUp(t.Context()))
	messages, _ := stream(t, w.log, crm, 0)
	if w.log.Check(l.token) != narrowcast.Revoked || len(entriesOf(messages)) != 1 {
		t.Errorf("%v, %v", w.log.Check(l.token), messages)
	}
}
