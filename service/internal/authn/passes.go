package authn

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// passes remembers which secrets were right lately, so that load does not burn
// processor time and guessing does not stop a client that is at work. It holds
// keyed hashes and no secret; the key lives as long as the process.
type passes struct {
	key []byte

	mu    sync.Mutex
	known map[[sha256.Size]byte]time.Time // until
}

// A pass is good for a while after its last use. A client that asks for a token
// now and then keeps it.
const (
	maxRemembered = 4096
	keepPass      = time.Hour
)

func newPasses(key []byte) *passes {
	return &passes{key: key, known: map[[sha256.Size]byte]time.Time{}}
}

// keyed is a name for some texts that only this process can compute.
func keyed(key []byte, parts ...string) (name [sha256.Size]byte) {
	mac := hmac.New(sha256.New, key)
	for _, part := range parts {
		_ = binary.Write(mac, binary.BigEndian, uint32(len(part)))
		mac.Write([]byte(part))
	}
	mac.Sum(name[:0])
	return name
}

// name binds client, secret and hash: a hash that left the registry takes its
// passes with it.
func (p *passes) name(id narrowcast.ClientID, secret string, h phc) [sha256.Size]byte {
	return keyed(p.key, "pass", string(id), secret, string(h.salt), string(h.sum))
}

// use reports whether there is a pass, and makes it good for another while.
func (p *passes) use(id narrowcast.ClientID, secret string, hashes []phc, now time.Time) bool {
	for _, h := range hashes {
		name := p.name(id, secret, h)
		p.mu.Lock()
		until, ok := p.known[name]
		ok = ok && now.Before(until)
		if ok {
			p.known[name] = now.Add(keepPass)
		}
		p.mu.Unlock()
		if ok {
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
