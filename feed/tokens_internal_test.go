package feed

import (
	"fmt"
	"testing"
)

// BenchmarkLookUp is the sum of an id and its look-up, for ids that are not there.
func BenchmarkLookUp(b *testing.B) {
	for _, n := range []int{1_000_000, 10_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			key, set := hashKey{1}, &tokens{}
			id := func(i int) string { return fmt.Sprintf("%08x-ac96-774b-bcce-%012x", uint32(i)*2654435761, i) }
			for i := range n {
				set.add(key.of(id(i)), 1)
			}
			absent := make([]string, 4096)
			for i := range absent {
				absent[i] = id(-1 - i)
			}
			i := 0
			for b.Loop() {
				if i++; set.has(key.of(absent[i%len(absent)])) {
					b.Fatal("an id is there that nobody put in")
				}
			}
		})
	}
}
