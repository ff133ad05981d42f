package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

func wantTask(t *testing.T, s store.Tasks, want store.Task) {
	t.Helper()
	got, err := s.Task(context.Background(), want.ID)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("task %s: %v\n got %+v\nwant %+v", want.ID, err, got, want)
	}
}

func taskIDs(tasks []store.Task) string {
	var ids []string
	for _, t := range tasks {
		ids = append(ids, string(t.ID))
	}
	return strings.Join(ids, " ")
}

func wantTasks(t *testing.T, s store.Tasks, q store.TaskQuery, want string) {
	t.Helper()
	tasks, err := s.FindTasks(context.Background(), q)
	if got := taskIDs(tasks); err != nil || got != want {
		t.Errorf("FindTasks(%+v): %q, %v; want %q", q, got, err, want)
	}
}

// tasksAreKept: with their records, in versions that follow each other, and not
// beyond their end.
func tasksAreKept(t *testing.T, b *bench) {
	if _, err := b.store.Task(context.Background(), "a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no task: %v", err)
	}
	early := task("a")
	early.Version = 2
	wantRefused(t, "not the first", b.store, keeping("early", early), store.ErrConflict)
	east := task("a")
	east.Opened = dayOne.In(time.FixedZone("east", 3*3600))
	mustKeep(t, b.store, east)
	wantTask(t, b.store, task("a"))
	full := task("a-retry")
	full.Parent, full.RetryOf, full.Attempt, full.Resources = "top", "a", 2, nil
	mustKeep(t, b.store, full)
	wantTask(t, b.store, full)

	paused := turned(task("a"), store.TaskPaused)
	mustKeep(t, b.store, paused)
	wantRefused(t, "the same version", b.store, keeping("x", turned(task("a"), store.TaskEnded)), store.ErrConflict)
	skipped := turned(paused, store.TaskRunning)
	skipped.Version++
	wantRefused(t, "a version too many", b.store, keeping("y", skipped), store.ErrConflict)
	once := store.Once{Space: "s", ID: "x", Until: dayOne.Add(time.Hour)}
	mustAppend(t, b.store, entry(bare("w", "used"), once))
	e := keeping("z", turned(paused, store.TaskEnded))
	e.Once = []store.Once{once}
	wantRefused(t, "a used id", b.store, e, store.ErrUsed)
	wantTask(t, b.store, paused)
	ended := mustKeep(t, b.store, turned(paused, store.TaskEnded))
	wantRefused(t, "the end is the end", b.store, keeping("v", turned(ended, store.TaskRunning)), store.ErrEnded)
	wantTask(t, b.store, ended)
	checkIntact(t, b.store, 5)
}

