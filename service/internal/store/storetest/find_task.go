package storetest

import (
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// findByTask: an event is found under its own task, else under that of its token.
func findByTask(t *testing.T, b *bench) {
	opened := bare("issuer-1", "opened")
	opened.Type, opened.Task = event.TaskOpened, &event.Task{ID: "a"}
	within := issued("issuer-1", "within")
	within.Token.Task = "a"
	child := issued("issuer-1", "child")
	child.Type, child.Task = event.TaskOpened, &event.Task{ID: "b", Parent: "a"}
	child.Token.Task = "a"
	nameless := issued("issuer-1", "nameless")
	nameless.Task, nameless.Token.Task = &event.Task{}, "a"
	long, ended := strings.Repeat("ü", 800), bare("issuer-2", "ended")
	ended.Type, ended.Task = event.TaskEnded, &event.Task{ID: "a"}
	hearsay := issued("guard-1", "hearsay")
	hearsay.Token.Task = long
	for _, e := range []event.Event{opened, issued("issuer-1", "without"), within, child, nameless, hearsay, ended} {
		mustAppend(t, b.store, entry(e))
	}
	for _, c := range []struct {
		query store.Query
		want  []uint64
	}{
		{store.Query{Task: "a"}, []uint64{1, 3, 5, 7}},
		{store.Query{Task: "a", Newest: true, Limit: 2}, []uint64{7, 5}},
		{store.Query{Task: "a", After: 3}, []uint64{5, 7}},
		{store.Query{Task: "a", Types: []event.Type{event.TaskEnded, event.TaskOpened}}, []uint64{1, 7}},
		{store.Query{Task: "a", Writer: "issuer-2"}, []uint64{7}},
		{store.Query{Task: "a", Lineage: "lineage-within"}, []uint64{3}},
		{store.Query{Task: "b"}, []uint64{4}},
		{store.Query{Task: long}, []uint64{6}},
		{store.Query{Task: "A"}, nil},
		{store.Query{Types: []event.Type{event.TaskEnded, event.Revoked}, After: 6}, []uint64{7}},
		{store.Query{Types: []event.Type{event.TaskOpened}, After: 1}, []uint64{4}},
	} {
		wantNumbers(t, "task", find(t, b.store, c.query), c.want...)
	}
	checkIntact(t, b.store, 7)
}
