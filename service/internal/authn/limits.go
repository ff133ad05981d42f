package authn

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"time"
)

// limits counts wrong secrets. There is one count for each claimed client id and
// peer, so that a stranger's guesses do not refuse the right secret from
// elsewhere, and registered ids are counted like made-up ones, so that the count
// does not tell which is which. The counts stand in a fixed number of buckets,
// which a key of this process chooses: their memory is bounded, and nobody can
// pick another one's bucket. To keep all of them full takes more guesses than
// the places for hashing let through.
type limits struct {
	key []byte

	mu      sync.Mutex
	buckets [buckets]failures
	lanes   [lanes]chan struct{}
}

// failures leak away over time.
type failures struct {
	count float64
	since time.Time
}

// After a burst of wrong secrets there is one more try every so often. A try
// that is refused costs nothing, so the next right secret has its chance.
const (
	burstFailures = 10
	oneMoreTry    = 6 * time.Second
	buckets       = 4096
	lanes         = 64
)

func newLimits(key []byte) *limits {
	l := &limits{key: key}
	for i := range l.lanes {
		l.lanes[i] = make(chan struct{}, 1)
	}
	return l
}

// bucket is the place of a claimed client id that comes from a peer.
func (l *limits) bucket(id, peer string) uint32 {
	return l.place("bucket", id, peer) % buckets
}

// lane is where secrets from one peer wait for each other: one at a time, so
// that a flood from there leaves the other places for hashing to others.
func (l *limits) lane(peer string) chan struct{} {
	return l.lanes[l.place("lane", peer)%lanes]
}

func (l *limits) place(parts ...string) uint32 {
	name := keyed(l.key, parts...)
	return binary.BigEndian.Uint32(name[:4])
}

func (f *failures) leak(now time.Time) {
	if passed := now.Sub(f.since); passed > 0 {
		f.count, f.since = max(0, f.count-float64(passed)/float64(oneMoreTry)), now
	}
}

// reserve takes a try before the work is done, so that parallel guesses do not
// slip through. It reports false when there is none left.
func (l *limits) reserve(bucket uint32, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := &l.buckets[bucket]
	f.leak(now)
	if f.count+1 > burstFailures {
		return false
	}
	f.count++
	return true
}

// refund gives the try back: the secret was right, or was not looked at.
func (l *limits) refund(bucket uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := &l.buckets[bucket]
	f.count = max(0, f.count-1)
}

// peerOf is the host of a network address. An IPv6 host owns at least 64 bits of
// addresses, so these count as one.
func peerOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if addr = addr.Unmap().WithZone(""); addr.Is4() {
		return addr.String()
	}
	prefix, err := addr.Prefix(64)
	if err != nil {
		return host
	}
	return prefix.String()
}
