// Package kubernetes asks the API server of a cluster whether a token of a
// service account still counts. The signature alone does not say: a token that
// is bound to a pod dies with it, and only the API server knows.
//
// No answer is kept here. The API server itself keeps one for a token that it
// found good, by default for 10 seconds, and learns of a deletion by a watch; so
// a token may be found good for about that long after its pod is gone, and a pod
// that is given time to end counts until that time is over.
package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/trust/fetch"
)

// ErrRefused is wrapped when the API server was asked and the token does not count.
var ErrRefused = errors.New("the API server does not vouch for the token")

// ErrUnavailable is wrapped when the API server could not be asked.
var ErrUnavailable = fetch.ErrUnavailable

// Defaults and limits.
const (
	DefaultTimeout = 5 * time.Second
	mostTimeout    = 30 * time.Second
	maxAnswer      = 256 << 10
	maxFile        = 1 << 20
	maxToken       = 16 << 10
)

// Config is what a Reviewer is made of. Every field but Timeout is required.
type Config struct {
	// URL is that of the API server, https, without a path.
	URL string
	// CAFile has the certificates that vouch for the API server, PEM.
	CAFile string
	// TokenFile has the bearer token with which the API server is asked. Its
	// owner may create tokenreviews (the role system:auth-delegator).
	TokenFile string
	// Audience is ours: tokens must have been made for it.
	Audience string
	// Timeout bounds one question; default 5 s, at most 30 s.
	Timeout time.Duration

	_ struct{}
}

// Reviewer asks one API server. Both files are read anew for each question,
// since a kubelet replaces them. It may be used by many goroutines; the zero
// Reviewer refuses.
type Reviewer struct {
	c     Config
	place string

	mu     sync.Mutex
	ca     string // the text that client trusts
	client *http.Client
}

// New makes a Reviewer, or returns every fault of the configuration. It reads
// no file and asks nobody yet.
func New(c Config) (*Reviewer, error) {
	var errs []error
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if err := checkURL(c.URL); err != nil {
		errs = append(errs, fmt.Errorf("URL: %w", err))
	}
	for name, value := range map[string]string{"CAFile": c.CAFile, "TokenFile": c.TokenFile, "Audience": c.Audience} {
		if value == "" {
			errs = append(errs, errors.New(name+" is required"))
		}
	}
	if c.Timeout < time.Millisecond || c.Timeout > mostTimeout {
		errs = append(errs, fmt.Errorf("Timeout is %s; allowed are 1ms to %s", c.Timeout, mostTimeout))
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("kubernetes: token review: %w", errors.Join(errs...))
	}
	place := strings.TrimSuffix(c.URL, "/") + "/apis/authentication.k8s.io/v1/tokenreviews"
	return &Reviewer{c: c, place: place}, nil
}

// checkURL demands https on loopback too: tokens are sent there.
func checkURL(s string) error {
	if err := fetch.CheckURL(s); err != nil {
		return err
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return err
	case u.Scheme != "https":
		return errors.New("must be https")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "":
		return errors.New("has no path and no query")
	}
	return nil
}

// Review asks whether a token counts for our audience, and whose it is. The
// error wraps ErrRefused when it does not, and ErrUnavailable when that could
// not be found out.
func (r *Reviewer) Review(ctx context.Context, token string) (Identity, error) {
	if r == nil || r.place == "" {
		return Identity{}, fmt.Errorf("kubernetes: %w: %w", ErrUnavailable, fetch.ErrClosed)
	}
	if token == "" || len(token) > maxToken {
		return Identity{}, fmt.Errorf("kubernetes: %w: it is empty or too long", ErrRefused)
	}
	ctx, cancel := context.WithTimeout(ctx, r.c.Timeout)
	defer cancel()
	answer, err := r.ask(ctx, token)
	if err != nil {
		return Identity{}, fmt.Errorf("kubernetes: asking %s: %w: %w", r.c.URL, ErrUnavailable, err)
	}
	who, err := read(answer, r.c.Audience)
	if err != nil {
		return Identity{}, fmt.Errorf("kubernetes: %w", err)
	}
	return who, nil
}
