package keyring

import (
	"cmp"
	"slices"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// order sorts keys by the instant from which they sign; those of which that is
// not decided come last.
func order(keys []store.Key) {
	undecided := func(k store.Key) int {
		if k.Active.IsZero() {
			return 1
		}
		return 0
	}
	slices.SortFunc(keys, func(a, b store.Key) int {
		return cmp.Or(undecided(a)-undecided(b), a.Active.Compare(b.Active), a.Published.Compare(b.Published), cmp.Compare(a.ID, b.ID))
	})
}

// settle sorts keys and writes down what follows from one for another: a key
// that was published signs ahead later, its predecessor retires at that instant
// and is gone keep after it, and then its private half is destroyed. Until a key
// has retired this can change: the next one may come early, or be withdrawn. It
// returns the keys that it changed. Every process comes to the same result, so a
// change that was cut off by a crash is finished by whoever looks next.
func settle(keys []store.Key, ahead, keep time.Duration, now time.Time) (changed []int) {
	scheduled := make(map[narrowcast.KeyID]bool)
	for i := range keys {
		scheduled[keys[i].ID] = schedule(&keys[i], ahead, now)
	}
	order(keys)
	var next time.Time // when the successor becomes active
	for i := len(keys) - 1; i >= 0; i-- {
		k := &keys[i]
		if len(k.Private) > 0 {
			followed := follow(k, next, keep, now)
			if destroy(k, now) || followed || scheduled[k.ID] {
				changed = append(changed, i)
			}
		}
		if succeeds(k) {
			next = k.Active
		}
	}
	return changed
}

// schedule decides from when a published key signs. now is later than the
// reading that found it in the store, however late it came there.
func schedule(k *store.Key, ahead time.Duration, now time.Time) bool {
	if !k.Active.IsZero() || !k.Retired.IsZero() || len(k.Private) == 0 {
		return false
	}
	k.Active = now.Add(ahead)
	return true
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
func withdrawn(k *store.Key) bool {
	return !k.Retired.IsZero() && (k.Active.IsZero() || !k.Retired.After(k.Active))
}
