//go:build !fast

package postgres

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// What was in the book before tasks were is found by them, and fits: the second
// step of the schema is taken back and taken again.
func TestOldBookIsFoundByTask(t *testing.T) {
	ctx := context.Background()
	s := insideStore(t)
	long := strings.Repeat("ü", 300)
	for i, task := range []string{"", "a", "b \"<&>\\", "a", `"task":"z"`, long} {
		e := event.Event{
			ID: string(rune('k' + i)), Writer: "w", Type: event.Rejected, Time: time.Unix(1, 0),
			Detail: "\"task\":\"d\"", Token: &event.Token{ID: "j", Task: task},
		}
		if i%3 == 1 { // beside a zero byte, names that need no unescaping
			e.Detail += "\x00"
		}
		if _, err := s.Append(ctx, store.Entry{Event: e}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.pool.Exec(ctx, "ALTER TABLE book DROP COLUMN task"); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{"DROP TABLE tasks", "DELETE FROM narrowcast_migrations WHERE number = 2"} {
		if _, err := s.pool.Exec(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	again, err := Open(ctx, s.config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.Close() })
	if records, broken, err := again.CheckChain(ctx); records != 6 || broken != 0 || err != nil {
		t.Errorf("CheckChain: %d, %d, %v", records, broken, err)
	}
	for task, want := range map[string]int{"a": 2, "b \"<&>\\": 1, `"task":"z"`: 1, long: 1, "d": 0} {
		count := 0
		for range again.Find(ctx, store.Query{Task: task}) {
			count++
		}
		if count != want {
			t.Errorf("task %q: %d records, want %d", task, count, want)
		}
	}
	if _, err := again.pool.Exec(ctx, "UPDATE book SET task = 'x'"); err == nil {
		t.Error("the book can be changed")
	}
}
