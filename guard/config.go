package guard

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
)

// Defaults and ceilings of a Config.
const (
	DefaultNoisePerSecond = 20
	DefaultFolds          = 8192
	DefaultSeenEvery      = time.Minute
	DefaultMaxContent     = 1 << 20
	MaxObserve            = 92 * 24 * time.Hour
)

// Config is everything a Guard is made of. Fields marked required have no
// default.
type Config struct {
	// Verifier decides about tokens and names the one audience. Required.
	Verifier *narrowcast.Verifier
	// Sink takes the events. Required; a guard that shall keep no record says so
	// with DangerouslyRecordNothing{}.
	Sink event.Sink
	// Now is the clock. Required; time.Now in production.
	Now func() time.Time
	// Name is the writer of the events, 1 to 256 characters, unique among all
	// guards of an issuer. Required.
	Name string

	// ScopeFor says which scope a request needs; default none. It gets a request
	// without its token and its proof. Behind forward-auth, method and URL are
	// those of the original request, and both must be named. With a ScopeFor,
	// requests are refused whose method is not in capitals, or whose path has dot
	// or empty segments, semicolons, backslashes, control characters, encoded
	// slashes or percent signs, segments that end in a dot or a space, or broken
	// UTF-8: two parties may read them differently.
	ScopeFor func(*http.Request) narrowcast.Scope
	// Peer says who the other end is; default the address of the connection
	// without its port. It goes into events and into nothing else. Set it only
	// behind a proxy that overwrites what it reads.
	Peer func(*http.Request) string

	// Sender says whether tokens must be bound to their sender; default what the
	// verifier says.
	Sender Sender
	// DPoP accepts proofs of possession; default not.
	DPoP DPoP
	// Certificates says how the certificates of callers arrive; default with the
	// connection alone.
	Certificates Certificates

	// Feed tells how much is known of revocations; default nothing. It is the same
	// feed.Follower that the verifier asks. Run reports each change that it brought.
	Feed Feed
	// MaxContent bounds the content of a request, in bytes, that is read to compare it
	// with a token that is for one exact request; a longer one is refused. Default 1 MiB.
	MaxContent int64
	// Passthrough names the audiences that a presenter serves; default nobody does.
	// It is asked about genuine tokens at the wrong door: when the token is addressed to
	// its presenter, the event says so in its Detail.
	Passthrough func(Presenter) []narrowcast.Audience

	// AuthorizationServers are published in the metadata (RFC 9728 section 2);
	// default those issuers of the verifier that are web addresses.
	AuthorizationServers []narrowcast.Issuer
	// ScopesSupported is published in the metadata; default nothing.
	ScopesSupported narrowcast.Scope
	// MetadataURL is the address of the metadata that challenges name; default
	// the well-known address of the audience (RFC 9728 section 3.1). Needed only
	// for an audience that is not a web address, and then optional.
	MetadataURL string

	// NoisePerSecond bounds how many rejections of tokens that are not genuine
	// are recorded each second; the rest is counted. Default 20.
	NoisePerSecond int
	// Folds bounds how many pairs of token and peer are remembered within a
	// minute, accepted ones and refused ones each; when full, the oldest is
	// recorded early. Default 8192.
	Folds int
	// SeenEvery is how often Run reports the guard itself; default one minute.
	SeenEvery time.Duration
	// Software is named in those reports.
	Software string

	// DangerouslyObserveAudience lets requests pass whose token fails the checks
	// of the audience and no other one. See Observe.
	DangerouslyObserveAudience Observe
	// DangerouslyPassAuthorization leaves the headers Authorization and DPoP in
	// requests that Wrap hands on. A handler that has it can forward it or print it.
	DangerouslyPassAuthorization bool

	_ struct{} // keyed literals only
}

// Observe sets the audience checks aside, and nothing else, until a date: the
// request goes on without a Token and is recorded as would_reject. Somebody must
// own the exception, and it ends by itself. The zero Observe enforces.
type Observe struct {
	Owner string    // who answers for it; required
	Until time.Time // from this instant on the guard enforces; required, at most MaxObserve away
}

// DangerouslyRecordNothing is the sink of a guard that keeps no record.
type DangerouslyRecordNothing struct{}

// Record forgets the event.
func (DangerouslyRecordNothing) Record(event.Event) {}

// check returns the faults of c, all of them.
func (c *Config) check() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Verifier == nil || c.Verifier.Audience().IsZero() {
		fault("Verifier is required: make one with narrowcast.NewVerifier")
	}
	if c.Sink == nil {
		fault("Sink is required: what is not recorded did not happen")
	}
	if c.Now == nil {
		fault("Now is required: pass time.Now")
	}
	if c.Name == "" || len(c.Name) > 256 {
		fault("Name is required: 1 to 256 characters")
	}
	if c.NoisePerSecond < 0 || c.Folds < 0 || c.SeenEvery < 0 || c.MaxContent < 0 {
		fault("NoisePerSecond, Folds, SeenEvery and MaxContent must not be negative")
	}
	if err := checkMetadataURL(c.MetadataURL); err != nil {
		fault("MetadataURL: %w", err)
	}
	for i, server := range c.AuthorizationServers {
		if server.IsZero() {
			fault("AuthorizationServers[%d] is empty", i)
		}
	}
	errs = append(errs, c.checkObserve(), c.checkSender())
	return errors.Join(errs...)
}

// checkObserve accepts an end date in the past: a restart after the end must
// not fail, it enforces.
func (c *Config) checkObserve() error {
	o := c.DangerouslyObserveAudience
	switch {
	case o == Observe{}:
		return nil
	case o.Owner == "" || o.Until.IsZero():
		return errors.New("DangerouslyObserveAudience needs an Owner and an end date Until")
	case c.Now != nil && o.Until.After(c.Now().Add(MaxObserve)):
		return fmt.Errorf("DangerouslyObserveAudience.Until is more than %d days away", int(MaxObserve.Hours()/24))
	}
	return nil
}

func checkMetadataURL(s string) error {
	if s == "" {
		return nil
	}
	if _, err := narrowcast.ParseAudience(s); err != nil {
		return err
	}
	if u, err := url.Parse(s); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("is not a web address")
	}
	return nil
}

func (c *Config) noisePerSecond() int {
	if c.NoisePerSecond == 0 {
		return DefaultNoisePerSecond
	}
	return c.NoisePerSecond
}

func (c *Config) folds() int {
	if c.Folds == 0 {
		return DefaultFolds
	}
	return c.Folds
}

func (c *Config) seenEvery() time.Duration {
	if c.SeenEvery == 0 {
		return DefaultSeenEvery
	}
	return c.SeenEvery
}

func (c *Config) maxContent() int64 {
	if c.MaxContent == 0 {
		return DefaultMaxContent
	}
	return c.MaxContent
}

func (c *Config) peer() func(*http.Request) string {
	if c.Peer == nil {
		return connectionPeer
	}
	return c.Peer
}

// connectionPeer cuts the port, which differs for each connection of one peer.
func connectionPeer(r *http.Request) string {
	if i := strings.LastIndexByte(r.RemoteAddr, ':'); i > 0 {
		return strings.Trim(r.RemoteAddr[:i], "[]")
	}
	return r.RemoteAddr
}
