package measure_test

import (
	"context"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/measure"
)

// What is measured differs from run to run; that everything was, does not.
func TestEverythingIsMeasured(t *testing.T) {
	told := 0
	r, err := measure.Run(t.Context(), measure.Config{Now: time.Now, Each: 10 * time.Millisecond, Requests: 50, Tell: func(string) { told++ }})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Verify) != 2 || len(r.Adapters) != 3 || r.Machine.Cores == 0 || told != 5 {
		t.Fatalf("%+v, told %d times", r, told)
	}
	for _, v := range r.Verify {
		if v.PerSecond <= 0 || v.Again <= v.PerSecond { // a remembered token skips the signature
			t.Errorf("%+v", v)
		}
	}
	for _, a := range r.Adapters {
		if a.Base50 <= 0 || a.Base99 < a.Base50 {
			t.Errorf("%+v", a)
		}
	}
}

func TestMeasuringIsBoundedAndEnds(t *testing.T) {
	for _, c := range []measure.Config{{}, {Now: time.Now, Each: time.Hour, Requests: 50}, {Now: time.Now, Each: time.Second, Requests: 1}} {
		if _, err := measure.Run(t.Context(), c); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := measure.Run(ctx, measure.Config{Now: time.Now, Each: time.Minute, Requests: 1_000_000}); err == nil {
		t.Error("it measured after the end")
	}
}
