package sqlite_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/store/sqlite"
)

// BenchmarkAppend is row 12 of the performance targets: the book with groups
// beside the same book with one entry in a transaction.
func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 16, 64} {
		b.Run(fmt.Sprint("group/", writers), func(b *testing.B) { benchmarkAppend(b, writers, 0) })
		b.Run(fmt.Sprint("single/", writers), func(b *testing.B) { benchmarkAppend(b, writers, 1) })
	}
}

func benchmarkAppend(b *testing.B, writers, most int) {
	s, err := sqlite.Create(context.Background(), sqlite.Config{Path: filepath.Join(b.TempDir(), "book.db"), Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if most > 0 {
		s.SetMost(most)
	}
	var next atomic.Int64
	var wait sync.WaitGroup
	b.ReportAllocs()
	before := cpu(b)
	b.ResetTimer()
	for range writers {
		wait.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				if _, err := s.Append(context.Background(), issuedEntry(n)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
}

func issuedEntry(n int64) store.Entry {
	now := time.Now()
	id := mint.TokenIDAt(now)
	return store.Entry{Event: event.Event{
		ID: string(id), Type: event.Issued, Time: time.Now(), Writer: "issuer-1", Sequence: uint64(n), //nolint:gosec // G115: counts from 1
		Decision: string(id), Genuine: true, Expected: "https://pay.example.test",
		Token: &event.Token{
			Fingerprint: narrowcast.Fingerprint{byte(n), byte(n >> 8), byte(n >> 16), byte(n * 31)}, ID: string(mint.TokenIDAt(now)),
			Issuer: "https://issuer.example.test", Subject: "checkout", Client: "checkout", Scope: "charge",
			Audience: []string{"https://pay.example.test"}, KeyID: "k1", IssuedAt: time.Now(), Expires: time.Now().Add(time.Minute),
		},
	}}
}

func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
