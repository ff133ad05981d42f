// Package once remembers which tokens for one use were used: in this process,
// or at the issuer for all that guard one resource.
package once

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// MemoryConfig is what a Memory is made of. All fields are required.
type MemoryConfig struct {
	Now func() time.Time
	// Most bounds how many tokens are remembered, 1 to 1<<24. When it is full, no
	// token for one use is accepted until one of them has expired.
	Most int

	_ struct{}
}

// Memory remembers in this process alone, and forgets when it ends. It is right
// where one process guards the resource, and a restart takes longer than such a
// token lives; anywhere else "once" means once for each. The zero Memory knows
// nothing and says so.
type Memory struct {
	now  func() time.Time
	most int

	mu    sync.Mutex
	used  map[used]time.Time // until when it could be shown again
	swept time.Time
}

type used struct {
	issuer narrowcast.Issuer
	token  narrowcast.TokenID
}

// NewMemory makes a Memory, or returns every fault of the configuration.
func NewMemory(c MemoryConfig) (*Memory, error) {
	var errs []error
	if c.Now == nil {
		errs = append(errs, errors.New("once: Now is required: pass time.Now"))
	}
	if c.Most < 1 || c.Most > 1<<24 {
		errs = append(errs, errors.New("once: Most must be between 1 and 16777216"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Memory{now: c.Now, most: c.Most, used: map[used]time.Time{}}, nil
}

// Use uses a token up (narrowcast.Uses).
func (m *Memory) Use(_ context.Context, t *narrowcast.Token) narrowcast.Reason {
	if m == nil || m.used == nil || t == nil || t.ID() == "" {
		return narrowcast.UseUnknown
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	key := used{t.Issuer(), t.ID()}
	if _, again := m.used[key]; again {
		return narrowcast.Replayed
	}
	if len(m.used) >= m.most && now.Sub(m.swept) >= time.Second {
		m.sweep(now)
	}
	if len(m.used) >= m.most {
		return narrowcast.UseUnknown
	}
	m.used[key] = until(t)
	return 0
}

func (m *Memory) sweep(now time.Time) {
	m.swept = now
	for key, until := range m.used {
		if now.After(until) {
			delete(m.used, key)
		}
	}
}

// until is when no verifier takes the token any more, whatever its clock.
func until(t *narrowcast.Token) time.Time { return t.Expires().Add(2 * narrowcast.MaxSkew) }
