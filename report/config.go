package report

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Defaults and floors of a Config.
const (
	DefaultMaxBytes = 64 << 20
	MinMaxBytes     = 256 << 10
	DefaultLinger   = 2 * time.Second
)

// Config is everything a Reporter is made of.
type Config struct {
	// Dir is the directory of the spool; it is made when absent. Who can write
	// there can forge and erase what has not been delivered. Required.
	Dir string
	// URL is the issuer's intake, …/events: https, or http on loopback. Required.
	URL string
	// Client sends; its RoundTripper adds the token. Redirects are not followed.
	// Required.
	Client *http.Client
	// Now is the clock. Required; time.Now in production.
	Now func() time.Time
	// MaxBytes bounds the spool on disk; default 64 MiB, at least 256 KiB. Events
	// that the issuer refuses for good take up to 1 MiB more.
	MaxBytes int64
	// Linger is how long folded presentations wait for others; default 2 s.
	Linger time.Duration

	_ struct{} // keyed literals only
}

func (c *Config) check() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Dir == "" {
		fault("Dir is required")
	}
	if err := checkURL(c.URL); err != nil {
		fault("URL: %w", err)
	}
	if c.Client == nil {
		fault("Client is required: its RoundTripper adds the token")
	}
	if c.Now == nil {
		fault("Now is required: pass time.Now")
	}
	if c.MaxBytes < 0 || c.MaxBytes > 0 && c.MaxBytes < MinMaxBytes {
		fault("MaxBytes is %d; the least is %d", c.MaxBytes, MinMaxBytes)
	}
	if c.Linger < 0 {
		fault("Linger must not be negative")
	}
	return errors.Join(errs...)
}

func checkURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "":
		return errors.New("is required: the issuer's intake of events")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("must not carry user information, a query or a fragment")
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	}
	return errors.New("must be https, or http on loopback")
}

func isLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// client follows no redirect: events are meant for one address.
func (c *Config) client() *http.Client {
	copied := *c.Client
	copied.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &copied
}

func (c *Config) maxBytes() int64 {
	if c.MaxBytes == 0 {
		return DefaultMaxBytes
	}
	return c.MaxBytes
}

func (c *Config) linger() time.Duration {
	if c.Linger == 0 {
		return DefaultLinger
	}
	return c.Linger
}

// limits of one delivery.
type limits struct {
	events   int           // in one batch
	bytes    int           // in one batch
	timeout  time.Duration // of one request
	backoff  time.Duration // after the first failure
	ceiling  time.Duration // of the backoff
	patience time.Duration // the longest Retry-After that is obeyed
}

func (c *Config) limits() limits {
	return limits{
		events: 500, bytes: 256 << 10, timeout: 30 * time.Second,
		backoff: 500 * time.Millisecond, ceiling: time.Minute, patience: 5 * time.Minute,
	}
}
