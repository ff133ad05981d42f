package feed_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/feed"
)

// TestAClockThatWasAheadForgetsNothing: entries are forgotten when the issuer too says
// that their time is over. A clock that was set wrong for a while and then right again
// would have brought the dead to life, and nobody would send them again.
func TestAClockThatWasAheadForgetsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice()
		var ahead atomic.Int64
		f, end := follow(t, o, func(c *feed.Config) { c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) } })
		defer end()
		c := o.next(t)
		until := time.Now().Add(10 * time.Minute)
		c.send(feed.Reset{Position: 3}, revoked(1, "one", until),
			feed.Entry{Number: 2, Kind: feed.Party, ID: "gone", State: feed.Revoked, Before: soon(noon), Until: until}, at(3, time.Now()))
		one, two := tokenWith(t, "one"), tokenOf(t, map[string]any{"jti": "two", "sub": "gone"})
		expect(t, f, one, narrowcast.Revoked)
		ahead.Store(int64(time.Hour))
		for range 100 {
			time.Sleep(time.Second)
			c.send(at(3, time.Now()))
		}
		ahead.Store(0)
		c.send(at(3, time.Now()))
		expect(t, f, one, narrowcast.Revoked)
		expect(t, f, two, narrowcast.Revoked)
		for range 700 { // and when it is over, they are forgotten
			time.Sleep(time.Second)
			c.send(at(3, time.Now()))
		}
		if s := f.State(); s.Entries[feed.Token]+s.Entries[feed.Party] != 0 {
			t.Errorf("%v", s.Entries)
		}
	})
}

func TestAllWithoutSourcesRefuses(t *testing.T) {
	token := tokenWith(t, "one")
	expect(t, feed.All(), token, narrowcast.Stale)
	expect(t, feed.All(nil), token, narrowcast.Stale)
	expect(t, feed.All((*feed.Follower)(nil)), token, narrowcast.Stale)
}

// TestEachConnectionIsItsOwn: over HTTP/2 a silent connection would be taken again.
func TestEachConnectionIsItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice()
		_, end := follow(t, o, nil)
		defer end()
		if c := o.next(t); !c.req.Close {
			t.Error("the connection is shared")
		}
	})
}
