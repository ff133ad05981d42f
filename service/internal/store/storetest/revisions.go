package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

func revision(number uint64, applied time.Time, files map[string][]byte) store.Revision {
	return store.Revision{
		Number: number, Applied: applied, Author: "ada", Digest: fmt.Sprint("digest-", number), Files: files,
	}
}

func wantRevision(t *testing.T, what string, got store.Revision, err error, want store.Revision) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	if got.Number != want.Number || !got.Applied.Equal(want.Applied) || got.Author != want.Author ||
		got.Digest != want.Digest || len(got.Files) != len(want.Files) {
		t.Errorf("%s: got %+v, want %+v", what, got, want)
	}
	for name, content := range want.Files {
		if kept, ok := got.Files[name]; !ok || kept == nil || !bytes.Equal(kept, content) {
			t.Errorf("%s: file %q was not kept byte by byte", what, name)
		}
	}
}

func revisionsFollow(t *testing.T, b *bench) {
	ctx := context.Background()
	if _, err := b.store.Latest(ctx); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Latest of none: %v", err)
	}
	if n, err := b.store.LatestNumber(ctx); err != nil || n != 0 {
		t.Errorf("LatestNumber of none: %d, %v", n, err)
	}
	one := revision(1, dayOne, map[string][]byte{"a.yaml": []byte("one")})
	two := revision(2, dayOne.Add(time.Hour), map[string][]byte{"a.yaml": []byte("two"), "sub/b.yaml": []byte("b")})
	for _, step := range []struct {
		save store.Revision
		want error
	}{
		{revision(2, dayOne, nil), store.ErrConflict}, {one, nil}, {one, store.ErrConflict},
		{revision(3, dayOne, nil), store.ErrConflict}, {two, nil}, {one, store.ErrConflict},
	} {
		if err := b.store.Save(ctx, step.save); !errors.Is(err, step.want) || (step.want == nil) != (err == nil) {
			t.Errorf("Save %d: %v, want %v", step.save.Number, err, step.want)
		}
	}
	for _, bad := range []store.Revision{{}, {Number: 3}, revision(3, dayOne, map[string][]byte{"": nil})} {
		if err := b.store.Save(ctx, bad); err == nil {
			t.Errorf("Save %+v: no error", bad)
		}
	}
	got, err := b.store.Latest(ctx)
	wantRevision(t, "Latest", got, err, two)
	if n, err := b.store.LatestNumber(ctx); err != nil || n != 2 {
		t.Errorf("LatestNumber: %d, %v", n, err)
	}
}

func revisionAtATime(t *testing.T, b *bench) {
	ctx := context.Background()
	// The third was applied by a clock that had been set back.
	applied := []time.Duration{0, 2 * time.Hour, time.Hour}
	var all []store.Revision
	for i, d := range applied {
		r := revision(uint64(i)+1, dayOne.Add(d), map[string][]byte{"n": fmt.Append(nil, i)}) //nolint:gosec // G115: an index
		all = append(all, r)
		if err := b.store.Save(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.store.At(ctx, dayOne.Add(-1)); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("before the first: %v", err)
	}
	for _, c := range []struct {
		at   time.Duration
		want int
	}{{0, 0}, {time.Hour - 1, 0}, {time.Hour, 2}, {2 * time.Hour, 2}, {999 * time.Hour, 2}} {
		got, err := b.store.At(ctx, dayOne.Add(c.at))
		wantRevision(t, fmt.Sprint("at ", c.at), got, err, all[c.want])
	}
}

func revisionFilesAreByteIdentical(t *testing.T, b *bench) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	want := revision(1, dayOne, map[string][]byte{
		"every byte": every, "empty": {}, "crlf": []byte("a\r\nb\r\n"), "not UTF-8": {0xff, 0xfe},
		"big": bytes.Repeat([]byte("0123456789abcdef"), 1<<16), "Case": []byte("1"), "case": []byte("2"), "ü": []byte("3"),
	})
	if err := b.store.Save(context.Background(), want); err != nil {
		t.Fatal(err)
	}
	got, err := b.store.Latest(context.Background())
	wantRevision(t, "Latest", got, err, want)
	got, err = b.store.At(context.Background(), dayOne)
	wantRevision(t, "At", got, err, want)
}

func oneOfManySavesARevision(t *testing.T, b *bench) {
	var wait sync.WaitGroup
	var won atomic.Int32
	for i := range 16 {
		wait.Go(func() {
			err := b.store.Save(context.Background(), revision(1, dayOne, map[string][]byte{"n": fmt.Append(nil, i)}))
			if err == nil {
				won.Add(1)
			} else if !errors.Is(err, store.ErrConflict) {
				t.Errorf("Save: %v", err)
			}
		})
	}
	wait.Wait()
	if won.Load() != 1 {
		t.Errorf("%d saved revision 1", won.Load())
	}
}
