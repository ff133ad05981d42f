package store

import (
	"math"
	"time"
)

// Instant is t in nanoseconds since 1970, as drivers keep it. Times that do not
// fit become the nearest that does: their order stays right.
func Instant(t time.Time) int64 {
	switch s := t.Unix(); {
	case s >= math.MaxInt64/int64(time.Second):
		return math.MaxInt64
	case s <= math.MinInt64/int64(time.Second):
		return math.MinInt64
	}
	return t.UnixNano()
}

// FromInstant is the time of an Instant, in UTC.
func FromInstant(n int64) time.Time { return time.Unix(0, n).UTC() }

// InstantOrNull is Instant with NULL for the zero time.
func InstantOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return Instant(t)
}

// FromInstantOrNull is the time of an InstantOrNull.
func FromInstantOrNull(n *int64) time.Time {
	if n == nil {
		return time.Time{}
	}
	return FromInstant(*n)
}
