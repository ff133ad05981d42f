package jwks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// Defaults and limits of an HTTPConfig.
const (
	DefaultBetween = 10 * time.Second
	DefaultMaxAge  = 15 * time.Minute
	DefaultKeepFor = 24 * time.Hour
	DefaultTimeout = 5 * time.Second

	// LeastMaxAge bounds how often an issuer can make its verifiers ask.
	LeastMaxAge = time.Minute

	ceilingBetween = time.Hour
	ceilingMaxAge  = 24 * time.Hour
	ceilingKeepFor = 7 * 24 * time.Hour
	ceilingTimeout = 30 * time.Second

	// whileCold is the wait between fetches as long as no set is held.
	whileCold = time.Second
)

// HTTPConfig is what an HTTP source is made of.
type HTTPConfig struct {
	// URL is where the issuer publishes its set. Required; https, or http to a
	// loopback host. It comes from configuration, never from a token.
	URL string
	// Now is the clock. Required; time.Now in production.
	Now func() time.Time
	// Transport carries the requests; default http.DefaultTransport.
	Transport http.RoundTripper
	// Options say what the document leaves open.
	Options Options

	// Between is the least time between two fetches, whatever the reason;
	// default 10 s, at most an hour. Up to a quarter is added at random. While
	// no set is held at all the wait is one second, or Between if that is less.
	Between time.Duration
	// MaxAge is how old a set may become before it is fetched again; default 15
	// minutes, between a minute and a day. A shorter max-age in the issuer's
	// Cache-Control (RFC 9111 section 5.2.2.1) counts, down to a minute.
	MaxAge time.Duration
	// KeepFor is how long the last good set is used while no newer one can be
	// had; default 24 hours, at most seven days. It bounds how long the removal
	// of a key may go unnoticed.
	KeepFor time.Duration
	// Timeout bounds one fetch; default 5 s, at most 30 s.
	Timeout time.Duration

	_ struct{}
}

// HTTP is a key set that is fetched and kept. It may be used by many goroutines.
//
// A key that is held is answered at once, also while a fetch is under way. A
// fetch begins inside a call of Key that finds the set due or the key unknown,
// or in Run; there is one at a time. After a quiet time without Run the first
// calls are answered from the old set, never from one older than KeepFor.
type HTTP struct {
	k      *keeper
	client *http.Client
	url    string
	opts   Options
	limit  time.Duration
	maxAge time.Duration
}

// NewHTTP makes an HTTP source, or returns every fault of the configuration. It
// fetches nothing yet.
func NewHTTP(c HTTPConfig) (*HTTP, error) {
	var errs []error
	u, err := checkURL(c.URL)
	if err != nil {
		errs = append(errs, fmt.Errorf("URL: %w", err))
	}
	if c.Now == nil {
		errs = append(errs, errors.New("Now is required: pass time.Now"))
	}
	if err := c.Options.check(); err != nil {
		errs = append(errs, err)
	}
	between := bounded("Between", c.Between, DefaultBetween, time.Millisecond, ceilingBetween, &errs)
	maxAge := bounded("MaxAge", c.MaxAge, DefaultMaxAge, LeastMaxAge, ceilingMaxAge, &errs)
	keepFor := bounded("KeepFor", c.KeepFor, DefaultKeepFor, time.Minute, ceilingKeepFor, &errs)
	limit := bounded("Timeout", c.Timeout, DefaultTimeout, time.Millisecond, ceilingTimeout, &errs)
	if keepFor < maxAge {
		errs = append(errs, fmt.Errorf("KeepFor is %s, which is shorter than MaxAge, %s", keepFor, maxAge))
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("jwks: http source: %w", errors.Join(errs...))
	}
	h := &HTTP{url: u.String(), opts: c.Options, limit: limit, maxAge: maxAge}
	h.client = &http.Client{Transport: c.Transport, CheckRedirect: sameOrigin}
	h.k = &keeper{load: h.fetch, now: c.Now, between: between, cold: min(between, whileCold), keepFor: keepFor, spread: true}
	return h, nil
}

// bounded returns d, or the default for 0, and adds a fault when d is out of range.
func bounded(name string, d, otherwise, least, most time.Duration, errs *[]error) time.Duration {
	if d == 0 {
		return otherwise
	}
	if d < least || d > most {
		*errs = append(*errs, fmt.Errorf("%s is %s; allowed are 0 (meaning %s) and %s to %s", name, d, otherwise, least, most))
	}
	return d
}

// Key returns the key with this id. An unknown id makes it fetch the set if the
// last fetch is long enough ago, and wait for that as long as ctx allows. The
// error wraps narrowcast.ErrKeyUnknown when the issuer's newest set, as far as
// known, has no such key; any other error means that this could not be found out.
func (h *HTTP) Key(ctx context.Context, id narrowcast.KeyID) (narrowcast.Key, error) {
	if h == nil || h.k == nil {
		return narrowcast.Key{}, ErrNotMade
	}
	return h.k.key(ctx, id)
}

// Peek returns a key that is held now. It causes no traffic.
func (h *HTTP) Peek(id narrowcast.KeyID) (narrowcast.Key, bool) {
	if h == nil || h.k == nil {
		return narrowcast.Key{}, false
	}
	return h.k.peek(id)
}

// Stats returns the state of the source.
func (h *HTTP) Stats() Stats {
	if h == nil || h.k == nil {
		return Stats{LastError: ErrNotMade}
	}
	return h.k.report()
}

// Run fetches the set now and whenever it is due, until ctx ends, and returns
// the error of ctx. Running it is optional; it keeps a quiet source fresh.
func (h *HTTP) Run(ctx context.Context) error {
	if h == nil || h.k == nil {
		return ErrNotMade
	}
	return h.k.tend(ctx)
}

// tend is the loop of Run.
func (k *keeper) tend(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		now := k.now()
		if h := k.held.Load(); h == nil || !now.Before(h.due) {
			_ = k.refresh(ctx, now) // kept in Stats
		}
		timer.Reset(k.pause(k.now()))
	}
}

// pause is the time until the next load may be worth trying.
func (k *keeper) pause(now time.Time) time.Duration {
	k.mu.Lock()
	at := k.next
	k.mu.Unlock()
	if h := k.held.Load(); h != nil && h.due.After(at) {
		at = h.due
	}
	return max(at.Sub(now), k.cold)
}
