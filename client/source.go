// Package client is the caller's side: it asks an issuer for tokens and puts
// the right one on each request.
//
// There is one cached token for each resource, and no way to ask without naming
// one. No function of this package returns a token for nobody or for two
// resources.
package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/dpop"
)

// Defaults and limits of a Config.
const (
	DefaultTimeout   = 10 * time.Second
	DefaultMaxTokens = 1024

	ceilingTimeout   = time.Minute
	ceilingMaxTokens = 1 << 16
)

// Config is what a Source is made of.
type Config struct {
	// Issuer is who is asked. Required; https, or http on a loopback host.
	Issuer narrowcast.Issuer
	// TokenEndpoint is where it is asked. Default: what the issuer's metadata
	// says (RFC 8414), which must name the same issuer.
	TokenEndpoint string
	// Authenticate proves who is asking. Required.
	Authenticate Authenticator
	// Now is the clock. Required; time.Now in production.
	Now func() time.Time
	// DPoP is the key that the tokens are bound to (RFC 9449); default none. Use one
	// for this source alone. An issuer that answers with a bearer token is an error.
	DPoP *dpop.Prover
	// Task is the task that all tokens of this source belong to and die with;
	// default none. Our own parameter: other issuers ignore it.
	Task narrowcast.TaskID
	// Transport carries the requests to the issuer; default http.DefaultTransport.
	// It has the client's certificate where that is the proof.
	Transport http.RoundTripper
	// RequireConfirmation refuses a token when the issuer's answer does not name
	// the resource that it is for (member "resource"). An answer that names
	// another is refused in any case.
	RequireConfirmation bool
	// Timeout bounds the fetching of one token; default 10 s, at most a minute.
	Timeout time.Duration
	// MaxTokens bounds how many tokens are kept; default 1024.
	MaxTokens int

	_ struct{}
}

func (c *Config) check() error {
	var errs []error
	if c.Issuer.IsZero() {
		errs = append(errs, errors.New("Issuer is required"))
	} else if err := checkEndpoint(c.Issuer.String()); err != nil {
		errs = append(errs, fmt.Errorf("Issuer: %w", err))
	}
	if c.TokenEndpoint != "" {
		if err := checkEndpoint(c.TokenEndpoint); err != nil {
			errs = append(errs, fmt.Errorf("TokenEndpoint: %w", err))
		}
	}
	if c.Authenticate == nil {
		errs = append(errs, errors.New("Authenticate is required: NewPrivateKeyJWT makes one"))
	}
	if showsCertificate(c.Authenticate) && c.Transport == nil {
		errs = append(errs, errors.New("Transport is required with a client certificate: it shows it"))
	}
	if c.DPoP != nil && c.DPoP.Thumbprint() == "" {
		errs = append(errs, errors.New("DPoP was never configured: dpop.NewProver makes one"))
	}
	if c.Now == nil {
		errs = append(errs, errors.New("Now is required: pass time.Now"))
	}
	if c.Timeout < 0 || c.Timeout > ceilingTimeout {
		errs = append(errs, fmt.Errorf("Timeout is %s; allowed are 0 (meaning %s) to %s", c.Timeout, DefaultTimeout, ceilingTimeout))
	}
	if c.MaxTokens < 0 || c.MaxTokens > ceilingMaxTokens {
		errs = append(errs, fmt.Errorf("MaxTokens is %d; allowed are 0 (meaning %d) to %d", c.MaxTokens, DefaultMaxTokens, ceilingMaxTokens))
	}
	return errors.Join(errs...)
}

// Source fetches and keeps one token for each resource and scope. It may be
// used by many goroutines; however many ask at once, the issuer is asked once.
// The zero Source returns only errors.
type Source struct {
	desk *desk
	now  func() time.Time
	max  int

	mu      sync.Mutex
	entries map[want]*entry
}

// want is what a token was asked for.
type want struct {
	audience narrowcast.Audience
	scope    narrowcast.Scope
	subject  narrowcast.Fingerprint // of the token that it is exchanged for; zero for none
}

// ask is one question to the issuer: what is wanted, and what goes with it.
type ask struct {
	want
	subject string // the text of the token that is exchanged, a secret
	details string // the value of authorization_details
}

// entry is the token for one want, and the fetch that is under way for it.
type entry struct {
	token     Token
	flight    *flight
	refreshAt time.Time // fetch anew from here on, although the token is still good
	droppedAt time.Time
}

// flight is one fetch. token and err are set before done is closed.
type flight struct {
	done  chan struct{}
	token Token
	err   error
}

// NewSource makes a Source, or returns every fault of the configuration. It
// asks for nothing yet.
func NewSource(c Config) (*Source, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.MaxTokens == 0 {
		c.MaxTokens = DefaultMaxTokens
	}
	return &Source{desk: newDesk(c), now: c.Now, max: c.MaxTokens, entries: make(map[want]*entry)}, nil
}

