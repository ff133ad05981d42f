package dpop

import (
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"
)

// memory remembers proofs for as long as they could be shown again, one entry of
// 16 bytes for each. One lock is enough: what happens under it takes a thousandth
// of the time of a signature. It forgets by whole generations: a proof lives through
// the one it came in and the next. It never forgets early; when it is full it says so.
type memory struct {
	mu       sync.Mutex
	secret   [16]byte // so that nobody can choose where his proofs go
	capacity int
	keep     time.Duration
	began    time.Time // of the younger generation
	young    map[[16]byte]struct{}
	old      map[[16]byte]struct{}
}

func newMemory(capacity int, keep time.Duration) *memory {
	m := &memory{capacity: capacity, keep: keep, young: map[[16]byte]struct{}{}}
	_, _ = rand.Read(m.secret[:]) // never fails
	return m
}

// use remembers a proof, or says that it is remembered already.
func (m *memory) use(thumbprint, id string, now time.Time) *Fault {
	key := m.key(thumbprint, id)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turn(now)
	_, young := m.young[key]
	_, old := m.old[key]
	switch {
	case young || old:
		return &Fault{Kind: Replayed, Detail: "it was shown before", Claim: "jti"}
	case len(m.young)+len(m.old) >= m.capacity:
		return &Fault{Kind: Full, Detail: "too many proofs at a time"}
	}
	m.young[key] = struct{}{}
	return nil
}

// turn begins a new generation when the younger one is as old as a proof can be.
func (m *memory) turn(now time.Time) {
	switch age := now.Sub(m.began); {
	case age < m.keep:
	case age < 2*m.keep:
		m.old, m.young, m.began = m.young, map[[16]byte]struct{}{}, now
	default:
		m.old, m.young, m.began = nil, map[[16]byte]struct{}{}, now
	}
}

// key is half of a keyed hash: 128 bits are enough to tell proofs apart.
func (m *memory) key(thumbprint, id string) [16]byte {
	text := make([]byte, 0, len(m.secret)+len(thumbprint)+1+len(id))
	text = append(text, m.secret[:]...)
	text = append(text, thumbprint...)
	text = append(text, '.')
	text = append(text, id...)
	sum := sha256.Sum256(text)
	return [16]byte(sum[:16])
}
