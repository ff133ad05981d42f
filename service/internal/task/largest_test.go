package task_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/task"
)

// oversized are audiences of which most characters take six bytes in JSON.
func oversized(escaped, plain int) []string {
	all := []string{"urn:z:" + strings.Repeat("a", plain)}
	for i := 0; escaped > 0; i++ {
		n := min(escaped, 240)
		all, escaped = append(all, "urn:"+string(rune('a'+i))+":"+strings.Repeat("&", n)), escaped-n
	}
	return all
}

// The record of an end is longer than that of the beginning. A task of which only
// the first one fits into the book could not be killed, and the sweeper would stop
// at it for ever.
func TestWhateverIsOpenedCanBeEnded(t *testing.T) {
	opened, refused := 0, 0
	for escaped := 0; escaped <= 2700; escaped += 60 {
		for plain := 1; plain <= 480; plain += 20 {
			y := newYard(t)
			o, err := y.one.Open(t.Context(), asks(holder(), func(r *task.OpenRequest) {
				r.Resources, r.Label = oversized(escaped, plain), strings.Repeat("<", task.MaxLabel)
			}))
			if r := (*task.Refusal)(nil); errors.As(err, &r) && r.Ground == task.Malformed {
				refused++
				continue
			}
			if err != nil {
				t.Fatalf("%d and %d: opening: %v", escaped, plain, err)
			}
			opened++
			if _, err := y.one.Pause(t.Context(), admin(), o.ID); err != nil {
				t.Fatalf("%d and %d: pausing: %v", escaped, plain, err)
			}
			if _, err := y.one.Kill(t.Context(), admin(), o.ID); err != nil {
				t.Fatalf("%d and %d: killing: %v", escaped, plain, err)
			}
			y.open(t, func(r *task.OpenRequest) { r.Resources = oversized(escaped, plain) })
			y.now = y.now.Add(time.Hour)
			if n, err := y.two.Sweep(t.Context()); err != nil || n != 1 {
				t.Fatalf("%d and %d: %d swept: %v", escaped, plain, n, err)
			}
		}
	}
	if opened == 0 || refused == 0 {
		t.Errorf("%d tasks were opened and %d refused: nothing was tried", opened, refused)
	}
}
