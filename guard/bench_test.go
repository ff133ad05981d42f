package guard_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/narrowcast-io/narrowcast/guard"
)

// discard is a ResponseWriter that costs nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

func benchmarkHandler(b *testing.B, h http.Handler, token string) {
	r := httptest.NewRequest("GET", "/charge", nil)
	for _, name := range []string{"Accept", "User-Agent", "Traceparent", "X-Request-Id"} {
		r.Header.Set(name, "value")
	}
	r.Header.Set("Authorization", "Bearer "+token)
	w := discard{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(w, r)
	}
}

// empty does nothing, so that the difference is the guard.
var empty = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })

func BenchmarkBareHandler(b *testing.B) { benchmarkHandler(b, empty, "") }

func BenchmarkWrapCached(b *testing.B) {
	w := newTown(b)
	g := w.door(b, pay, func(c *guard.Config) { c.Verifier = w.verifier(b, pay, 1000) })
	benchmarkHandler(b, g.Wrap(empty), w.sign(b, nil))
}

func BenchmarkWrapFull(b *testing.B) {
	w := newTown(b)
	benchmarkHandler(b, w.door(b, pay, nil).Wrap(empty), w.sign(b, nil))
}

func BenchmarkWrapForged(b *testing.B) {
	w := newTown(b)
	benchmarkHandler(b, w.door(b, pay, nil).Wrap(empty), tampered(w.sign(b, nil)))
}
