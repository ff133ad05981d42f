package httpapi

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// certificates is the chain that the client showed, its own first. What a proof
// rests on is not taken from a header unless the configuration says so.
func (a *API) certificates(r *http.Request) []*x509.Certificate {
	switch {
	case a.config.Certificates != nil:
		return a.config.Certificates(r)
	case r.TLS != nil:
		return r.TLS.PeerCertificates
	}
	return nil
}

// nonce tells the client what its next proof of possession must hold (RFC 9449
// sections 8 and 8.2).
func (a *API) nonce(w *reply) {
	if a.config.Nonce == nil {
		return
	}
	if nonce := a.config.Nonce(); nonce != "" {
		w.Header().Set("DPoP-Nonce", nonce)
	}
}

// checkSenders looks at what concerns the keys of senders. Metadata that lists a
// way which does not exist sends clients the wrong way.
func (c *Config) checkSenders() error {
	var errs []error
	if err := c.checkAlias(); err != nil {
		errs = append(errs, fmt.Errorf("MTLSTokenEndpoint: %w", err))
	}
	if c.MTLSTokenEndpoint != "" && !c.Offers.CertificateBound {
		errs = append(errs, errors.New("MTLSTokenEndpoint without Offers.CertificateBound: clients that go there show a certificate"))
	}
	if c.Nonce != nil && len(c.Offers.ProofAlgorithms) == 0 {
		errs = append(errs, errors.New("Nonce without Offers.ProofAlgorithms: there are no proofs to put it into"))
	}
	return errors.Join(errs...)
}

func (c *Config) checkAlias() error {
	if c.MTLSTokenEndpoint == "" {
		return nil
	}
	if _, err := narrowcast.ParseIssuer(c.MTLSTokenEndpoint); err != nil {
		return err
	}
	u, err := url.Parse(c.MTLSTokenEndpoint)
	switch {
	case err != nil || u.Scheme != "https":
		return errors.New("must be an https URL: a certificate needs TLS")
	case u.Path == "" || u.Path == "/" || path.Clean(u.Path) != u.Path || strings.ContainsAny(u.Path, "%{}"):
		return errors.New("needs a path without dot or empty segments, escapes and braces, and not a slash at its end")
	}
	return nil
}
