// Package metrics counts for the operator, in the form that Prometheus reads.
// It is the one place that knows that library.
package metrics

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics is all that one process shows.
type Metrics struct{ registry *prometheus.Registry }

// New makes the instruments of the process itself.
func New() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// Group is a set of instruments that come and go together: those of one house.
// It may be used by many goroutines.
type Group struct {
	registerer prometheus.Registerer
	requests   *prometheus.CounterVec
	seconds    *prometheus.HistogramVec
	all        []prometheus.Collector
}

// Counter publishes a count of the process. The name must be new.
func (m *Metrics) Counter(name, help string, read func() uint64) error {
	return m.registry.Register(counter(name, help, read))
}

// Gauge publishes a value of the process. The name must be new.
func (m *Metrics) Gauge(name, help string, read func() float64) error {
	return m.registry.Register(gauge(name, help, read))
}

func counter(name, help string, read func() uint64) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(read()) })
}

func gauge(name, help string, read func() float64) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read)
}

// Tenant makes the instruments of one tenant of a process that may have many.
// Its name is a label of each. A tenant can have one group.
func (m *Metrics) Tenant(name string) (*Group, error) {
	g := &Group{
		registerer: prometheus.WrapRegistererWith(prometheus.Labels{"tenant": name}, m.registry),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "narrowcast_requests_total", Help: "Requests by route and status.",
		}, []string{"route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "narrowcast_request_seconds", Help: "Time to answer, by route.",
			Buckets: prometheus.ExponentialBuckets(0.000125, 2, 16),
		}, []string{"route"}),
	}
	return g, errors.Join(g.add(g.requests), g.add(g.seconds))
}

func (g *Group) add(c prometheus.Collector) error {
	err := g.registerer.Register(c)
	if err == nil {
		g.all = append(g.all, c)
	}
	return err
}

// Request counts one answer. Routes come from a closed list.
func (g *Group) Request(route string, status int, took time.Duration) {
	g.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	g.seconds.WithLabelValues(route).Observe(took.Seconds())
}

// Counter publishes a count that is kept elsewhere. The name must be new.
func (g *Group) Counter(name, help string, read func() uint64) error {
	return g.add(counter(name, help, read))
}

// Gauge publishes a value that is kept elsewhere. The name must be new.
func (g *Group) Gauge(name, help string, read func() float64) error {
	return g.add(gauge(name, help, read))
}

// Close takes the instruments of the group away.
func (g *Group) Close() {
	for _, c := range g.all {
		g.registerer.Unregister(c)
	}
}
