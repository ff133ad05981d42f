package trust

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/narrowcast-io/narrowcast/service/internal/trust/fetch"
)

const maxFile = 1 << 20

// carrier fetches public documents of an issuer. Its files are read anew for
// each of these rare requests, since a kubelet replaces them.
type carrier struct {
	s     *Sources
	local Local
	api   *url.URL // the API server that gets the bearer token; nil without one
}

func (s *Sources) transport(local Local) http.RoundTripper {
	c := carrier{s: s, local: local}
	if u, err := url.Parse(local.TokenReview); err == nil && local.TokenReview != "" && u.Scheme == "https" {
		c.api = u
	}
	return c
}

func (c carrier) RoundTrip(req *http.Request) (*http.Response, error) {
	roots, err := c.s.roots(c.local)
	if err != nil {
		return nil, err
	}
	if c.api != nil && c.local.TokenFile != "" && fetch.SameOrigin(req.URL, c.api) {
		token, err := fetch.File(c.local.TokenFile, maxFile)
		if err != nil {
			return nil, err
		}
		req = req.Clone(req.Context())
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	return fetch.Transport(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, false).RoundTrip(req)
}

// roots returns who vouches for the servers of an issuer; nil is the machine's
// own store.
func (s *Sources) roots(local Local) (*x509.CertPool, error) {
	if local.CAFile == "" {
		return s.c.Roots, nil
	}
	text, err := fetch.File(local.CAFile, maxFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s has no certificate", local.CAFile)
	}
	return roots, nil
}
