package task_test

import (
	"errors"
	"testing"

	"github.com/narrowcast-io/narrowcast/service/internal/task"
)

// A holder that pauses in a loop keeps nobody busy for ever.
func TestAHolderPausesABoundedNumberOfTimes(t *testing.T) {
	y := newYard(t)
	opened := y.open(t)
	for n := range task.MaxPauses {
		if _, err := y.one.Pause(t.Context(), holder(), opened.ID); err != nil {
			t.Fatalf("pause %d: %v", n+1, err)
		}
		if _, err := y.one.Resume(t.Context(), holder(), opened.ID); err != nil {
			t.Fatalf("resume %d: %v", n+1, err)
		}
	}
	var r *task.Refusal
	if _, err := y.one.Pause(t.Context(), holder(), opened.ID); !errors.As(err, &r) || r.Ground != task.Crowded {
		t.Errorf("one more: %v", err)
	}
	if _, err := y.one.Pause(t.Context(), admin(), opened.ID); err != nil {
		t.Errorf("an administrator cannot pause: %v", err)
	}
	if _, err := y.one.Kill(t.Context(), otherKey(), opened.ID); err != nil {
		t.Errorf("it cannot be killed: %v", err)
	}
}
