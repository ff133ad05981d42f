package spiffe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/trust/fetch"
)

// EndpointConfig is what a source from a bundle endpoint is made of (SPIFFE
// Federation section 5). The URL comes from configuration, never from a token.
type EndpointConfig struct {
	Domain Domain
	URL    string
	// Server is the SPIFFE ID that the endpoint must have: the profile
	// https_spiffe. Without it the profile is https_web, and the certificate of
	// the endpoint is verified as that of any web server.
	Server string
	// Bootstrap is the bundle document that vouches for the endpoint at first.
	// Required with Server. Once a newer one was fetched, that one counts alone.
	// It vouches for no workload. A bundle without authorities locks the endpoint
	// out too, until the source is made anew with another bootstrap.
	Bootstrap []byte
	Now       func() time.Time
	// Transport carries the requests of https_web; by default one that trusts
	// the store of the machine.
	Transport http.RoundTripper
	// KeepFor is how long the last good bundle is used while no newer one can be
	// had; default 24 hours, at most seven days.
	KeepFor time.Duration
	// Timeout bounds one fetch; default 5 s, at most 30 s.
	Timeout time.Duration
	// Notice, if set, is told how each fetch ended.
	Notice func(error)

	_ struct{}
}

// endpoint fetches bundles. One load at a time touches it.
type endpoint struct {
	domain Domain
	url    string
	server ID
	client *http.Client
	now    func() time.Time
	last   *Bundle // the newest that was fetched, to compare sequences
	trust  *Bundle // what vouches for the endpoint itself
}

// NewEndpoint makes a Source of a bundle endpoint. It fetches nothing yet.
func NewEndpoint(c EndpointConfig) (*Source, error) {
	shared := common{now: c.Now, keepFor: c.KeepFor, timeout: c.Timeout, notice: c.Notice}
	var errs []error
	shared.check(&errs)
	if err := checkDomain(string(c.Domain)); err != nil {
		errs = append(errs, fmt.Errorf("Domain: %w", err))
	}
	if err := fetch.CheckURL(c.URL); err != nil {
		errs = append(errs, fmt.Errorf("URL: %w", err))
	}
	e := &endpoint{domain: c.Domain, url: c.URL, now: c.Now}
	errs = append(errs, e.authenticate(c)...)
	if len(errs) > 0 {
		return nil, fmt.Errorf("spiffe: bundle endpoint: %w", errors.Join(errs...))
	}
	e.client.CheckRedirect = fetch.Stay
	return &Source{domain: c.Domain, from: shared.keeper(LeastRefresh, false, e.load)}, nil
}

// authenticate decides how the endpoint proves who it is.
func (e *endpoint) authenticate(c EndpointConfig) (errs []error) {
	if c.Server == "" {
		if len(c.Bootstrap) > 0 {
			errs = append(errs, errors.New("Bootstrap is for https_spiffe, which needs Server"))
		}
		if c.Transport == nil {
			c.Transport = fetch.Transport(&tls.Config{MinVersion: tls.VersionTLS12}, false)
		}
		e.client = &http.Client{Transport: c.Transport}
		return errs
	}
	var err error
	if e.server, err = ParseID(c.Server); err != nil {
		errs = append(errs, fmt.Errorf("Server: %w", err))
	} else if e.server.Domain() != c.Domain {
		errs = append(errs, fmt.Errorf("Server: an endpoint is known by the bundle that it serves, so it must be of %s", c.Domain))
	}
	if !strings.HasPrefix(c.URL, "https://") {
		errs = append(errs, errors.New("URL: an endpoint with a SPIFFE ID is reached over https"))
	}
	if c.Transport != nil {
		errs = append(errs, errors.New("Transport is for https_web, Server is for https_spiffe"))
	}
	if e.trust, err = ParseBundle(c.Domain, c.Bootstrap); err != nil {
		errs = append(errs, fmt.Errorf("Bootstrap: %w", err))
	}
	e.client = &http.Client{Transport: fetch.Transport(&tls.Config{
		MinVersion: tls.VersionTLS12,
		// The name of the host says nothing here: VerifyConnection demands the
		// SPIFFE ID instead. Every fetch makes a connection of its own, so none
		// rests on a bundle that was replaced.
		InsecureSkipVerify: true,
		VerifyConnection:   e.verifyServer,
	}, false)}
	return errs
}

// verifyServer runs inside a fetch, hence inside the one load under way.
func (e *endpoint) verifyServer(state tls.ConnectionState) error {
	id, err := peerID(state.PeerCertificates, e.trust, e.now(), x509.ExtKeyUsageServerAuth)
	switch {
	case err != nil:
		return fmt.Errorf("bundle endpoint of %s: %w: %w", e.domain, ErrRefused, err)
	case id != e.server:
		return fmt.Errorf("bundle endpoint of %s: %w: it is %s, not %s", e.domain, ErrRefused, id, e.server)
	}
	return nil
}

func (e *endpoint) load(ctx context.Context) (*Bundle, time.Duration, error) {
	text, err := fetch.Get(ctx, e.client, e.url, MaxBundle)
	if err != nil {
		return nil, 0, err
	}
	b, err := ParseBundle(e.domain, text)
	if err == nil {
		err = newer(&e.last, b)
	}
	if err != nil {
		return nil, 0, err
	}
	e.trust = b
	return b, b.refresh, nil
}
