package feed_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/feed"
)

// lateAt was written a while ago by a clock that is ahead of ours, and is sent now.
func lateAt(position uint64, ago, ahead time.Duration) feed.At {
	a := at(position, time.Now().Add(ahead-ago)) // stale after ten seconds
	a.Now = a.AsOf
	return a
}

// TestALateNetworkIsSeen: what the issuer says of its own clock tells how long a
// message was under way, also when the clocks differ and when an earlier message
// comes again.
func TestALateNetworkIsSeen(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"one time": 0, "the issuer is ahead": 4 * time.Second, "the issuer is behind": -4 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			o := newOffice()
			f, end := follow(t, o, nil)
			defer end()
			good := tokenWith(t, "good")
			c := o.next(t)
			// Who repeats what is a minute old makes nobody believe that clocks differ so.
			c.send(feed.Reset{Position: 1}, lateAt(1, time.Minute, ahead), lateAt(1, 0, ahead))
			expect(t, f, good, 0)
			for late := range 12 { // it comes later and later
				c.send(lateAt(2, time.Duration(late)*time.Second, ahead))
				want := narrowcast.Reason(0)
				if late > 10 {
					want = narrowcast.Stale
				}
				expect(t, f, good, want)
				if s := f.State(); s.Age != time.Duration(late)*time.Second {
					t.Errorf("%s: %s old, and it came %d s late", name, s.Age, late)
				}
				<-time.After(time.Second)
			}
			c.hangUp()
			c = o.next(t)
			c.send(lateAt(5, 0, ahead))
			expect(t, f, good, 0)
		})
	}
}