// String says whose tokens s fetches.
func (s *Source) String() string {
	if s == nil || s.desk == nil {
		return "no token source"
	}
	return "token source at " + s.desk.issuer.String()
}

// Format writes String for every verb: a Source holds tokens and changes while
// it is printed.
func (s *Source) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

var (
	errNoSource   = errors.New("client: the source was never configured")
	errNoAudience = errors.New("client: name the resource: a token is asked for exactly one audience")
	errFull       = errors.New("client: too many resources at once: every place for a token is being fetched")
)

// Token returns a token for one resource (RFC 8707 section 2) and the given
// scope; the zero Scope leaves the scope to the issuer. The issuer may grant
// less than was asked, never more: see Token.Scope.
//
// A kept token is returned at once until 80 % of its life have passed, less a
// random part. Then it is fetched anew beside the callers, and as long as that
// fails the kept one is returned while it lasts. ctx bounds the wait of this
// call; the fetch itself is bounded by Config.Timeout. An answer of the issuer
// that refuses is an *Error.
func (s *Source) Token(ctx context.Context, audience narrowcast.Audience, scope narrowcast.Scope) (Token, error) {
	return s.keptOrFetched(ctx, ask{want: want{audience: audience, scope: scope}})
}

func (s *Source) keptOrFetched(ctx context.Context, a ask) (Token, error) {
	if s == nil || s.desk == nil {
		return Token{}, errNoSource
	}
	if a.audience.IsZero() {
		return Token{}, errNoAudience
	}
	kept, f := s.look(ctx, a)
	if f == nil && kept.text == nil {
		return Token{}, errFull
	}
	if f == nil {
		return kept, nil
	}
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return Token{}, fmt.Errorf("client: waiting for a token for %s: %w", a.audience, ctx.Err())
	}
}

// look returns a kept token that is good, or else the fetch to wait for.
func (s *Source) look(ctx context.Context, a ask) (Token, *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	e := s.entry(a.want, now)
	if e == nil {
		return Token{}, nil
	}
	good := e.token.usable(now)
	if e.flight == nil && (!good || !now.Before(e.refreshAt)) {
		e.flight = &flight{done: make(chan struct{})}
		go s.fetch(context.WithoutCancel(ctx), a, e, e.flight)
	}
	if good {
		return e.token, nil
	}
	return Token{}, e.flight
}

// entry finds or makes the place for a want. It returns nil when all places are
// taken by fetches under way.
func (s *Source) entry(w want, now time.Time) *entry {
	if e := s.entries[w]; e != nil {
		return e
	}
	if len(s.entries) >= s.max {
		s.forgetSome(now)
	}
	if len(s.entries) >= s.max {
		return nil
	}
	e := new(entry)
	s.entries[w] = e
	return e
}

// forgetSome drops every token that has expired, or else any one.
func (s *Source) forgetSome(now time.Time) {
	var any *want
	for w, e := range s.entries {
		switch {
		case e.flight != nil:
		case !e.token.usable(now):
			delete(s.entries, w)
		default:
			any = &w
		}
	}
	if len(s.entries) >= s.max && any != nil {
		delete(s.entries, *any)
	}
}

// retryAfter is the wait before a token that is still good is fetched anew
// after a fetch that failed.
const retryAfter = 5 * time.Second

func (s *Source) fetch(ctx context.Context, a ask, e *entry, f *flight) {
	asked := s.now()
	token, err := s.desk.ask(ctx, a)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		e.token = token
		e.refreshAt = refreshAt(asked, token.expires)
	} else {
		e.refreshAt = s.now().Add(retryAfter)
	}
	f.token, f.err, e.flight = token, err, nil
	close(f.done)
}

// refreshAt is 80 % of the life of a token, less up to a tenth of that, so that
// callers who began together do not come back together.
func refreshAt(from, expires time.Time) time.Time {
	d := expires.Sub(from) * 8 / 10
	if d >= 10 {
		d -= rand.N(d / 10)
	}
	return from.Add(d)
}

// dropOnce bounds how often a token is thrown away because a resource server
// refused it: a server that refuses everything must not make the issuer mint.
const dropOnce = 10 * time.Second

// Drop throws away t, because its resource refused it, so that the next call of
// Token returns another. It reports whether that is so: a token that was
// replaced already counts, but within ten seconds only one token is thrown away
// for one resource and scope.
func (s *Source) Drop(t Token) bool {
	if s == nil || s.desk == nil || t.text == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e, now := s.entries[t.asked], s.now()
	if e == nil || e.token.text != t.text {
		return e != nil && e.token.usable(now)
	}
	if !e.droppedAt.IsZero() && now.Sub(e.droppedAt) < dropOnce {
		return false
	}
	e.token, e.droppedAt = Token{}, now
	return true
}
