package postgres

import (
	"math"
	"time"
)

// instant is t in nanoseconds since 1970. Times that do not fit become the
// nearest that does: their order stays right.
func instant(t time.Time) int64 {
	switch s := t.Unix(); {
	case s >= math.MaxInt64/int64(time.Second):
		return math.MaxInt64
	case s <= math.MinInt64/int64(time.Second):
		return math.MinInt64
	}
	return t.UnixNano()
}

func fromInstant(n int64) time.Time { return time.Unix(0, n).UTC() }

// maybe is instant with NULL for the zero time.
func maybe(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return instant(t)
}

func fromMaybe(n *int64) time.Time {
	if n == nil {
		return time.Time{}
	}
	return fromInstant(*n)
}
