package probe

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/forge"
)

// Defaults and ceilings of a Config.
const (
	DefaultTimeout = 5 * time.Second
	MaxTimeout     = time.Minute
	MaxPause       = 10 * time.Second
)

// Config says what is probed and on whose behalf.
type Config struct {
	// Target is the address that is asked with GET, which must be safe there
	// (RFC 9110 section 9.2.1). Required. http or https, without user
	// information and fragment; its query is sent and never reported.
	Target string
	// Hosts are the hosts, with the port if there is one, whose owners agreed to
	// be probed. Loopback addresses need no entry.
	Hosts []string
	// Audience is the resource behind Target. Required.
	Audience narrowcast.Audience
	// Issuer is the issuer that the door trusts for this visit, with the public
	// set of Keys. Required.
	Issuer narrowcast.Issuer
	// Keys sign the tokens. Required.
	Keys *Keys
	// Now is the clock. Required; time.Now in production.
	Now func() time.Time

	// Algorithm signs wherever the algorithm is not the point; default ES256.
	Algorithm narrowcast.Algorithm
	// Other is the audience of tokens for somebody else; default a reserved name.
	Other narrowcast.Audience
	// Subject and Client of the tokens; default "narrowcast-probe".
	Subject narrowcast.Subject
	Client  narrowcast.ClientID
	// Scope is what the tokens carry; default Required.
	Scope narrowcast.Scope
	// Required is the scope that Target demands. Without it the faults of scope
	// are not tried.
	Required narrowcast.Scope
	// Tenant and Environment are what the door expects, if it does. Without them
	// their faults are not tried.
	Tenant, Environment string

	// Timeout bounds one request; default 5 s, at most a minute.
	Timeout time.Duration
	// Pause is waited between two requests; default none, at most 10 s.
	Pause time.Duration
	// RootCAs are trusted for https; default those of the system.
	RootCAs *x509.CertPool

	_ struct{} // keyed literals only
}

// check returns all faults of c at once.
func (c *Config) check() (target, error) {
	t, err := parseTarget(c.Target, c.Hosts)
	errs := []error{err}
	require := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	require(!c.Audience.IsZero(), "Audience is required: whom the tokens of this door name")
	require(!c.Issuer.IsZero(), "Issuer is required: the one that the door trusts for this visit")
	require(c.Keys != nil && len(c.Keys.first) > 0, "Keys is required: NewKeys makes them")
	require(c.Now != nil, "Now is required: pass time.Now")
	require(c.Algorithm == "" || slices.Contains(algorithms(), c.Algorithm), "Algorithm %q is not one of %v", c.Algorithm, algorithms())
	require(c.Audience.IsZero() || c.Audience != c.other(), "Other is the audience itself")
	require(c.scope().Covers(c.Required), "Scope does not cover Required, so even right tokens would be refused")
	require(c.Timeout >= 0 && c.Timeout <= MaxTimeout, "Timeout is %s; allowed are 0 (meaning %s) to %s", c.Timeout, DefaultTimeout, MaxTimeout)
	require(c.Pause >= 0 && c.Pause <= MaxPause, "Pause is %s; allowed are 0 to %s", c.Pause, MaxPause)
	return t, errors.Join(errs...)
}

func (c *Config) timeout() time.Duration {
	if c.Timeout == 0 {
		return DefaultTimeout
	}
	return c.Timeout
}

func (c *Config) scope() narrowcast.Scope {
	if c.Scope.IsZero() {
		return c.Required
	}
	return c.Scope
}

func (c *Config) other() narrowcast.Audience {
	if c.Other.IsZero() {
		return narrowcast.MustAudience("https://somebody-else.example.test")
	}
	return c.Other
}

const nobody = "narrowcast-probe"

// world is where the tokens of one visit come from.
func (c *Config) world() *forge.World {
	w := &forge.World{
		Issuer: c.Issuer, Second: narrowcast.MustIssuer("https://another-issuer.example.test"),
		Audience: c.Audience, Other: c.other(), Subject: c.Subject, Client: c.Client,
		Scope: c.scope(), Required: c.Required, Tenant: c.Tenant, Environment: c.Environment,
		Now: c.Now(), Base: c.Algorithm, Ceiling: narrowcast.CeilingMaxLifetime,
		Keys:  forge.Keys{First: c.Keys.first, Stranger: c.Keys.stranger},
		NewID: func(string) narrowcast.TokenID { return narrowcast.TokenID(rand.Text()) },
	}
	if w.Subject == "" {
		w.Subject = nobody
	}
	if w.Client == "" {
		w.Client = nobody
	}
	if c.Tenant != "" {
		w.Always = append(w.Always, forge.Tenant)
	}
	if c.Environment != "" {
		w.Always = append(w.Always, forge.Environment)
	}
	return w
}

// missing names the first need of a fault that this door does not meet.
func (c *Config) missing(needs []forge.Need) string {
	met := map[forge.Need]bool{
		forge.Scope: !c.Required.IsZero(), forge.Tenant: c.Tenant != "", forge.Environment: c.Environment != "",
	}
	_, beyond, _ := strings.Cut(c.Audience.String(), "://")
	met[forge.PathAudience] = strings.Contains(beyond, "/")
	for _, n := range needs {
		if !met[n] {
			return string(n)
		}
	}
	return ""
}

// client takes no proxy from the environment, follows no redirect and keeps no
// cookie: what answers is the door.
func (c *Config) client() *http.Client {
	return &http.Client{
		Timeout: c.timeout(),
		Transport: &http.Transport{
			TLSClientConfig:        &tls.Config{RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12},
			MaxResponseHeaderBytes: 64 << 10,
			MaxConnsPerHost:        1,
			IdleConnTimeout:        c.timeout(),
			DisableCompression:     true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
