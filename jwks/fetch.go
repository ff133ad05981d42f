package jwks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast/internal/jose"
)

const maxRedirects = 3

func checkURL(s string) (*url.URL, error) {
	if s == "" {
		return nil, errors.New("is required")
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, errors.New("is not a valid URL")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("scheme %q: only https is fetched", u.Scheme)
	case u.Hostname() == "":
		return nil, errors.New("has no host")
	case u.User != nil:
		return nil, errors.New("must not carry user information")
	case u.Fragment != "":
		return nil, errors.New("must not carry a fragment")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, errors.New("keys come over https, save from a loopback host")
	}
	return u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// sameOrigin lets a redirect move the set on its own host and nowhere else.
func sameOrigin(req *http.Request, via []*http.Request) error {
	first := via[0].URL
	switch {
	case len(via) > maxRedirects:
		return errors.New("redirected too often")
	case req.URL.Scheme != first.Scheme || req.URL.Host != first.Host:
		return errors.New("redirected to another host")
	}
	return nil
}

func (h *HTTP) fetch(ctx context.Context) (loaded, error) {
	ctx, cancel := context.WithTimeout(ctx, h.limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.url, nil)
	if err != nil {
		return loaded{}, err
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	resp, err := h.client.Do(req)
	if err != nil {
		return loaded{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return loaded{}, fmt.Errorf("fetching %s: status %d", h.url, resp.StatusCode)
	}
	data, err := readBounded(resp.Body)
	if err != nil {
		return loaded{}, fmt.Errorf("fetching %s: %w", h.url, err)
	}
	keys, err := Parse(data, h.opts)
	if err != nil {
		return loaded{}, fmt.Errorf("fetching %s: %w", h.url, err)
	}
	return loaded{keys: keys, maxAge: freshness(resp.Header, h.maxAge)}, nil
}

func readBounded(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxBytes {
		return nil, jose.ErrTooLarge
	}
	return data, nil
}

// freshness is how long the issuer says that its answer is fresh (RFC 9111
// section 5.2.2), between LeastMaxAge and most.
func freshness(header http.Header, most time.Duration) time.Duration {
	fresh := most
	for directive := range strings.SplitSeq(strings.Join(header.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
		switch name {
		case "no-store", "no-cache":
			fresh = 0
		case "max-age":
			n, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31)
			if err == nil {
				fresh = min(fresh, time.Duration(n)*time.Second)
			}
		}
	}
	return max(fresh, LeastMaxAge)
}
