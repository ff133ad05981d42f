package feed

import (
	"fmt"
	"maps"
	"testing"
)

// TestBuildIsAdd: a set that was built from staged ids is the one that add makes,
// with ids that come twice and with some that were there before.
func TestBuildIsAdd(t *testing.T) {
	key := newSet(hashKey{1}).key
	one, other := &tokens{}, &tokens{}
	put := func(i int, until uint32, stage bool) {
		one.add(key.of(fmt.Sprint(i)), until)
		if stage {
			other.stage(key.of(fmt.Sprint(i)), until)
		} else {
			other.add(key.of(fmt.Sprint(i)), until)
		}
	}
	for i := range 2000 {
		put(i, 100, false)
	}
	for i := range 20_000 {
		put(i*7%9000, uint32(50+i%200), true)
	}
	other.build()
	have, want := maps.Collect(other.each), maps.Collect(one.each)
	if !maps.Equal(have, want) || len(want) != 9000 {
		t.Errorf("build made %d ids, add %d", len(have), len(want))
	}
	if one.count.Load() != 9000 || other.count.Load() != 9000 {
		t.Errorf("build counts %d, add %d", other.count.Load(), one.count.Load())
	}
	for i := range 10_000 {
		if other.has(key.of(fmt.Sprint(i))) != (i < 9000) {
			t.Fatalf("id %d is looked up wrongly", i)
		}
	}
	if put(9001, 1, false); !other.has(key.of("9001")) {
		t.Error("nothing can be added afterwards")
	}
}
