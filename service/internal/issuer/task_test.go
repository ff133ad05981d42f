package issuer_test

import (
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// keep puts a task into the book.
func (w *works) keep(change func(*store.Task)) {
	w.t.Helper()
	task := store.Task{
		ID: "task-1", Client: "job", Holder: "key", State: store.TaskRunning, Resources: []string{orch}, Attempt: 1, Opened: w.now,
		Deadline: w.now.Add(2 * time.Minute), LeaseFor: 10 * time.Second, Lease: w.now.Add(10 * time.Second), Version: 1,
	}
	kept, err := w.book.Task(w.t.Context(), task.ID)
	if err == nil {
		task = kept
		task.Version++
	}
	change(&task)
	e := event.Event{
		Version: event.Version, ID: "task" + string(rune('0'+task.Version)), Type: event.TaskOpened, Time: w.now, Writer: "tasks", Sequence: task.Version,
		Task: &event.Task{ID: string(task.ID)},
	}
	if _, err := w.book.Append(w.t.Context(), store.Entry{Event: e, Task: &task}); err != nil {
		w.t.Fatal(err)
	}
}

func inTask(r *issuer.Request) { r.Task = "task-1" }

func ended(t *store.Task) {
	t.State, t.Outcome, t.Ended = store.TaskEnded, "ended", t.Opened.Add(time.Second)
}

func TestATokenLivesInItsTask(t *testing.T) {
	w := openWorks(t)
	w.keep(func(*store.Task) {})
	first := w.grant(asking("job", orch, inTask))
	if c := claims(t, first.Token); c.Task != "task-1" || first.ExpiresIn != 120 {
		t.Errorf("%+v, %d s", c, first.ExpiresIn)
	}
	if e := w.last(); e.Token.Task != "task-1" {
		t.Errorf("event = %+v", e.Token)
	}
	if s := first.Survival; s.Connected != 12*time.Second || s.Stale != 20*time.Second || s.Offline != 3*time.Minute {
		t.Errorf("survival = %+v", s)
	}
	// What comes of it is in the task too, whatever its resource.
	child := w.grant(exchanging("orch", first.Token, data))
	if c := claims(t, child.Token); c.Task != "task-1" || w.last().Token.Task != "task-1" {
		t.Errorf("child = %+v", c)
	}
	// Its time is over before a sweeper says so.
	for _, over := range []func(*store.Task){
		func(t *store.Task) { t.Lease = w.now },
		func(t *store.Task) { t.Lease, t.Deadline = w.now.Add(time.Second), w.now },
	} {
		w.keep(over)
		if _, err := w.Grant(t.Context(), exchanging("orch", first.Token, data)); ground(t, err) != issuer.TaskRefused {
			t.Error(err)
		}
	}
	w.keep(func(t *store.Task) { t.Deadline = w.now.Add(time.Minute) })
	w.grant(exchanging("orch", first.Token, data))
	w.keep(ended)
	if _, err := w.Grant(t.Context(), exchanging("orch", first.Token, data)); ground(t, err) != issuer.TaskRefused {
		t.Error(err)
	}
}

func TestTasksThatATokenCannotJoin(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*store.Task)
		edit   func(*issuer.Request)
		desk   func(*issuer.Config)
		want   issuer.Ground
	}{
		"control":          {want: 0},
		"unknown":          {edit: func(r *issuer.Request) { r.Task = "task-2" }, want: issuer.TaskRefused},
		"malformed":        {edit: func(r *issuer.Request) { r.Task = "task\n" }, want: issuer.TaskRefused},
		"another client's": {change: func(t *store.Task) { t.Client = "other" }, want: issuer.TaskRefused},
		"paused":           {change: func(t *store.Task) { t.State = store.TaskPaused }, want: issuer.TaskRefused},
		"ended":            {change: ended, want: issuer.TaskRefused},
		"another resource": {change: func(t *store.Task) { t.Resources = []string{data} }, want: issuer.TargetRefused},
		"any resource":     {change: func(t *store.Task) { t.Resources = nil }},
		"lease ran out":    {change: func(t *store.Task) { t.Lease = t.Opened }, want: issuer.TaskRefused},
		"no tasks":         {desk: func(c *issuer.Config) { c.Tasks = nil }, want: issuer.TaskRefused},
	} {
		t.Run(name, func(t *testing.T) {
			var desks []func(*issuer.Config)
			if c.desk != nil {
				desks = append(desks, c.desk)
			}
			w := openWorks(t, desks...)
			w.keep(func(*store.Task) {})
			if c.change != nil {
				w.keep(c.change)
			}
			r := asking("job", orch, inTask)
			if c.edit != nil {
				c.edit(&r)
			}
			_, err := w.Grant(t.Context(), r)
			switch {
			case c.want == 0:
				if err != nil {
					t.Error(err)
				}
			case ground(t, err) != c.want || w.last().Type != event.Refused:
				t.Errorf("%v, %+v", err, w.last())
			}
		})
	}
}

// A task that ends while the letter is written takes the letter along.
func TestATaskEndsInTheMeantime(t *testing.T) {
	w := openWorks(t)
	w.keep(func(*store.Task) {})
	first := w.grant(asking("job", orch, inTask))
	w.before = func() { w.keep(ended) }
	if _, err := w.Grant(t.Context(), asking("job", orch, inTask)); ground(t, err) != issuer.TaskRefused || w.last().Type != event.Refused {
		t.Error(err)
	}
	w = openWorks(t)
	w.keep(func(*store.Task) {})
	first = w.grant(asking("job", orch, inTask))
	w.before = func() { w.keep(ended) }
	if _, err := w.Grant(t.Context(), exchanging("orch", first.Token, data)); ground(t, err) != issuer.SubjectTokenRefused || w.last().Type != event.Refused {
		t.Error(err)
	}
}

// Nobody takes a token out of its task.
func TestAnExchangeStaysInItsTask(t *testing.T) {
	w := openWorks(t)
	w.keep(func(*store.Task) {})
	first := w.grant(asking("job", orch, inTask))
	_, err := w.Grant(t.Context(), exchanging("orch", first.Token, data, func(r *issuer.Request) { r.Task = "task-2" }))
	if ground(t, err) != issuer.TaskRefused {
		t.Error(err)
	}
	w.grant(exchanging("orch", first.Token, data, inTask))
	free := w.grant(asking("job", orch))
	if _, err := w.Grant(t.Context(), exchanging("orch", free.Token, data, inTask)); ground(t, err) != issuer.TaskRefused {
		t.Errorf("the orchestrator put its token into the job's task: %v", err)
	}
}

func TestSurvivalOfAPlainToken(t *testing.T) {
	w := openWorks(t)
	if s := w.grant(asking("job", orch)).Survival; s.Connected != 2*time.Second || s.Stale != 10*time.Second || s.Offline != 6*time.Minute {
		t.Errorf("survival = %+v", s)
	}
	if s := w.grant(asking("job", orch, func(r *issuer.Request) { r.Lifetime = "1" })).Survival; s.Connected != 2*time.Second || s.Offline != 61*time.Second {
		t.Errorf("survival = %+v", s)
	}
}

// A resource that demands a status list gets no token without a place in one.
func TestNoPlaceInAStatusList(t *testing.T) {
	w := openWorks(t, func(c *issuer.Config) { c.Status = nil })
	if _, err := w.Grant(t.Context(), asking("other", data)); ground(t, err) != issuer.Unavailable || !strings.Contains(err.Error(), "status list") {
		t.Error(err)
	}
	w.grant(asking("job", orch))
}
