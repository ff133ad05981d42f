package revocation_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/revocation"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

func TestRevokingByEveryName(t *testing.T) {
	ring := newRing(t)
	for kind, c := range map[string]struct {
		id     func(root, child *letter) string
		tokens int
	}{
		revocation.OfToken:       {func(_, child *letter) string { return child.facts.ID }, 1},
		revocation.OfFingerprint: {func(root, _ *letter) string { return root.facts.Fingerprint.String() }, 2},
		revocation.OfLineage:     {func(_, child *letter) string { return child.facts.Lineage }, 2},
		revocation.OfTask:        {func(*letter, *letter) string { return "t1" }, 2},
		revocation.OfClient:      {func(*letter, *letter) string { return "a" }, 2},
		revocation.OfOwner:       {func(*letter, *letter) string { return "team" }, 2},
		revocation.OfResource:    {func(*letter, *letter) string { return pay }, 2},
		revocation.OfKey:         {func(*letter, *letter) string { return "k2" }, 2},
	} {
		w := newWorld(t, ring)
		must(t, w.change("t1", event.TaskOpened, store.TaskRunning))
		root, err := w.issue(mint.Letter{Audience: narrowcast.MustAudience(pay), Subject: "spiffe://a", Client: "a", Task: "t1"}, "k2", nil)
		must(t, err)
		child := w.exchange(root, "orch", crm)
		spared := w.root("other", crm)
		must(t, w.log.CatchUp(t.Context()))
		if w.log.Check(root.token) != 0 || w.log.Check(child.token) != 0 {
			t.Errorf("%s: control", kind)
		}
		answer := w.revoke(kind, c.id(root, child))
		if answer.Tokens != c.tokens || !slices.Contains(answer.Audiences, crm) || answer.Until.IsZero() || answer.Number() == 0 || answer.Already {
			t.Errorf("%s: %+v", kind, answer)
		}
		if w.log.Check(child.token) == 0 || w.log.Check(spared.token) != 0 || (w.log.Check(root.token) != 0) != (c.tokens == 2) {
			t.Errorf("%s: root %v, child %v, another %v", kind, w.log.Check(root.token), w.log.Check(child.token), w.log.Check(spared.token))
		}
	}
}

func TestRevokingTwiceTellsTheFirst(t *testing.T) {
	w := newWorld(t, newRing(t))
	must(t, w.change("t1", event.TaskOpened, store.TaskRunning))
	l, err := w.issue(mint.Letter{Audience: narrowcast.MustAudience(pay), Subject: "a", Client: "a", Task: "t1"}, "k1", nil)
	must(t, err)
	for kind, id := range map[string]string{revocation.OfToken: l.facts.ID, revocation.OfTask: "t1"} {
		first, second := w.revoke(kind, id), w.revoke(kind, id)
		if first.Already || !second.Already || first.Number() != second.Number() || second.Tokens != 1 {
			t.Errorf("%s: %+v, then %+v", kind, first, second)
		}
	}
}

func TestWhatCannotBeRevoked(t *testing.T) {
	w := newWorld(t, newRing(t))
	l := w.root("a", pay)
	w.now = w.now.Add(12 * time.Minute)
	for _, c := range []struct {
		kind, id string
		want     error
	}{
		{revocation.OfToken, "no-such-token", revocation.ErrUnknown},
		{revocation.OfToken, l.facts.ID, revocation.ErrOver},
		{revocation.OfTask, "no-such-task", revocation.ErrUnknown},
		{revocation.OfOwner, "nobody", revocation.ErrUnknown},
		{revocation.OfFingerprint, "abc", revocation.ErrRequest},
		{revocation.OfResource, "https://", revocation.ErrRequest},
		{revocation.OfToken, "", revocation.ErrRequest},
		{"everything", "x", revocation.ErrRequest},
	} {
		answer, err := w.desk.Revoke(t.Context(), revocation.Request{Kind: c.kind, ID: c.id, By: "ops"})
		if !errors.Is(err, c.want) || answer.Number() != 0 {
			t.Errorf("%s %q: %v, %+v", c.kind, c.id, err, answer)
		}
	}
	if _, err := w.desk.Revoke(t.Context(), revocation.Request{Kind: revocation.OfClient, ID: "a", Reason: strings.Repeat("x", 513)}); !errors.Is(err, revocation.ErrRequest) {
		t.Errorf("a long reason: %v", err)
	}
}

