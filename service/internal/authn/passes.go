package authn

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// passes remembers which secrets were right a moment ago, so that load does not
// burn processor time. It holds keyed hashes and no secret; the key lives as
// long as the process.
type passes struct {
	key []byte

	mu    sync.Mutex
	known map[[sha256.Size]byte]time.Time // until
}

const (
	maxRemembered = 4096
	keepPass      = 5 * time.Minute
)

func newPasses(key []byte) *passes {
	return &passes{key: key, known: map[[sha256.Size]byte]time.Time{}}
}

// name binds client, secret and hash: a hash that left the registry takes its
// passes with it.
func (p *passes) name(id narrowcast.ClientID, secret string, h phc) (n [sha256.Size]byte) {
	mac := hmac.New(sha256.New, p.key)
	for _, part := range [][]byte{[]byte(id), []byte(secret), h.salt, h.sum} {
		_ = binary.Write(mac, binary.BigEndian, uint32(len(part)))
		mac.Write(part)
	}
	mac.Sum(n[:0])
	return n
}

func (p *passes) holds(id narrowcast.ClientID, secret string, hashes []phc, now time.Time) bool {
	for _, h := range hashes {
		name := p.name(id, secret, h)
		p.mu.Lock()
		until, ok := p.known[name]
		p.mu.Unlock()
		if ok && now.Before(until) {
			return true
		}
	}
	return false
}

// remember keeps a pass. When there are too many, one of no particular choice
// is forgotten: that costs one hash and nothing else.
func (p *passes) remember(id narrowcast.ClientID, secret string, h phc, now time.Time) {
	name := p.name(id, secret, h)
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, again := p.known[name]; !again && len(p.known) >= maxRemembered {
		for old := range p.known {
			delete(p.known, old)
			break
		}
	}
	p.known[name] = now.Add(keepPass)
}
