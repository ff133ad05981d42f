// Package fetch brings documents from outside into the house: bounded in size
// and time, from configured places alone, read strictly, and kept for a bounded
// time when they cannot be had anew.
package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// ErrUnavailable is wrapped by every error that says that something could not
// be found out now, in contrast to an answer that says no.
var ErrUnavailable = errors.New("not available now")

// ErrTooLarge is returned for a document above its bound.
var ErrTooLarge = errors.New("the document is too large")

const maxRedirects = 3

// CheckURL reports what is wrong with a place that documents come from. Plain
// http is for loopback hosts alone.
func CheckURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case s == "":
		return errors.New("is required")
	case err != nil:
		return errors.New("is not a valid URL")
	case u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("scheme %q: only https is fetched", u.Scheme)
	case u.Hostname() == "":
		return errors.New("has no host")
	case u.User != nil:
		return errors.New("must not carry user information")
	case u.Fragment != "":
		return errors.New("must not carry a fragment")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return errors.New("must be https, save on a loopback host")
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// SameOrigin reports whether two URLs have the same scheme, host and port.
func SameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && a.Hostname() == b.Hostname() && port(a) == port(b)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" || u.Scheme != "https" {
		return p
	}
	return "443"
}

// Stay lets a redirect move a document on its own host and nowhere else. It is
// for http.Client.CheckRedirect.
func Stay(req *http.Request, via []*http.Request) error {
	switch {
	case len(via) > maxRedirects:
		return errors.New("redirected too often")
	case !SameOrigin(req.URL, via[0].URL):
		return errors.New("redirected to another host")
	}
	return nil
}

// Transport carries requests to one place with its own trust; without keep-alive
// every request makes a new connection. No proxy is asked.
func Transport(trusted *tls.Config, keepAlive bool) *http.Transport {
	return &http.Transport{
		TLSClientConfig: trusted, DisableKeepAlives: !keepAlive, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: 5 * time.Second, IdleConnTimeout: 30 * time.Second,
		MaxIdleConns: 4, MaxConnsPerHost: 8, MaxResponseHeaderBytes: 64 << 10,
	}
}

// Get fetches a document of at most most bytes. The status must be 200.
func Get(ctx context.Context, client *http.Client, place string, most int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, place, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json, application/jwk-set+json")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetching %s: status %d", place, resp.StatusCode)
	}
	data, err := ReadAll(resp.Body, most)
	if err != nil {
		return nil, fmt.Errorf("fetching %s: %w", place, err)
	}
	return data, nil
}

// ReadAll reads at most most bytes and fails when there are more.
func ReadAll(r io.Reader, most int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > most {
		return nil, ErrTooLarge
	}
	return data, nil
}
