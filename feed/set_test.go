package feed_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/feed"
)

var noon = time.Unix(1_800_000_000, 0).UTC()

func mustAdd(t testing.TB, s *feed.Set, e feed.Entry) bool {
	t.Helper()
	changed, err := s.Add(e)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

// TestWhatEachKindIsAbout: an entry kills what it names and nothing beside it.
func TestWhatEachKindIsAbout(t *testing.T) {
	token := tokenOf(t, map[string]any{"task": "job-1", "act": map[string]any{"sub": "orch", "act": map[string]any{"sub": "bot"}}})
	until, before, early := soon(noon), noon, noon.Add(-time.Second)
	entry := func(kind feed.Kind, id string, state feed.State, before time.Time) feed.Entry {
		return feed.Entry{Number: 1, Kind: kind, ID: id, State: state, Before: before, Until: until}
	}
	for name, c := range map[string]struct {
		entry feed.Entry
		want  narrowcast.Reason
	}{
		"token":               {revoked(1, "t-1", until), narrowcast.Revoked},
		"another token":       {revoked(1, "t-2", until), 0},
		"client":              {entry(feed.Party, "shop", feed.Revoked, before), narrowcast.Revoked},
		"subject":             {entry(feed.Party, "checkout", feed.Revoked, before), narrowcast.Revoked},
		"actor":               {entry(feed.Party, "orch", feed.Revoked, before), narrowcast.Revoked},
		"actor before":        {entry(feed.Party, "bot", feed.Revoked, before), narrowcast.Revoked},
		"client earlier":      {entry(feed.Party, "shop", feed.Revoked, early), 0},
		"another party":       {entry(feed.Party, "t-1", feed.Revoked, before), 0},
		"resource":            {entry(feed.Resource, pay, feed.Revoked, before), narrowcast.Revoked},
		"resource with slash": {entry(feed.Resource, pay+"/", feed.Revoked, before), narrowcast.Revoked},
		"resource earlier":    {entry(feed.Resource, pay, feed.Revoked, early), 0},
		"another resource":    {entry(feed.Resource, crm, feed.Revoked, before), 0},
		"key":                 {entry(feed.Key, "k1", feed.Revoked, before), narrowcast.Revoked},
		"another key":         {entry(feed.Key, "k2", feed.Revoked, before), 0},
		"task ended":          {entry(feed.Task, "job-1", feed.Ended, time.Time{}), narrowcast.TaskEnded},
		"task paused":         {entry(feed.Task, "job-1", feed.Paused, time.Time{}), narrowcast.TaskPaused},
		"task lives":          {entry(feed.Task, "job-1", feed.Lives, time.Time{}), 0},
		"another task":        {entry(feed.Task, "job-2", feed.Ended, time.Time{}), 0},
	} {
		s := feed.NewSet()
		if s.Check(token) != 0 {
			t.Fatal("control: dead in an empty set")
		}
		if !mustAdd(t, s, c.entry) || mustAdd(t, s, c.entry) {
			t.Errorf("%s: did not change, or changed twice", name)
		}
		if got := s.Check(token); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	var zero feed.Set
	if _, err := zero.Add(revoked(1, "t-1", until)); err == nil || zero.Check(token) != narrowcast.Stale {
		t.Error("the zero set takes part")
	}
}

func TestTheHigherNumberOfATaskCountsAndItsEndIsFinal(t *testing.T) {
	token := tokenOf(t, map[string]any{"task": "job-1"})
	s := feed.NewSet()
	for i, step := range []struct {
		number uint64
		state  feed.State
		want   narrowcast.Reason
	}{
		{5, feed.Paused, narrowcast.TaskPaused},
		{4, feed.Lives, narrowcast.TaskPaused}, // comes late
		{6, feed.Lives, 0},
		{5, feed.Paused, 0}, // comes again
		{7, feed.Paused, narrowcast.TaskPaused},
		{9, feed.Ended, narrowcast.TaskEnded},
		{10, feed.Lives, narrowcast.TaskEnded},
	} {
		mustAdd(t, s, feed.Entry{Number: step.number, Kind: feed.Task, ID: "job-1", State: step.state, Until: soon(noon)})
		if got := s.Check(token); got != step.want {
			t.Errorf("step %d: %d, want %d", i, got, step.want)
		}
	}
}

// TestAnEarlierBeforeTakesNothingBack, whatever its number.
func TestAnEarlierBeforeTakesNothingBack(t *testing.T) {
	token := tokenOf(t, nil)
	s := feed.NewSet()
	party := feed.Entry{Number: 1, Kind: feed.Party, ID: "shop", State: feed.Revoked, Before: noon, Until: soon(noon)}
	mustAdd(t, s, party)
	party.Number, party.Before = 2, noon.Add(-time.Hour)
	if mustAdd(t, s, party); s.Check(token) != narrowcast.Revoked {
		t.Error("a token came to life")
	}
}

func TestEntriesThatAreNotUnderstoodAreRefused(t *testing.T) {
	good := feed.Entry{Number: 1, Kind: feed.Party, ID: "shop", State: feed.Revoked, Before: noon, Until: noon}
	if _, err := feed.NewSet().Add(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*feed.Entry){
		"number": func(e *feed.Entry) { e.Number = 0 }, "kind": func(e *feed.Entry) { e.Kind = "colour" },
		"no kind": func(e *feed.Entry) { e.Kind = "" }, "id": func(e *feed.Entry) { e.ID = "" },
		"long id": func(e *feed.Entry) { e.ID = string(make([]byte, feed.MaxID+1)) }, "utf-8": func(e *feed.Entry) { e.ID = "\xff" },
		"state": func(e *feed.Entry) { e.State = "odd" }, "of a task": func(e *feed.Entry) { e.State = feed.Paused },
		"before": func(e *feed.Entry) { e.Before = time.Time{} }, "until": func(e *feed.Entry) { e.Until = time.Time{} },
		"of a party": func(e *feed.Entry) { e.Kind = feed.Task },
	} {
		bad := good
		change(&bad)
		if _, err := feed.NewSet().Add(bad); err == nil {
			t.Errorf("%s: taken", name)
		}
		if _, err := bad.Append(nil); err == nil {
			t.Errorf("%s: written", name)
		}
	}
}

// TestTheSetIsExact compares with a plain map through adds, repeats and the passing
// of time, with ids of any form.
func TestTheSetIsExact(t *testing.T) {
	const n = 60_000
	random := rand.New(rand.NewPCG(1, 2))
	s, want := feed.NewSet(), map[string]int{}
	id := func(i int) string { return fmt.Sprintf("%x:é/%d", i*7919, i) }
	for range 2 * n {
		i, life := random.IntN(n), 1+random.IntN(1000)
		_, known := want[id(i)]
		if changed := mustAdd(t, s, revoked(1, id(i), noon.Add(time.Duration(life)*time.Second))); changed == known {
			t.Fatalf("id %d: changed is %t", i, changed)
		}
		want[id(i)] = max(want[id(i)], life)
	}
	compare := func(passed int) {
		t.Helper()
		left := 0
		for _, life := range want {
			if life >= passed {
				left++
			}
		}
		if s.Len(feed.Token) != left {
			t.Errorf("after %d s: %d ids, want %d", passed, s.Len(feed.Token), left)
		}
		for i := 0; i < n; i += 31 {
			life, known := want[id(i)]
			if got := s.Check(tokenWith(t, id(i))); (got == narrowcast.Revoked) != (known && life >= passed) {
				t.Fatalf("after %d s: id %d is %d", passed, i, got)
			}
		}
	}
	compare(0)
	for range 70 {
		s.Forget(noon.Add(500 * time.Second))
	}
	compare(500)
	for range 70 {
		s.Forget(noon.Add(time.Hour))
	}
	if s.Len(feed.Token) != 0 {
		t.Errorf("%d ids are left", s.Len(feed.Token))
	}
}

func TestWhatHasEndedIsForgotten(t *testing.T) {
	s := feed.NewSet()
	const n = 10_000
	for i := range n {
		mustAdd(t, s, feed.Entry{Number: 1, Kind: feed.Task, ID: fmt.Sprint(i), State: feed.Ended, Until: noon.Add(time.Duration(i%60) * time.Second)})
		mustAdd(t, s, feed.Entry{Number: 1, Kind: feed.Party, ID: fmt.Sprint(i), State: feed.Revoked, Before: noon, Until: noon.Add(time.Hour)})
	}
	longer := feed.Entry{Number: 2, Kind: feed.Task, ID: "7", State: feed.Ended, Until: noon.Add(time.Hour)}
	mustAdd(t, s, longer)
	if s.Forget(noon); s.Len(feed.Task) != n {
		t.Errorf("%d of %d are left before their time", s.Len(feed.Task), n)
	}
	for range 4 {
		s.Forget(noon.Add(2 * time.Minute))
	}
	if s.Len(feed.Task) != 1 || s.Len(feed.Party) != n {
		t.Errorf("%d tasks and %d parties are left", s.Len(feed.Task), s.Len(feed.Party))
	}
	if s.Check(tokenOf(t, map[string]any{"task": "7"})) != narrowcast.TaskEnded {
		t.Error("an entry that was prolonged is forgotten")
	}
}
