// Package trust turns what the registry says of a foreign issuer into what the
// desk needs: keys for its tokens, a check of its certificates, and a question
// to its API server. Sources stay open over revisions of the registry, and one
// that cannot be opened is a fault of its issuer alone.
package trust

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/trust/fetch"
)

// ErrUnavailable is wrapped when something could not be found out now, in
// contrast to an answer that says no.
var ErrUnavailable = fetch.ErrUnavailable

// ErrUnknown is returned for an issuer that no registry in use names.
var ErrUnknown = errors.New("no such issuer")

// Outside is what the desk needs of one foreign issuer.
type Outside struct {
	// Keys verify its tokens.
	Keys narrowcast.KeySource
	// Peer returns the SPIFFE ID of a client that showed an X.509-SVID, the leaf
	// first. It is nil for an issuer that is no trust domain with a bundle.
	Peer func(chain []*x509.Certificate, now time.Time) (spiffeID string, err error)
	// Review asks the API server of a cluster about a token that was found
	// genuine. It is nil where the registry does not demand it, and where it is
	// set, nil is the only answer that lets a token pass.
	Review func(ctx context.Context, token string) error
}

// Local is what this machine knows about an issuer and the registry does not.
type Local struct {
	WorkloadAPI string // path of the socket of a SPIFFE agent
	BundleFile  string // a bundle document on disk, which may change
	TokenReview string // URL of the API server of a cluster
	CAFile      string // who vouches for the servers of the issuer, PEM; default: the machine's store
	ReviewCA    string // who vouches for the API server at TokenReview, PEM, whatever it is asked for
	TokenFile   string // the bearer token for the API server at TokenReview, sent nowhere else
}

// Config is what Sources are made of.
type Config struct {
	// Audience is our own issuer identifier: tokens that are reviewed must have
	// been made for it. Required.
	Audience string
	Local    map[narrowcast.Issuer]Local
	// Now is the clock. Required; time.Now in production.
	Now func() time.Time
	// Log is told when a source fails and when it works again. Required.
	Log *slog.Logger
	// Roots are trusted in place of the machine's store, where there is no CAFile.
	Roots *x509.CertPool

	_ struct{}
}

func (c *Config) check() error {
	var errs []error
	if c.Audience == "" {
		errs = append(errs, errors.New("Audience is required"))
	}
	if c.Now == nil {
		errs = append(errs, errors.New("Now is required: pass time.Now"))
	}
	if c.Log == nil {
		errs = append(errs, errors.New("Log is required"))
	}
	if len(errs) > 0 {
		return fmt.Errorf("trust: %w", errors.Join(errs...))
	}
	return nil
}
