package quota

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// GateConfig is what a Gate is made of. Next and Now are required.
type GateConfig struct {
	Next http.Handler
	Now  func() time.Time
	// PerSecond bounds the requests of a second, Concurrent those at one time; 0
	// is no bound.
	PerSecond  int
	Concurrent int
	// Lasts says which requests stay for as long as they like, and so do not count
	// as concurrent; whoever answers them has a bound of his own. Default none.
	Lasts func(*http.Request) bool

	_ struct{}
}

// Gate stands before all that one tenant serves. It reads nothing of a request
// before it lets it in. The zero Gate lets nobody in.
type Gate struct {
	next       http.Handler
	now        func() time.Time
	rate       *Rate
	concurrent int64
	lasts      func(*http.Request) bool
	inside     atomic.Int64
	turned     atomic.Uint64
}

// NewGate makes a Gate, or returns every fault of the configuration.
func NewGate(c GateConfig) (*Gate, error) {
	var errs []error
	if c.Next == nil {
		errs = append(errs, errors.New("quota: Next is required"))
	}
	if c.Now == nil {
		errs = append(errs, errors.New("quota: Now is required"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Gate{next: c.Next, now: c.Now, rate: NewRate(c.PerSecond), concurrent: int64(c.Concurrent), lasts: c.Lasts}, nil
}

// Turned counts the requests that were turned away.
func (g *Gate) Turned() uint64 { return g.turned.Load() }

// ServeHTTP lets a request in, or answers 429 (RFC 6585 section 4).
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g == nil || g.next == nil {
		TooMany(w)
		return
	}
	var inside int64
	if g.lasts == nil || !g.lasts(r) {
		inside = g.inside.Add(1)
		defer g.inside.Add(-1)
	}
	if g.concurrent > 0 && inside > g.concurrent || !g.rate.Take(g.now()) {
		g.turned.Add(1)
		TooMany(w)
		return
	}
	g.next.ServeHTTP(w, r)
}

// TooMany is the answer to a request beyond a quota.
func TooMany(w http.ResponseWriter) {
	body, _ := json.Marshal(map[string]string{ // cannot fail
		"error": "temporarily_unavailable", "error_description": "This tenant sends more than it may. Try again later.",
	})
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Retry-After", "1")
	w.WriteHeader(http.StatusTooManyRequests)
	_, _ = w.Write(body) // the caller may be gone
}
