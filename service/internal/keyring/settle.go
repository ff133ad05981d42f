package keyring

import (
	"cmp"
	"slices"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// order sorts keys by the instant from which they sign.
func order(keys []store.Key) {
	slices.SortFunc(keys, func(a, b store.Key) int {
		return cmp.Or(a.Active.Compare(b.Active), a.Published.Compare(b.Published), cmp.Compare(a.ID, b.ID))
	})
}

// settle writes down what follows from the other keys: a key retires when the
// next one becomes active, is gone KeepAfter later, and then its private half
// is destroyed. Until it has retired this can change: the next one may come
// early, or be withdrawn. It returns the keys that it changed. Every process
// comes to the same result, so a change that was cut off by a crash is finished
// by whoever looks next.
func settle(keys []store.Key, keep time.Duration, now time.Time) (changed []int) {
	var next time.Time // when the successor becomes active
	for i := len(keys) - 1; i >= 0; i-- {
		k := &keys[i]
		if len(k.Private) > 0 {
			followed := follow(k, next, keep, now)
			if destroy(k, now) || followed {
				changed = append(changed, i)
			}
		}
		if succeeds(k) {
			next = k.Active
		}
	}
	return changed
}

// follow lets k retire when the next key becomes active.
func follow(k *store.Key, next time.Time, keep time.Duration, now time.Time) bool {
	if begun(k.Retired, now) || k.Retired.Equal(next) || withdrawn(k) {
		return false
	}
	k.Retired, k.Gone = next, time.Time{}
	if !next.IsZero() {
		k.Gone = wholeSecond(next.Add(keep))
	}
	return true
}

// wholeSecond is t or the next whole second: a key set says no finer time, and
// a window must not close early.
func wholeSecond(t time.Time) time.Time {
	return t.Add(time.Second - time.Nanosecond).Truncate(time.Second)
}

func destroy(k *store.Key, now time.Time) bool {
	if !begun(k.Gone, now) {
		return false
	}
	k.Private = nil
	return true
}

// succeeds reports whether k took or will take the place of the key before it.
func succeeds(k *store.Key) bool {
	return !withdrawn(k) && (len(k.Private) > 0 || !k.Retired.IsZero())
}

// withdrawn: retired before it could sign.
func withdrawn(k *store.Key) bool { return !k.Retired.IsZero() && !k.Retired.After(k.Active) }