func badTasksAreRefused(t *testing.T, b *bench) {
	for name, spoil := range map[string]func(*store.Task){
		"no id":         func(t *store.Task) { t.ID = "" },
		"odd id":        func(t *store.Task) { t.ID = "ü" },
		"odd parent":    func(t *store.Task) { t.Parent = "\n" },
		"own parent":    func(t *store.Task) { t.Parent = t.ID },
		"no client":     func(t *store.Task) { t.Client = "" },
		"no state":      func(t *store.Task) { t.State = "" },
		"no version":    func(t *store.Task) { t.Version = 0 },
		"no lease":      func(t *store.Task) { t.Lease = time.Time{} },
		"no deadline":   func(t *store.Task) { t.Deadline = time.Time{} },
		"far deadline":  func(t *store.Task) { t.Deadline = time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"no lease time": func(t *store.Task) { t.LeaseFor = 0 },
		"not UTF-8":     func(t *store.Task) { t.Label = "\xff" },
		"too long":      func(t *store.Task) { t.Label = strings.Repeat("x", store.MaxTaskBytes) },
		"half an end":   func(t *store.Task) { t.State = store.TaskEnded },
		"too early end": func(t *store.Task) { t.Ended = dayOne },
	} {
		bad := task("a")
		spoil(&bad)
		if _, err := b.store.Append(context.Background(), keeping("bad", bad)); err == nil {
			t.Errorf("%s: was appended", name)
		}
	}
	many := make([]narrowcast.TaskID, store.MaxOnce+1)
	manyIDs := make([]store.Once, store.MaxOnce+1)
	for i := range many {
		many[i], manyIDs[i] = "a", store.Once{Space: "s", ID: "x"}
	}
	for name, e := range map[string]store.Entry{
		"many tasks": within("bad", many...), "no task id": within("bad", ""),
		"many ids": unless("bad", manyIDs...), "no space": unless("bad", store.Once{ID: "x"}),
	} {
		if _, err := b.store.Append(context.Background(), e); err == nil || errors.Is(err, store.ErrEnded) || errors.Is(err, store.ErrRevoked) {
			t.Errorf("%s: %v", name, err)
		}
	}
	good := keeping("good", task("a"))
	good.Unless = manyIDs[1:]
	mustAppend(t, b.store, good)
	mustAppend(t, b.store, within("good", many[1:]...))
}

func leaseIsRenewed(t *testing.T, b *bench) {
	ctx := context.Background()
	a := mustKeep(t, b.store, task("a"))
	now := dayOne.Add(5 * time.Second)
	renew := func(id narrowcast.TaskID, holder string, now, until time.Time) error {
		_, err := b.store.Renew(ctx, id, holder, now, until)
		return err
	}
	for name, c := range map[string]struct{ got, want error }{
		"no task":        {renew("b", "key-1", now, now.Add(time.Minute)), store.ErrNotFound},
		"another holder": {renew("a", "key-2", now, now.Add(time.Minute)), store.ErrEnded},
		"no holder":      {renew("a", "", now, now.Add(time.Minute)), store.ErrEnded},
		"ran out":        {renew("a", "key-1", a.Lease, a.Lease.Add(time.Minute)), store.ErrEnded},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
	wantTask(t, b.store, a)
	for _, step := range []struct{ until, want time.Time }{
		{now.Add(10 * time.Second), now.Add(10 * time.Second)},
		{now.Add(time.Second), now.Add(10 * time.Second)}, // never backwards
		{now.Add(10*time.Second + 1), now.Add(10*time.Second + 1)},
	} {
		a.Lease, a.Version = step.want, a.Version+1
		got, err := b.store.Renew(ctx, "a", "key-1", now, step.until)
		if err != nil || !reflect.DeepEqual(got, a) {
			t.Errorf("Renew: %v\n got %+v\nwant %+v", err, got, a)
		}
		wantTask(t, b.store, a)
	}
	a = mustKeep(t, b.store, turned(a, store.TaskPaused))
	if err := renew("a", "key-1", now, now.Add(time.Minute)); err != nil {
		t.Errorf("a paused task: %v", err)
	}
	a.Version, a.Lease = a.Version+1, now.Add(time.Minute)
	b.close(t)
	b.open(t)
	wantTask(t, b.store, a)
	mustKeep(t, b.store, turned(a, store.TaskEnded))
	if err := renew("a", "key-1", now, now.Add(time.Hour)); !errors.Is(err, store.ErrEnded) {
		t.Errorf("an ended task: %v", err)
	}
	keeper := task("nobody's")
	keeper.Holder = ""
	mustKeep(t, b.store, keeper)
	if err := renew("nobody's", "", now, now.Add(time.Hour)); !errors.Is(err, store.ErrEnded) {
		t.Errorf("nobody renewed: %v", err)
	}
	checkIntact(t, b.store, 4) // renewals leave no record
}

// tasksAreFound on a shelf of seven, opened in the order d c b a, child …
func tasksAreFound(t *testing.T, b *bench) {
	for i, id := range []narrowcast.TaskID{"d", "c", "b", "a"} {
		one := task(id)
		one.Opened, one.Lease = dayOne.Add(time.Duration(i)), dayOne.Add(time.Duration(i)*time.Minute)
		mustKeep(t, b.store, one)
	}
	other := task("late")
	other.Client, other.Opened, other.Deadline = "batch", dayOne.Add(time.Second), dayOne.Add(10*time.Second)
	other.Lease = dayOne.Add(time.Hour)
	mustKeep(t, b.store, other)
	child := task("child")
	child.Parent, child.Opened, child.Lease = "a", dayOne.Add(2*time.Second), dayOne.Add(time.Hour)
	mustKeep(t, b.store, child)
	orphan := child
	orphan.ID, orphan.Parent, orphan.Opened = "orphan", "never kept", dayOne.Add(3*time.Second)
	mustKeep(t, b.store, orphan)
	at := func(d time.Duration) time.Time { return dayOne.Add(d) }
	for _, c := range []struct {
		query store.TaskQuery
		want  string
	}{
		{store.TaskQuery{}, "d c b a late child orphan"},
		{store.TaskQuery{Limit: 2}, "d c"},
		{store.TaskQuery{Client: "batch"}, "late"},
		{store.TaskQuery{Client: "orch", Limit: 3}, "d c b"},
		{store.TaskQuery{Parent: "a"}, "child"},
		{store.TaskQuery{Parent: "a", Client: "batch"}, ""},
		{store.TaskQuery{Due: at(-1)}, "orphan"},
		{store.TaskQuery{Due: at(0)}, "d orphan"},
		{store.TaskQuery{Due: at(10*time.Second - 1)}, "d orphan"},
		{store.TaskQuery{Due: at(10 * time.Second)}, "d late orphan"},
		{store.TaskQuery{Due: at(2 * time.Minute)}, "d c b late orphan"},
		{store.TaskQuery{Due: at(2 * time.Minute), Limit: 2}, "d c"},
		{store.TaskQuery{Due: at(2 * time.Minute), Client: "batch"}, "late"},
	} {
		wantTasks(t, b.store, c.query, c.want)
	}
	for _, id := range []narrowcast.TaskID{"a", "d"} {
		last, err := b.store.Task(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		mustKeep(t, b.store, turned(last, store.TaskEnded))
	}
	wantTasks(t, b.store, store.TaskQuery{Live: true}, "c b late child orphan")
	wantTasks(t, b.store, store.TaskQuery{Client: "orch", Live: true, Limit: 2}, "c b")
	wantTasks(t, b.store, store.TaskQuery{}, "d c b a late child orphan")
	wantTasks(t, b.store, store.TaskQuery{Due: at(0)}, "child orphan")
	wantTasks(t, b.store, store.TaskQuery{Due: at(time.Minute)}, "c late child orphan")
	wantTasks(t, b.store, store.TaskQuery{Parent: "a", Live: true, Due: at(0)}, "child")
}

func endedTasksAreDropped(t *testing.T, b *bench) {
	ctx := context.Background()
	for i := range 5 {
		one := mustKeep(t, b.store, task(narrowcast.TaskID(fmt.Sprint("t", i))))
		if i == 4 {
			break // it lasts
		}
		last := turned(one, store.TaskEnded)
		last.Ended = dayOne.Add(time.Duration(4-i) * time.Minute)
		mustKeep(t, b.store, last)
	}
	for _, step := range []struct {
		before      time.Duration
		limit, want int
		left        string
	}{
		{time.Minute, 10, 0, "t0 t1 t2 t3 t4"},
		{time.Hour, 0, 0, "t0 t1 t2 t3 t4"},
		{time.Minute + 1, 10, 1, "t0 t1 t2 t4"},
		{time.Hour, 2, 2, "t0 t4"},
		{time.Hour, 10, 1, "t4"},
		{time.Hour, 10, 0, "t4"},
	} {
		n, err := b.store.DropTasks(ctx, dayOne.Add(step.before), step.limit)
		if err != nil || n != step.want {
			t.Errorf("DropTasks(%v, %d): %d, %v; want %d", step.before, step.limit, n, err, step.want)
		}
		wantTasks(t, b.store, store.TaskQuery{}, step.left)
	}
	if _, err := b.store.Task(ctx, "t0"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a dropped task: %v", err)
	}
	wantRefused(t, "within a dropped task", b.store, within("x", "t0"), store.ErrEnded)
}
