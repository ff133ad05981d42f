package revocation_test

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/revocation"
)

// BenchmarkFanOut measures one revocation that 10 000 followers of one resource
// are told of, from the order until the last one has it, and what a follower
// costs in memory. There are no connections here.
func BenchmarkFanOut(b *testing.B) {
	const followers = 10_000
	w := newWorld(b, newRing(b))
	must(b, w.log.CatchUp(b.Context()))
	ctx, cancel := context.WithCancel(b.Context())
	var told, ready atomic.Int64
	var ended sync.WaitGroup
	before := memory()
	for range followers {
		ended.Go(func() {
			greeted := false
			for range w.log.Follow(ctx, narrowcast.MustAudience(pay), 0) {
				if !greeted {
					greeted = true
					ready.Add(1)
					continue
				}
				told.Add(1)
			}
		})
	}
	for ready.Load() < followers {
		runtime.Gosched()
	}
	each := float64(memory()-before) / followers
	for b.Loop() {
		l := w.root("a", pay)
		told.Store(0)
		w.revoke(revocation.OfToken, l.facts.ID)
		for told.Load() < followers {
			runtime.Gosched()
		}
	}
	b.ReportMetric(each, "B/follower")
	cancel()
	ended.Wait()
}

func memory() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
