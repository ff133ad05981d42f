package narrowcast_test

import (
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// TestTimesEndWhereTheySay walks the edges of every window, second by second.
func TestTimesEndWhereTheySay(t *testing.T) {
	const first, last = 1_800_000_000, 1_800_000_300 // iat and exp of the right token
	for _, test := range []struct {
		name string
		skew time.Duration
		now  int64
		want narrowcast.Reason
	}{
		{"at iat", 0, first, 0},
		{"at the edge of the skew before iat", 0, first - 5, 0},
		{"before the skew", 0, first - 6, narrowcast.NotYetValid},
		{"the last second", 0, last - 1, 0},
		{"the last second of the skew", 0, last + 4, 0},
		{"behind the skew", 0, last + 5, narrowcast.Expired},
		{"the largest skew", narrowcast.MaxSkew, last + 59, 0},
		{"behind the largest skew", narrowcast.MaxSkew, last + 60, narrowcast.Expired},
		{"no skew to speak of", time.Nanosecond, last, narrowcast.Expired},
		{"far in the past", 0, 0, narrowcast.NotYetValid},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDoor(t, func(c *narrowcast.Config) { c.Skew = test.skew })
			text := d.pen.sign(t, goodHead, right)
			d.clock.now = time.Unix(test.now, 0)
			if test.want == 0 {
				mustAccept(t, d.Verifier, text, narrowcast.Presentation{})
			} else {
				mustRefuse(t, d.Verifier, text, narrowcast.Presentation{}, test.want)
			}
		})
	}
}

func TestNotBeforeCounts(t *testing.T) {
	d := newDoor(t)
	text := d.pen.sign(t, goodHead, with(right, `"nbf":1800000100`))
	d.clock.now = time.Unix(1_800_000_094, 0)
	mustRefuse(t, d.Verifier, text, narrowcast.Presentation{}, narrowcast.NotYetValid)
	d.clock.now = time.Unix(1_800_000_095, 0)
	token := mustAccept(t, d.Verifier, text, narrowcast.Presentation{})
	if !token.Describe().NotBefore.Equal(time.Unix(1_800_000_100, 0)) {
		t.Errorf("nbf = %v", token.Describe().NotBefore)
	}
}

func TestLifetimeHasACeiling(t *testing.T) {
	for _, test := range []struct {
		max  time.Duration
		want narrowcast.Reason
	}{
		{0, 0}, {300 * time.Second, 0}, {299 * time.Second, narrowcast.LifetimeExceeded}, {time.Second, narrowcast.LifetimeExceeded},
	} {
		d := newDoor(t, func(c *narrowcast.Config) { c.MaxLifetime = test.max })
		text := d.pen.sign(t, goodHead, right)
		if test.want == 0 {
			mustAccept(t, d.Verifier, text, narrowcast.Presentation{})
		} else {
			mustRefuse(t, d.Verifier, text, narrowcast.Presentation{}, test.want)
		}
	}
	d := newDoor(t)
	hour := swap(t, right, "1800000300", "1800003600")
	mustAccept(t, d.Verifier, d.pen.sign(t, goodHead, hour), narrowcast.Presentation{})
	more := swap(t, right, "1800000300", "1800003601")
	mustRefuse(t, d.Verifier, d.pen.sign(t, goodHead, more), narrowcast.Presentation{}, narrowcast.LifetimeExceeded)
}

func TestFractionsOfASecondAreRoundedDown(t *testing.T) {
	d := newDoor(t)
	token := mustAccept(t, d.Verifier, d.pen.sign(t, goodHead, swap(t, right, "1800000300", "1800000300.9")), narrowcast.Presentation{})
	if token.Expires().Unix() != 1_800_000_300 {
		t.Errorf("exp = %v", token.Expires())
	}
}
