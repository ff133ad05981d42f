package feed_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/feed"
)

const million = 1_000_000

// heap is what the living objects take.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func jti(i int) string {
	return fmt.Sprintf("%08x-ac96-774b-bcce-%012x", uint32(i)*2654435761, i)
}

// livingTokens are several. The cost of an empty set is what it takes to read them.
func livingTokens(b *testing.B) []*narrowcast.Token {
	all := make([]*narrowcast.Token, 256)
	for i := range all {
		all[i] = tokenWith(b, jti(-1-i))
	}
	return all
}

// BenchmarkCheck is the look-up of a good token among a number of live revocations.
func BenchmarkCheck(b *testing.B) {
	for _, n := range []int{0, 1000, million} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			before := heap()
			s := feed.NewSet()
			for i := range n {
				mustAdd(b, s, revoked(uint64(i)+1, jti(i), soon(noon)))
			}
			size := heap() - before
			good := livingTokens(b)
			i := 0
			for b.Loop() {
				if i++; s.Check(good[i%len(good)]) != 0 {
					b.Fatal("a good token is dead")
				}
			}
			b.ReportMetric(float64(size)/float64(max(n, 1)), "B/entry")
			runtime.KeepAlive(s)
		})
	}
}

// BenchmarkCheckOfAMap is the same with a map of strings.
func BenchmarkCheckOfAMap(b *testing.B) {
	before := heap()
	s := map[string]uint32{}
	for i := range million {
		s[jti(i)] = 1
	}
	size := heap() - before
	good := livingTokens(b)
	i := 0
	for b.Loop() {
		if i++; s[string(good[i%len(good)].ID())] != 0 {
			b.Fatal("a good token is dead")
		}
	}
	b.ReportMetric(float64(size)/million, "B/entry")
	runtime.KeepAlive(s)
}

// BenchmarkAdd is what a revocation costs among a million others.
func BenchmarkAdd(b *testing.B) {
	s := feed.NewSet()
	for i := range million {
		mustAdd(b, s, revoked(1, jti(i), soon(noon)))
	}
	i := million
	for b.Loop() {
		i++
		mustAdd(b, s, revoked(1, jti(i), soon(noon)))
	}
}

// BenchmarkForget is one call among a million ids of which none has ended.
func BenchmarkForget(b *testing.B) {
	s := feed.NewSet()
	for i := range million {
		mustAdd(b, s, revoked(1, jti(i), soon(noon)))
	}
	for b.Loop() {
		s.Forget(noon)
	}
}
