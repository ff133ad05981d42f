package metrics_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/metrics"
)

func tenant(t *testing.T, m *metrics.Metrics, name string) *metrics.Group {
	t.Helper()
	g, err := m.Tenant(name)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func shown(m *metrics.Metrics) string {
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

func seven() uint64 { return 7 }

func TestMetrics(t *testing.T) {
	m := metrics.New()
	if err := m.Counter("narrowcast_guard_accepted_total", "Tokens accepted.", seven); err != nil {
		t.Fatal(err)
	}
	if err := m.Gauge("narrowcast_guard_accepted_total", "A name that is taken.", func() float64 { return 1 }); err == nil {
		t.Error("one name for two things was accepted")
	}
	if text := shown(m); !strings.Contains(text, "narrowcast_guard_accepted_total 7\n") || !strings.Contains(text, "go_goroutines") {
		t.Error(text)
	}
}

func TestTenantsAreCountedApart(t *testing.T) {
	m := metrics.New()
	for _, name := range []string{"", "acme", "globex"} {
		g := tenant(t, m, name)
		g.Request("/token", 200, time.Millisecond)
		g.Request("/token", 400, time.Millisecond)
		if err := g.Counter("narrowcast_issued_total", "Tokens handed over.", seven); err != nil {
			t.Fatal(err)
		}
		if err := g.Gauge("narrowcast_issued_total", "A name that is taken.", func() float64 { return 1 }); err == nil {
			t.Error("one name for two things was accepted")
		}
		if name == "globex" {
			g.Close()
		}
	}
	text := shown(m)
	for _, line := range []string{
		`narrowcast_requests_total{route="/token",status="200",tenant="acme"} 1`, `narrowcast_requests_total{route="/token",status="400",tenant=""} 1`,
		`narrowcast_request_seconds_count{route="/token",tenant="acme"} 2`, `narrowcast_issued_total{tenant=""} 7`, `narrowcast_issued_total{tenant="acme"} 7`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("%s is missing", line)
		}
	}
	if strings.Contains(text, "globex") {
		t.Error("a tenant that left is still counted")
	}
	if _, err := m.Tenant("acme"); err == nil {
		t.Error("a tenant has two groups")
	}
	tenant(t, m, "globex")
}
