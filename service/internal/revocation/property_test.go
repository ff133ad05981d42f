package revocation_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/feed"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/revocation"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"pgregory.net/rapid"
)

// broad is a revocation of all that have something in common.
type broad struct {
	kind, id string
	before   time.Time
}

func (b broad) about(t event.Token) bool {
	if t.IssuedAt.After(b.before) {
		return false
	}
	switch b.kind {
	case revocation.OfClient:
		return t.Client == b.id || t.Subject == b.id || slices.Contains(t.Actors, b.id)
	case revocation.OfResource:
		return slices.Contains(t.Audience, b.id)
	}
	return t.KeyID == b.id
}

// truth is what must be refused, by the plainest rules.
type truth struct {
	tokens map[string]bool
	broad  []broad
	tasks  map[string]narrowcast.Reason
}

func (m *truth) reason(l *letter) narrowcast.Reason {
	for p := l; p != nil; p = p.parent {
		if m.tokens[p.facts.ID] || slices.ContainsFunc(m.broad, func(b broad) bool { return b.about(p.facts) }) {
			return narrowcast.Revoked
		}
	}
	return m.tasks[l.facts.Task]
}

// Revoking any node leaves no living descendant: not here, not in another
// replica, and not at any door that follows, whether from the beginning or all
// along. And nothing else dies.
func TestNothingThatCameFromTheDeadLives(t *testing.T) {
	r := newRing(t)
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, r)
		w.announce(list)
		w.list = list
		walk(t, w)
	})
}

func walk(t *rapid.T, w *world) {
	m := &truth{tokens: map[string]bool{}, tasks: map[string]narrowcast.Reason{}}
	var all []*letter
	clients, audiences := []string{"a", "b", "c"}, []string{pay, crm, data}
	tasks := []narrowcast.TaskID{"", "t1", "t2"}
	must(t, w.change("t1", event.TaskOpened, store.TaskRunning))
	must(t, w.change("t2", event.TaskOpened, store.TaskRunning))
	must(t, w.log.CatchUp(context.Background()))
	sets, places := map[string]*feed.Set{}, map[string]uint64{}
	for _, a := range audiences {
		sets[a] = feed.NewSet()
	}
	pick := func(from []string, label string) string { return rapid.SampledFrom(from).Draw(t, label) }
	steps := rapid.IntRange(1, 30).Draw(t, "steps")
	then := rapid.IntRange(0, 30).Draw(t, "then")
	var old past
	for step := range steps {
		if step == then {
			old = past{w.now, wanted(m, all)}
			w.now = w.now.Add(time.Second)
		}
		w.now = w.now.Add(time.Duration(rapid.IntRange(0, 10).Draw(t, "seconds")) * time.Second)
		switch what := rapid.IntRange(0, 9).Draw(t, "what"); {
		case what < 2 || len(all) == 0:
			client := pick(clients, "client")
			l, err := w.issue(mint.Letter{
				Audience: narrowcast.MustAudience(pick(audiences, "audience")), Subject: narrowcast.Subject("spiffe://" + client),
				Client: narrowcast.ClientID(client), Task: rapid.SampledFrom(tasks).Draw(t, "task"),
			}, rapid.SampledFrom([]narrowcast.KeyID{"k1", "k2"}).Draw(t, "kid"), nil)
			if err == nil {
				all = append(all, l)
			} else if !errors.Is(err, store.ErrEnded) {
				t.Fatal(err)
			}
		case what < 6:
			parent := rapid.SampledFrom(all).Draw(t, "parent")
			if depth(parent) >= narrowcast.MaxActors {
				continue
			}
			l, err := w.issue(w.letterFor(parent, pick(clients, "client"), pick(audiences, "audience")), rapid.SampledFrom([]narrowcast.KeyID{"k1", "k2"}).Draw(t, "kid"), parent)
			if err == nil {
				all = append(all, l)
			} else if !errors.Is(err, store.ErrEnded) && !errors.Is(err, store.ErrRevoked) {
				t.Fatal(err)
			}
		case what == 6:
			victim := rapid.SampledFrom(all).Draw(t, "victim").facts.ID
			w.revoke(revocation.OfToken, victim)
			m.tokens[victim] = true
		case what == 7:
			b := broad{before: w.now.Add(5 * time.Second)}
			switch b.kind = pick([]string{revocation.OfClient, revocation.OfResource, revocation.OfKey}, "kind"); b.kind {
			case revocation.OfClient:
				b.id = pick(clients, "client")
			case revocation.OfResource:
				b.id = pick(audiences, "audience")
			default:
				b.id = pick([]string{"k1", "k2"}, "kid")
			}
			w.revoke(b.kind, b.id)
			m.broad = append(m.broad, b)
		case what == 8:
			id := rapid.SampledFrom(tasks[1:]).Draw(t, "task")
			w.step(t, m, id, rapid.SampledFrom([]event.Type{event.TaskPaused, event.TaskResumed, event.TaskEnded}).Draw(t, "change"))
		default:
			must(t, w.log.CatchUp(context.Background()))
			must(t, w.log.CatchUpPlaces(context.Background()))
			a := pick(audiences, "follower")
			messages, at := stream(t, w.log, a, places[a])
			setOf(t, sets[a], messages)
			places[a] = at.Position
		}
	}
	w.compare(t, m, all, sets, places)
	w.comparePlaces(t, wanted(m, all), old)
}

func depth(l *letter) int {
	n := 0
	for p := l; p != nil; p = p.parent {
		n++
	}
	return n
}

func (w *world) step(t *rapid.T, m *truth, id narrowcast.TaskID, what event.Type) {
	if m.tasks[string(id)] == narrowcast.TaskEnded {
		return
	}
	state := map[event.Type]store.TaskState{event.TaskPaused: store.TaskPaused, event.TaskResumed: store.TaskRunning, event.TaskEnded: store.TaskEnded}[what]
	must(t, w.change(id, what, state))
	m.tasks[string(id)] = map[event.Type]narrowcast.Reason{event.TaskPaused: narrowcast.TaskPaused, event.TaskEnded: narrowcast.TaskEnded}[what]
}

func (w *world) compare(t *rapid.T, m *truth, all []*letter, sets map[string]*feed.Set, places map[string]uint64) {
	other := w.replica()
	must(t, w.log.CatchUp(context.Background()))
	must(t, other.CatchUp(context.Background()))
	fresh := map[string]*feed.Set{}
	for a, set := range sets {
		messages, _ := stream(t, w.log, a, places[a])
		setOf(t, set, messages)
		one, _ := stream(t, w.log, a, 0)
		two, _ := stream(t, other, a, 0)
		if !slices.Equal(entriesOf(one), entriesOf(two)) {
			t.Fatalf("two replicas tell %s different things:\n%v\n%v", a, entriesOf(one), entriesOf(two))
		}
		fresh[a] = setOf(t, feed.NewSet(), two)
	}
	for _, l := range all {
		want := m.reason(l)
		a := l.token.Audience().String()
		got := fmt.Sprint(w.log.Check(l.token), other.Check(l.token), sets[a].Check(l.token), fresh[a].Check(l.token))
		if got != fmt.Sprint(want, want, want, want) {
			t.Fatalf("token of %s for %s, depth %d, task %q: want %v; here, in another replica, at a door all along, at a new door: %s",
				l.facts.Client, a, depth(l), l.facts.Task, want, got)
		}
	}
}
