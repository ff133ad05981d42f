package metrics_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/metrics"
)

func TestMetrics(t *testing.T) {
	m := metrics.New()
	m.Request("/token", 200, time.Millisecond)
	m.Request("/token", 400, time.Millisecond)
	if err := m.Counter("narrowcast_issued_total", "Tokens handed over.", func() uint64 { return 7 }); err != nil {
		t.Fatal(err)
	}
	if err := m.Gauge("narrowcast_issued_total", "A name that is taken.", func() float64 { return 1 }); err == nil {
		t.Error("one name for two things was accepted")
	}
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, line := range []string{`narrowcast_requests_total{route="/token",status="200"} 1`, `narrowcast_requests_total{route="/token",status="400"} 1`,
		`narrowcast_request_seconds_count{route="/token"} 2`, "narrowcast_issued_total 7"} {
		if !strings.Contains(w.Body.String(), line+"\n") {
			t.Errorf("%s is missing", line)
		}
	}
}
