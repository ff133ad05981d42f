package storetest

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// furnishTasks keeps more tasks than a page holds, in every state, and renews a
// lease.
func furnishTasks(t *testing.T, b *bench) {
	t.Helper()
	for i := range 600 {
		one := task(narrowcast.TaskID(fmt.Sprintf("t%03d", i)))
		if i > 0 {
			one.Parent = "t000"
		}
		mustKeep(t, b.store, one)
	}
	mustKeep(t, b.store, turned(task("t001"), store.TaskPaused))
	mustKeep(t, b.store, turned(mustKeep(t, b.store, task("ended")), store.TaskEnded))
	if _, err := b.store.Renew(context.Background(), "t002", "key-1", dayOne, dayOne.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
}

func wantSameTasks(t *testing.T, from, to store.Tasks) {
	t.Helper()
	for name, q := range map[string]store.TaskQuery{
		"all": {}, "live": {Live: true}, "due": {Due: dayOne.Add(time.Minute)}, "of a parent": {Parent: "t000"}, "of a client": {Client: "orch"},
	} {
		want, err := from.FindTasks(context.Background(), q)
		if err != nil || len(want) < 598 {
			t.Fatalf("tasks %s: %d, %v", name, len(want), err)
		}
		got, err := to.FindTasks(context.Background(), q)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("copied tasks %s: %d of %d, or another one, %v", name, len(got), len(want), err)
		}
	}
}