// seen is a report of a verifier.
func (w *world) seen(name, door string, position uint64, known bool) {
	v := &event.Verifier{Audience: door, Mode: event.Enforce}
	if known {
		v.Feed = &event.Feed{Position: position, AsOf: w.now, StaleAfter: 10 * time.Second, WhenStale: "refuse"}
	}
	_, err := w.keepAs(name, store.Entry{Event: event.Event{Type: event.VerifierSeen, Verifier: v}})
	must(w.t, err)
}

func (w *world) keepAs(writer string, e store.Entry) (store.Record, error) {
	w.n++
	e.Event.ID, e.Event.Writer, e.Event.Time, e.Event.Version = fmt.Sprint(w.n), writer, w.now, event.Version
	return w.book.Append(context.Background(), e)
}

func TestNobodyIsCountedWhoDidNotSaySo(t *testing.T) {
	w := newWorld(t, newRing(t))
	l := w.root("a", pay)
	must(t, w.log.CatchUp(t.Context()))
	w.seen("early", pay, 1, true)
	w.seen("blind", pay, 0, false)
	w.seen("elsewhere", crm, 1, true)
	w.seen("gone", pay, 1, true)
	w.seen("liar", pay, 1000, true)
	n := w.revoke(revocation.OfToken, l.facts.ID).Number()
	_, err := w.keepAs("gone", store.Entry{Event: event.Event{Type: event.VerifierLeft, Expected: pay}})
	must(t, err)
	ask := func() revocation.Confirmation {
		t.Helper()
		c, err := w.desk.Confirmations(t.Context(), n)
		must(t, err)
		return c
	}
	standings := func(c revocation.Confirmation) string {
		var all []string
		for _, v := range c.Verifiers {
			all = append(all, v.Name+" "+string(v.Standing))
		}
		return strings.Join(all, ", ")
	}
	if c := ask(); c.Confirmed != 0 || c.Of != 3 || c.Done || standings(c) != "blind unfed, early waiting, liar waiting" {
		t.Errorf("%+v: %s", c, standings(c))
	}
	w.now = w.now.Add(time.Second)
	heard := w.now
	w.seen("early", pay, n-1, true)
	if c := ask(); c.Confirmed != 0 {
		t.Errorf("one record short: %s", standings(c))
	}
	w.seen("early", pay, n, true)
	w.seen("liar", pay, n+3, true)
	if c := ask(); c.Confirmed != 2 || c.Done || !c.Verifiers[1].ConfirmedAt.Equal(heard) {
		t.Errorf("%+v", c)
	}
	w.seen("blind", pay, n, true)
	if c := ask(); c.Confirmed != 3 || !c.Done {
		t.Errorf("%+v", c)
	}
	// Who lost what he knew has confirmed nothing.
	w.seen("early", pay, 0, true)
	if c := ask(); c.Confirmed != 2 || c.Done {
		t.Errorf("after a loss: %+v", c)
	}
	w.now = w.now.Add(4 * time.Minute)
	if c := ask(); standings(c) != "blind confirmed, early silent, liar confirmed" {
		t.Errorf("%s", standings(c))
	}
	w.now = w.now.Add(10 * time.Minute)
	if c := ask(); !c.Done || c.Confirmed != 2 {
		t.Errorf("after the end of the tokens: %+v", c)
	}
	if c, err := w.desk.Confirmations(t.Context(), 1); !errors.Is(err, revocation.ErrUnknown) {
		t.Errorf("a record of another kind: %+v, %v", c, err)
	}
}

func TestNoVerifierIsKnown(t *testing.T) {
	w := newWorld(t, newRing(t))
	n := w.revoke(revocation.OfToken, w.root("a", pay).facts.ID).Number()
	c, err := w.desk.Confirmations(t.Context(), n)
	if err != nil || c.Of != 0 || c.Done || c.Note != "no verifier is known for "+pay {
		t.Errorf("%+v, %v", c, err)
	}
}
