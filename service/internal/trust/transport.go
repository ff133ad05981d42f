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
	toAPI, ca := c.api != nil && fetch.SameOrigin(req.URL, c.api), c.local.CAFile
	if toAPI {
		ca = c.local.ReviewCA
	}
	roots, err := c.s.roots(ca)
	if err != nil {
		return nil, err
	}
	if toAPI && c.local.TokenFile != "" {
		token, err := fetch.File(c.local.TokenFile, maxFile)
		if err != nil {
			return nil, err
		}
		req = req.Clone(req.Context())
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	return fetch.Transport(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, false).RoundTrip(req)
}

// roots returns the authorities in a file; without one nil, which is the
// machine's own store.
func (s *Sources) roots(file string) (*x509.CertPool, error) {
	if file == "" {
		return s.c.Roots, nil
	}
	text, err := fetch.File(file, maxFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s has no certificate", file)
	}
	return roots, nil
}
