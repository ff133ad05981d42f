package incident_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/incident"
)

// family keeps a chain of three, a sibling of the last, and a stranger:
// t1 (job) -> t2 (orch) -> t3 (data), t1 -> t4 (index).
func (s *scene) family() *scene {
	child := func(id, parent, client, audience string, actors ...narrowcast.Subject) {
		text := s.letter(func(l *mint.Letter) {
			l.ID, l.Client, l.Audience, l.Task = narrowcast.TokenID(id), narrowcast.ClientID(client), narrowcast.MustAudience(audience), "job-7"
			l.Parent, l.Actors = narrowcast.TokenID(parent), actors
			if parent != "" {
				l.Lineage = "t1"
			}
		})
		said, err := narrowcast.Inspect(text)
		must(s.t, err)
		kind := event.Exchanged
		if parent == "" {
			kind = event.Issued
		}
		s.keep(event.Event{Type: kind, Time: said.IssuedAt, Writer: "issuer/1", Token: event.TokenOf(said)})
	}
	child("t1", "", "checkout", "https://orch.example.test")
	child("t2", "t1", "orch", "https://data.example.test", "orch")
	child("t3", "t2", "data", pay, "data", "orch")
	child("t4", "t1", "orch", crm, "orch")
	s.issued(s.letter(func(l *mint.Letter) { l.ID = "stranger" }))
	return s
}

func (s *scene) lineage(jti string) (map[string]string, incident.Lineage) {
	s.t.Helper()
	l, err := s.room.Lineage(context.Background(), jti)
	must(s.t, err)
	states := map[string]string{}
	var walk func(b *incident.Branch)
	walk = func(b *incident.Branch) {
		states[b.ID] = b.State
		for _, c := range b.Children {
			walk(c)
		}
	}
	walk(l.Root)
	return states, l
}

func TestLineageIsTheSameTreeFromEveryToken(t *testing.T) {
	s := open(t).family()
	for _, asked := range []string{"t1", "t2", "t3", "t4"} {
		states, l := s.lineage(asked)
		if len(states) != 4 || l.Tokens != 4 || l.Live != 4 || l.Root.ID != "t1" || len(l.Root.Children) != 2 ||
			l.Root.Children[0].Children[0].ID != "t3" || len(l.Loose) != 0 {
			t.Errorf("from %s: %v, %+v", asked, states, l)
		}
	}
	if states, l := s.lineage("stranger"); len(states) != 1 || l.Tokens != 1 {
		t.Errorf("%v", states)
	}
	if _, err := s.room.Lineage(t.Context(), "nobody"); !errors.Is(err, incident.ErrNoToken) {
		t.Errorf("a token that was never minted: %v", err)
	}
}

// What kills a token kills what came from it, and nothing else.
func TestLineageTellsWhatIsDead(t *testing.T) {
	dead := func(kind event.Type, v *event.Revocation, task *event.Task) func(*scene) {
		return func(s *scene) {
			s.keep(event.Event{Type: kind, Time: born.Add(30 * time.Second), Writer: "issuer/1", Revocation: v, Task: task})
		}
	}
	wide := func(kind, id string) func(*scene) {
		return dead(event.Revoked, &event.Revocation{Kind: kind, ID: id, Before: born.Add(30 * time.Second)}, nil)
	}
	const live, revoked = "live", "revoked"
	for name, c := range map[string]struct {
		happen func(*scene)
		want   map[string]string
	}{
		"nothing":        {func(*scene) {}, map[string]string{"t1": live, "t2": live, "t3": live, "t4": live}},
		"the middle":     {dead(event.Revoked, &event.Revocation{Kind: "token", ID: "t2"}, nil), map[string]string{"t1": live, "t2": revoked, "t3": revoked, "t4": live}},
		"a leaf":         {dead(event.Revoked, &event.Revocation{Kind: "token", ID: "t4"}, nil), map[string]string{"t1": live, "t2": live, "t3": live, "t4": revoked}},
		"an actor":       {wide("party", "data"), map[string]string{"t1": live, "t2": live, "t3": revoked, "t4": live}},
		"the subject":    {wide("party", "checkout"), map[string]string{"t1": revoked, "t2": revoked, "t3": revoked, "t4": revoked}},
		"a resource":     {wide("resource", "https://data.example.test"), map[string]string{"t1": live, "t2": revoked, "t3": revoked, "t4": live}},
		"another key":    {wide("key", "k9"), map[string]string{"t1": live, "t2": live, "t3": live, "t4": live}},
		"the key":        {wide("key", "k1"), map[string]string{"t1": revoked, "t2": revoked, "t3": revoked, "t4": revoked}},
		"the task":       {dead(event.TaskEnded, nil, &event.Task{ID: "job-7", Outcome: "ended"}), map[string]string{"t1": "task_ended", "t2": "task_ended", "t3": "task_ended", "t4": "task_ended"}},
		"a pause":        {dead(event.TaskPaused, nil, &event.Task{ID: "job-7"}), map[string]string{"t1": "task_paused", "t2": "task_paused", "t3": "task_paused", "t4": "task_paused"}},
		"another's task": {dead(event.TaskEnded, nil, &event.Task{ID: "job-8"}), map[string]string{"t1": live, "t2": live, "t3": live, "t4": live}},
	} {
		s := open(t).family()
		c.happen(s)
		states, _ := s.lineage("t3")
		for id, want := range c.want {
			if states[id] != want {
				t.Errorf("%s: %s is %s, want %s", name, id, states[id], want)
			}
		}
	}
	s := open(t).family()
	s.now = born.Add(time.Hour)
	if states, l := s.lineage("t1"); states["t3"] != "expired" || l.Live != 0 {
		t.Errorf("after an hour: %v", states)
	}
}

func TestLineageIsDrawnAsATree(t *testing.T) {
	s := open(t).family()
	_, l := s.lineage("t3")
	var out strings.Builder
	must(t, l.WriteText(&out))
	want := `checkout asked first, as checkout
└─ t1  for https://orch.example.test
        held by checkout, scope charge, task job-7
        2027-01-15T08:00:00Z to 2027-01-15T08:05:00Z, live
   ├─ t2  for https://data.example.test
   │       held by orch, acting for checkout, scope charge, task job-7
   │       2027-01-15T08:00:00Z to 2027-01-15T08:05:00Z, live
   │  └─ t3  for https://pay.example.test  <- asked
   │          held by data, acting for checkout, scope charge, task job-7
   │          2027-01-15T08:00:00Z to 2027-01-15T08:05:00Z, live
   └─ t4  for https://crm.example.test
           held by orch, acting for checkout, scope charge, task job-7
           2027-01-15T08:00:00Z to 2027-01-15T08:05:00Z, live

4 of 4 tokens live at 2027-01-15T08:01:00Z
`
	if out.String() != want {
		t.Errorf("%s", out.String())
	}
}
