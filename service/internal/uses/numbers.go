package uses

import (
	"slices"
	"sync"
)

// numbers counts events from one. A number whose event was not kept is given to
// the next one: a gap would look like a loss. Many repeats may be under way beside
// first uses, so the number that comes back need not be the last.
type numbers struct {
	mu   sync.Mutex
	last uint64
	free []uint64 // below last; never more than there were questions at one time
}

func (n *numbers) take() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.free) > 0 {
		at := slices.Index(n.free, slices.Min(n.free))
		number := n.free[at]
		n.free = slices.Delete(n.free, at, at+1)
		return number
	}
	n.last++
	return n.last
}

func (n *numbers) giveBack(number uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.free = append(n.free, number)
	for {
		at := slices.Index(n.free, n.last)
		if at < 0 {
			return
		}
		n.free = slices.Delete(n.free, at, at+1)
		n.last--
	}
}
