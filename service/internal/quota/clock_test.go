package quota_test

import (
	"testing"
	"time"
	"unsafe"

	"github.com/narrowcast-io/narrowcast/service/internal/quota"
)

// setBack is a reading of a clock that was set back by an hour since the process
// began: another time of day, the same time since the start of the machine. A
// time.Time with both keeps its seconds above bit 30 of its first word.
func setBack(t *testing.T, now time.Time) time.Time {
	t.Helper()
	earlier := now
	*(*uint64)(unsafe.Pointer(&earlier)) -= 3600 << 30
	if earlier.Unix() != now.Unix()-3600 || earlier.Sub(now) != 0 {
		t.Fatalf("package time keeps its readings otherwise: %s for %s", earlier, now)
	}
	return earlier
}

// A clock that is set back by an hour must not close a house for an hour.
func TestAClockThatIsSetBackClosesNobody(t *testing.T) {
	r, now := quota.NewRate(10), time.Now()
	for range 10 {
		if !r.Take(now) {
			t.Fatal("refused within the quota")
		}
	}
	if r.Take(setBack(t, now)) {
		t.Error("let in beyond the quota")
	}
	if !r.Take(setBack(t, now.Add(time.Second))) {
		t.Error("refused since the clock was set back")
	}
}
