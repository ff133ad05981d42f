// Package status keeps the status lists of one house
// (draft-ietf-oauth-status-list): it gives out places, writes the lists from
// what is dead, and exports them as files.
package status

import (
	"context"
	crand "crypto/rand"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// Allocator gives out places in lists, each place once. A list belongs to the
// process that made it, under a random name, and ends with it: so no two
// processes can give away the same place, and nothing has to be kept. Places are
// given out in random order, so that they do not tell how many tokens there are.
type Allocator struct {
	config AllocatorConfig

	mu      sync.Mutex
	current *book
	spare   *book
	full    []closed
	making  bool
}

// book is a list of which places are given out.
type book struct {
	uri  string
	left []uint32 // in the order in which they are given out, the last first
}

// closed is a list without free places.
type closed struct {
	uri   string
	since time.Time
}

// NewAllocator makes an Allocator with its first list, or returns every fault of
// the configuration.
func NewAllocator(ctx context.Context, c AllocatorConfig) (*Allocator, error) {
	if err := c.complete(); err != nil {
		return nil, fmt.Errorf("status lists: %w", err)
	}
	a := &Allocator{config: c}
	first, err := a.make(ctx)
	if err != nil {
		return nil, fmt.Errorf("status lists: %w", err)
	}
	a.current = first
	return a, nil
}

// make makes a list and has it announced.
func (a *Allocator) make(ctx context.Context) (*book, error) {
	ctx, cancel := context.WithTimeout(ctx, a.config.Timeout)
	defer cancel()
	b := &book{uri: a.config.Base + "/" + strings.ToLower(crand.Text()), left: shuffled(a.config.Places)}
	if err := a.config.Announce(ctx, b.uri); err != nil {
		return nil, fmt.Errorf("announcing a list: %w", err)
	}
	return b, nil
}

// shuffled returns the numbers below n in an order that nobody can foresee.
func shuffled(n int) []uint32 {
	var seed [32]byte
	_, _ = crand.Read(seed[:]) // never fails
	order := make([]uint32, n)
	for i := range order {
		order[i] = uint32(i)
	}
	rand.New(rand.NewChaCha8(seed)).Shuffle(n, func(i, j int) { order[i], order[j] = order[j], order[i] })
	return order
}

// Next gives a place away, never the same one twice. All audiences share a list,
// so that a list does not tell which doors a token opens. It returns no uri when
// there is no place to be had now.
func (a *Allocator) Next(narrowcast.Audience) (uri string, index uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.current.left) == 0 && a.spare != nil {
		a.current, a.spare = a.spare, nil
	}
	b := a.current
	last := len(b.left) - 1
	if last < a.config.Ahead && a.spare == nil && !a.making {
		a.making = true
		go a.prepare()
	}
	if last < 0 {
		return "", 0
	}
	uri, index = b.uri, uint64(b.left[last])
	b.left = b.left[:last]
	if last == 0 {
		a.close(b)
	}
	return uri, index
}

func (a *Allocator) close(b *book) {
	now := a.config.Now()
	kept := a.full[:0]
	for _, c := range a.full {
		if now.Sub(c.since) <= a.config.Keep {
			kept = append(kept, c)
		}
	}
	a.full = append(kept, closed{b.uri, now})
}

// prepare makes the next list. When that fails, the next call of Next tries
// again.
func (a *Allocator) prepare() {
	next, err := a.make(context.Background())
	a.mu.Lock()
	defer a.mu.Unlock()
	a.making = false
	if err == nil {
		a.spare = next
	}
}

// Lists returns the lists of this process of which a token may be alive, and the
// next one.
func (a *Allocator) Lists() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.config.Now()
	var all []string
	for _, c := range a.full {
		if now.Sub(c.since) <= a.config.Keep {
			all = append(all, c.uri)
		}
	}
	if len(a.current.left) > 0 {
		all = append(all, a.current.uri)
	}
	if a.spare != nil {
		all = append(all, a.spare.uri)
	}
	return all
}
