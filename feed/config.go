package feed

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// Config is everything a Follower is made of.
type Config struct {
	// Issuer is whose tokens the feed is about. Others are not looked up. Required.
	Issuer narrowcast.Issuer
	// Audience is the resource that is asked about. Required.
	Audience narrowcast.Audience
	// URL is the issuer's feed, …/feed: https, or http on loopback. Required.
	URL string
	// Client connects; its RoundTripper adds the token. Redirects are not followed,
	// and its Timeout does not count. Required.
	Client *http.Client
	// Now is the clock. Required; time.Now in production.
	Now func() time.Time

	// StaleAfter is how old what is known may become, 2 s to one hour; default what
	// the issuer says, and until it has, a minute. Of the two the shorter one counts.
	StaleAfter time.Duration
	// WhenStale is what then happens; default what the issuer says, and until it has,
	// Refuse. Accept counts only where the issuer does not say Refuse.
	WhenStale WhenStale
	// File keeps the state over a restart; default nowhere, and then a restart while
	// the issuer is away knows nothing. Its directory must exist. Who can write there
	// can bring the dead to life. One file belongs to one follower.
	File string
	// Notice is told of what operators should see: a state file that cannot be read
	// or written, an issuer that cannot be followed. Default nobody. It must not block.
	Notice func(error)

	_ struct{} // keyed literals only
}

func (c *Config) check() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Issuer.IsZero() {
		fault("Issuer is required")
	}
	if c.Audience.IsZero() {
		fault("Audience is required")
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
	if c.StaleAfter != 0 && (c.StaleAfter < MinStaleAfter || c.StaleAfter > MaxStaleAfter) {
		fault("StaleAfter is %s; allowed are 0 (meaning what the issuer says) and %s to %s", c.StaleAfter, MinStaleAfter, MaxStaleAfter)
	}
	if c.WhenStale != "" && c.WhenStale != Refuse && c.WhenStale != Accept {
		fault("WhenStale must be %s, %s or empty", Refuse, Accept)
	}
	return errors.Join(errs...)
}

func checkURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "":
		return errors.New("is required: the feed of the issuer")
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

// client follows no redirect: the token is meant for one address. A stream has no
// end that a time-out could wait for; the follower watches it itself.
func (c *Config) client() *http.Client {
	copied := *c.Client
	copied.Timeout = 0
	copied.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &copied
}

// limits of one connection.
type limits struct {
	answer   time.Duration // until the answer begins
	silence  time.Duration // from one message to the next
	backoff  time.Duration // after the first failure
	ceiling  time.Duration // of the backoff
	patience time.Duration // the longest Retry-After that is obeyed
	notice   time.Duration // between two notices of one kind
}

func (c *Config) limits() limits {
	return limits{
		answer: 10 * time.Second, silence: 3 * Heartbeat,
		backoff: 200 * time.Millisecond, ceiling: 5 * time.Second, patience: 30 * time.Second,
		notice: time.Minute,
	}
}
