//go:build !fast

package postgres_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/store/postgres"
	"github.com/narrowcast-io/narrowcast/service/internal/store/sqlite"
)

// BenchmarkAppend is the book on a server beside the book in a file, with the
// same entries, each using up one id. "replicas" are two stores on one schema.
func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 8, 64} {
		b.Run(fmt.Sprint("sqlite/", writers), func(b *testing.B) {
			s, err := sqlite.Create(context.Background(), sqlite.Config{Path: filepath.Join(b.TempDir(), "book.db"), Now: time.Now})
			if err != nil {
				b.Fatal(err)
			}
			defer shut(b, s)
			benchmarkAppend(b, writers, s)
		})
		b.Run(fmt.Sprint("postgres/", writers), func(b *testing.B) {
			benchmarkAppend(b, writers, benchStore(b))
		})
		b.Run(fmt.Sprint("replicas/", writers), func(b *testing.B) {
			s := benchStore(b)
			c := config(shared, s.Schema())
			c.Now = time.Now
			benchmarkAppend(b, writers, s, reopen(b, c))
		})
	}
}

type named struct {
	*postgres.Store
	schema string
}

func (n named) Schema() string { return n.schema }

func benchStore(b *testing.B) named {
	b.Helper()
	c := config(shared, shared.Schema())
	c.Now = time.Now
	return named{create(b, c), c.Schema}
}

func benchmarkAppend(b *testing.B, writers int, stores ...store.Store) {
	b.Helper()
	var next atomic.Int64
	var wait sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for w := range writers {
		wait.Go(func() {
			s := stores[w%len(stores)]
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				if _, err := s.Append(context.Background(), benchEntry(n)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

func benchEntry(n int64) store.Entry {
	now := time.Now()
	id := fmt.Sprintf("%016x-%d", now.UnixNano(), n)
	return store.Entry{
		Event: event.Event{
			ID: id, Type: event.Issued, Time: now, Writer: "issuer-1", Sequence: uint64(n), //nolint:gosec // G115: counts from 1
			Decision: id, Genuine: true, Expected: "https://pay.example.test",
			Token: &event.Token{
				Fingerprint: narrowcast.Fingerprint{byte(n * 31), byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)},
				ID:          "j" + id, Lineage: "j" + id, Issuer: "https://issuer.example.test", Subject: "checkout", Client: "checkout",
				Scope: "charge", Audience: []string{"https://pay.example.test"}, KeyID: "k1", IssuedAt: now, Expires: now.Add(time.Minute),
			},
		},
		Once: []store.Once{{Space: "checkout", ID: id, Until: now.Add(time.Minute)}},
	}
}
