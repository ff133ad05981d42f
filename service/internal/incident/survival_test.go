package incident_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/incident"
)

// allowing takes every use for the first one.
type allowing struct{}

func (allowing) Use(context.Context, *narrowcast.Token) narrowcast.Reason { return 0 }

// The tokens of these tests live for another four minutes, and clocks may be
// behind by one.
func TestSurvival(t *testing.T) {
	stale := func(when string) func(*scene) {
		return func(s *scene) {
			s.room.Doors[1].Stale.After = 10 * time.Second
			s.room.Doors[1].Stale.When = "accept"
			if when == "refuse" {
				s.room.Doors[1].Stale.When = "refuse"
			}
		}
	}
	task := func(l *mint.Letter) { l.Task = "job-7" }
	opened := event.Event{Type: event.TaskOpened, Time: born, Writer: "tasks", Task: &event.Task{ID: "job-7", Lease: 10 * time.Second}}
	for name, c := range map[string]struct {
		scene func(*scene)
		edit  func(*mint.Letter)
		want  string
	}{
		"refuses when stale":   {scene: stale("refuse"), want: `{"connected":2,"stale":10,"offline":300}`},
		"accepts when stale":   {scene: stale("accept"), want: `{"connected":2,"stale":300,"offline":300}`},
		"in a task":            {scene: func(s *scene) { stale("refuse")(s); s.keep(opened) }, edit: task, want: `{"connected":12,"stale":20,"offline":300}`},
		"in an unknown task":   {scene: stale("refuse"), edit: task, want: `{"offline":300,"depends_on":"the lease of its task`},
		"an unknown resource":  {scene: func(s *scene) { s.room.Doors = nil }, want: `{"connected":2,"offline":300,"depends_on":"how old news`},
		"almost at its end":    {scene: func(s *scene) { stale("refuse")(s); s.now = born.Add(6*time.Minute - 1500*time.Millisecond) }, want: `{"connected":2,"stale":2,"offline":2}`},
		"in its last instant":  {scene: func(s *scene) { stale("refuse")(s); s.now = born.Add(6*time.Minute - time.Millisecond) }, want: `{"connected":1,"stale":1,"offline":1}`},
		"when it is long over": {scene: func(s *scene) { stale("refuse")(s); s.now = born.Add(time.Hour) }, want: `{"connected":0,"stale":0,"offline":0}`},
	} {
		s := open(t)
		c.scene(s)
		if c.edit == nil {
			c.edit = func(*mint.Letter) {}
		}
		text := s.letter(c.edit)
		i, err := incident.Inspect(t.Context(), text, s.room.Keys, s.now)
		must(t, err)
		if i.Survival == nil || i.Survival.Connected != nil || i.Survival.Offline == nil || !strings.Contains(i.Survival.Depends, "what its issuer knows") {
			t.Errorf("%s: by the token alone: %+v", name, i.Survival)
		}
		must(t, s.room.Survival(t.Context(), &i))
		got, err := json.Marshal(i.Survival)
		must(t, err)
		if !strings.HasPrefix(string(got), c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// What nobody vouched for is not completed, and what no verifier takes has none.
func TestSurvivalOfDoubtfulTokens(t *testing.T) {
	s := open(t)
	for name, c := range map[string]struct {
		text string
		keys narrowcast.KeySource
		want string
	}{
		"not verified": {s.letter(), nil, `{"offline":300,"depends_on":"what its issuer knows`},
		"forged":       {forge(s.letter()), s.room.Keys, "null"},
		"without end":  {s.written("at+jwt", `{"iss":"`+ours+`","aud":"`+pay+`","sub":"a","iat":1800000000}`), s.room.Keys, `{"depends_on":"the verifiers`},
		"control":      {s.letter(), s.room.Keys, `{"connected":2,`},
	} {
		i, err := incident.Inspect(t.Context(), c.text, c.keys, s.now)
		must(t, err)
		must(t, s.room.Survival(t.Context(), &i))
		if got, _ := json.Marshal(i.Survival); !strings.HasPrefix(string(got), c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
