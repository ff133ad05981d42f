package once

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// RemoteConfig is what a Remote is made of. URL and Client are required.
type RemoteConfig struct {
	// URL is where the issuer is told, …/uses: https, or http on loopback.
	URL string
	// Client asks; its RoundTripper adds the token. Redirects are not followed.
	Client *http.Client
	// Issuer is whose tokens are told. Required: an issuer cannot answer for the
	// tokens of another.
	Issuer narrowcast.Issuer
	// Timeout bounds one question; default 2 s, at most 10 s.
	Timeout time.Duration

	_ struct{}
}

// Remote asks the issuer, which answers every guard of the resource alike. It is
// asked while the request waits; without its answer the token is refused. The
// zero Remote knows nothing and says so.
type Remote struct {
	url     string
	issuer  narrowcast.Issuer
	client  *http.Client
	timeout time.Duration
}

// NewRemote makes a Remote, or returns every fault of the configuration.
func NewRemote(c RemoteConfig) (*Remote, error) {
	var errs []error
	if err := checkURL(c.URL); err != nil {
		errs = append(errs, fmt.Errorf("URL: %w", err))
	}
	if c.Client == nil {
		errs = append(errs, errors.New("Client is required"))
	}
	if c.Issuer.IsZero() {
		errs = append(errs, errors.New("Issuer is required"))
	}
	if c.Timeout == 0 {
		c.Timeout = 2 * time.Second
	}
	if c.Timeout < 0 || c.Timeout > 10*time.Second {
		errs = append(errs, errors.New("Timeout must be between 0 and 10s"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("once: %w", err)
	}
	client := *c.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Remote{url: c.URL, issuer: c.Issuer, client: &client, timeout: c.Timeout}, nil
}

func checkURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.User != nil:
		return errors.New("is no web address")
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	}
	return errors.New("must be https, or http on loopback")
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// use is the question, and first the answer.
type use struct {
	Audience narrowcast.Audience `json:"aud"`
	Token    narrowcast.TokenID  `json:"jti"`
	Until    int64               `json:"until"` // seconds since 1970
}

// Use uses a token up (narrowcast.Uses).
func (r *Remote) Use(ctx context.Context, t *narrowcast.Token) narrowcast.Reason {
	if r == nil || r.client == nil || t == nil || t.ID() == "" || t.Issuer() != r.issuer {
		return narrowcast.UseUnknown
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	first, err := r.ask(ctx, use{t.Audience(), t.ID(), until(t).Unix()})
	switch {
	case err != nil:
		return narrowcast.UseUnknown
	case !first:
		return narrowcast.Replayed
	}
	return 0
}

func (r *Remote) ask(ctx context.Context, u use) (first bool, err error) {
	body, err := json.Marshal(u)
	if err != nil {
		return false, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := r.client.Do(req)
	if err != nil {
		return false, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return false, fmt.Errorf("the issuer answered %d", resp.StatusCode)
	}
	var answer struct {
		First *bool `json:"first"`
	}
	d := json.NewDecoder(io.LimitReader(resp.Body, 1024))
	if err := d.Decode(&answer); err != nil || answer.First == nil {
		return false, errors.New("the answer does not say whether it was the first use")
	}
	return *answer.First, nil
}
