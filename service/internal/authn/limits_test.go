package authn

import (
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
)

func TestPeerOf(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1:443": "192.0.2.1", "192.0.2.1": "192.0.2.1", "[::ffff:192.0.2.1]:443": "192.0.2.1",
		"[2001:db8:1:2:3:4:5:6]:443": "2001:db8:1:2::/64", "2001:db8:1:2:ffff::1": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:443": "fe80::/64", "": "", "@": "@",
	} {
		if got := peerOf(address); got != want {
			t.Errorf("peerOf(%q) = %q, want %q", address, got, want)
		}
	}
}

// A flood from one peer waits in its own lane.
func TestPeersWaitInLanes(t *testing.T) {
	l := newLimits([]byte("k"))
	first, again := l.lane("192.0.2.1"), l.lane("192.0.2.1")
	if first != again {
		t.Error("one peer waits in two lanes")
	}
	seen := map[chan struct{}]bool{}
	for _, peer := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6"} {
		seen[l.lane(peer)] = true
	}
	if len(seen) < 3 {
		t.Errorf("six peers share %d lanes", len(seen))
	}
}

// Nobody fills a stranger's bucket by chance or choice: ids and peers are not
// run together, and the key of the process decides.
func TestBucketsAreApart(t *testing.T) {
	l, other := newLimits([]byte("k")), newLimits([]byte("l"))
	first, again := l.bucket("a", "b"), l.bucket("a", "b")
	if first != again || l.bucket("ab", "") == l.bucket("a", "b") || l.bucket("a", "b") == l.bucket("b", "a") {
		t.Error("client id and peer are run together")
	}
	if l.bucket("a", "b") == other.bucket("a", "b") {
		t.Error("the key does not choose the bucket")
	}
}

type list []registry.Client

func (l *list) Clients() []registry.Client { return *l }
func (*list) Issuers() []registry.Issuer   { return nil }

// A made-up id costs what most registered ones cost.
func TestDummyWorksLikeMost(t *testing.T) {
	const tail = "$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	client := func(id narrowcast.ClientID, parameters ...string) registry.Client {
		c := registry.Client{ID: id}
		for _, p := range parameters {
			c.Authenticate = append(c.Authenticate, registry.Credential{Kind: ClientSecretBasic, Secret: "$argon2id$v=19$" + p + tail})
		}
		return c
	}
	a, err := New(Config{
		Issuer: narrowcast.MustIssuer("https://issuer.example.test"), TokenEndpoint: "https://issuer.example.test/token",
		Clients: func() Clients { return &list{} }, Now: func() time.Time { return time.Time{} },
	})
	if err != nil {
		t.Fatal(err)
	}
	const small, big = "m=19456,t=2,p=1", "m=65536,t=3,p=2"
	for name, c := range map[string]struct {
		clients list
		memory  uint32
		tries   int
	}{
		"nobody":         {list{}, 19456, 1},
		"one dear":       {list{client("a", small), client("b", small), client("c", big)}, 19456, 1},
		"one cheap":      {list{client("a", small), client("b", big), client("c", big)}, 65536, 1},
		"as many":        {list{client("a", small), client("b", big)}, 65536, 1},
		"while rotating": {list{client("a", small), client("b", small, small)}, 19456, 2},
	} {
		r, err := a.enrol(&c.clients)
		if err != nil {
			t.Fatal(err)
		}
		if r.dummy.memory != c.memory || r.tries != c.tries {
			t.Errorf("%s: %d KiB and %d tries, want %d and %d", name, r.dummy.memory, r.tries, c.memory, c.tries)
		}
	}
}
