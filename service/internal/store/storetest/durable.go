package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

func reopenKeepsEverything(t *testing.T, b *bench) {
	ctx := context.Background()
	once := store.Once{Space: "s", ID: "x", Until: dayOne.Add(time.Hour)}
	fill(t, b, 5)
	mustAppend(t, b.store, entry(bare("w", "once"), once))
	rev, key := revision(1, dayOne, map[string][]byte{"a": []byte("b")}), signingKey("k", dayOne)
	if err := b.store.Save(ctx, rev); err != nil {
		t.Fatal(err)
	}
	mustSaveKey(t, b.store, key)
	running, ended := task("a"), turned(task("b"), store.TaskEnded)
	mustKeep(t, b.store, running)
	mustKeep(t, b.store, task("b"))
	mustKeep(t, b.store, ended)
	before := find(t, b.store, store.Query{})

	b.close(t)
	b.open(t)
	after := find(t, b.store, store.Query{})
	if len(after) != len(before) {
		t.Fatalf("%d records, want %d", len(after), len(before))
	}
	for i := range after {
		wantSame(t, "after reopening", after[i], before[i])
	}
	got, err := b.store.Latest(ctx)
	wantRevision(t, "Latest", got, err, rev)
	wantKeys(t, b.store, key)
	wantTask(t, b.store, running)
	wantTask(t, b.store, ended)
	wantRefused(t, "ended before", b.store, within("again", "a", "b"), store.ErrEnded)
	wantRefused(t, "used before", b.store, unless("again", once), store.ErrRevoked)
	wantUsed(t, "after reopening", b.store, entry(bare("w", "again"), once))
	wantSame(t, "repeated after reopening", mustAppend(t, b.store, entry(bare("w", "once"))), before[5])
	if r := mustAppend(t, b.store, entry(bare("w", "next"))); r.Number != 10 {
		t.Errorf("the next record has number %d", r.Number)
	}
	checkIntact(t, b.store, 10)
}

func newerIsRefused(t *testing.T, b *bench) {
	fill(t, b, 1)
	b.close(t)
	b.open(t) // the control: it opens before
	b.close(t)
	b.ground.MakeNewer(t)
	if s, err := b.ground.Open(b.clock.Now); !errors.Is(err, store.ErrNewer) {
		if err == nil {
			_ = s.Close()
		}
		t.Errorf("opening a newer store: %v, want ErrNewer", err)
	}
}

func closedStoreRefuses(t *testing.T, b *bench) {
	ctx := context.Background()
	fill(t, b, 1)
	b.close(t)
	b.close(t)
	_, appendErr := b.store.Append(ctx, entry(bare("w", "a")))
	_, appendAllErr := b.store.AppendAll(ctx, []store.Entry{entry(bare("w", "a"))})
	_, _, chainErr := b.store.CheckChain(ctx)
	_, latestErr := b.store.Latest(ctx)
	_, atErr := b.store.At(ctx, dayOne)
	_, numberErr := b.store.LatestNumber(ctx)
	_, keysErr := b.store.Keys(ctx)
	_, taskErr := b.store.Task(ctx, "a")
	_, tasksErr := b.store.FindTasks(ctx, store.TaskQuery{})
	_, renewErr := b.store.Renew(ctx, "a", "key-1", dayOne, dayOne)
	_, dropErr := b.store.DropTasks(ctx, dayOne, 1)
	var findErr, usedErr error
	for _, err := range b.store.Find(ctx, store.Query{}) {
		findErr = err
	}
	whole := b.both(t)
	for _, err := range whole.Used(ctx) {
		usedErr = err
	}
	_, revisionErr := whole.Revision(ctx, 1)
	for name, err := range map[string]error{
		"Task": taskErr, "FindTasks": tasksErr, "Renew": renewErr, "DropTasks": dropErr,
		"Used": usedErr, "Revision": revisionErr, "Import": whole.Import(ctx, func(store.Intake) error { return nil }),
		"Append": appendErr, "AppendAll": appendAllErr, "Find": findErr, "CheckChain": chainErr,
		"Save": b.store.Save(ctx, revision(1, dayOne, nil)), "Latest": latestErr, "LatestNumber": numberErr, "At": atErr,
		"SaveKey": b.store.SaveKey(ctx, signingKey("k", dayOne)), "Keys": keysErr,
	} {
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("%s: %v, want ErrClosed", name, err)
		}
	}
}

// closeWaits closes under load: every entry whose append succeeded is there
// afterwards, and every other append said that the store is closed.
func closeWaits(t *testing.T, b *bench) {
	var wait sync.WaitGroup
	var lock sync.Mutex
	kept := make(map[string]bool)
	enough := make(chan struct{})
	for w := range 16 {
		wait.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprint(w, "-", i)
				_, err := b.store.Append(context.Background(), entry(bare("w", id)))
				if err != nil {
					if !errors.Is(err, store.ErrClosed) {
						t.Errorf("Append: %v, want ErrClosed", err)
					}
					return
				}
				lock.Lock()
				if kept[id] = true; len(kept) == 100 {
					close(enough)
				}
				lock.Unlock()
			}
		})
	}
	ended := make(chan struct{})
	go func() { wait.Wait(); close(ended) }()
	select {
	case <-enough:
	case <-ended: // every writer failed; it was reported
	}
	b.close(t)
	<-ended
	b.open(t)
	records := find(t, b.store, store.Query{})
	if len(records) != len(kept) {
		t.Errorf("%d records, %d were answered", len(records), len(kept))
	}
	for _, r := range records {
		if !kept[r.Event.ID] {
			t.Errorf("record %s is there and was never answered", r.Event.ID)
		}
	}
}
