// Package httpapi is the wire: it turns HTTP into questions to the desk and the
// book, and their answers into HTTP. It decides nothing about tokens.
//
// There is no CORS: nothing here is for a browser page of another origin.
package httpapi

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/guard"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Desk grants tokens. *issuer.Desk is one.
type Desk interface {
	Grant(ctx context.Context, r issuer.Request) (issuer.Answer, error)
	TurnAway(ctx context.Context, request issuer.Request, r *issuer.Refusal) *issuer.Refusal
}

// Book takes events in and finds records. A store.Book is one.
type Book interface {
	AppendAll(ctx context.Context, entries []store.Entry) (kept int, err error)
	Find(ctx context.Context, q store.Query) iter.Seq2[store.Record, error]
}

// EventQuota says whether n more events may come now. A *quota.Rate is one.
type EventQuota interface {
	TakeMany(n int, now time.Time) bool
}

// Config is what the wire of one issuer is made of. Fields marked required have
// no default.
type Config struct {
	// Issuer is the base URL; it may have a path. Required.
	Issuer narrowcast.Issuer
	// Desk answers token requests. Required.
	Desk Desk
	// Book takes events and answers questions about the past. Required.
	Book Book
	// Tasks opens tasks and changes their states; default there are none.
	Tasks Tasks
	// Feed tells enforcement points, and our own doors, what was called back;
	// default nobody knows.
	Feed Feed
	// Revocations calls tokens back; default nobody does.
	Revocations Revocations
	// KeySet returns the published JWK Set. Required.
	KeySet func() ([]byte, error)
	// Keys are the same keys, for tokens that are addressed to us. Required.
	Keys narrowcast.KeySource
	// Algorithms are those we sign with. Required.
	Algorithms []narrowcast.Algorithm
	// MayReport says whether a client may report events for a door. Required.
	MayReport func(client narrowcast.ClientID, door narrowcast.Audience) bool
	// MayFollow says whether a client may learn what was called back of the tokens
	// for a door; default MayReport.
	MayFollow func(client narrowcast.ClientID, door narrowcast.Audience) bool
	// Now is the clock. Required.
	Now func() time.Time
	// Log takes one line per request. Required; it is never given a query, a
	// body, a header or a path.
	Log *slog.Logger
	// Writer begins the names under which our own doors write into the book. It is
	// unique among all writers; default a random one.
	Writer string
	// Tenant is written into events that name none.
	Tenant string
	// Observe is told of every request, for metrics; default nobody.
	Observe func(route string, status int, took time.Duration)
	// EventQuota bounds the events of a second; default nothing does. A batch
	// beyond it is answered with 429 and sent again by whoever reports.
	EventQuota EventQuota
	// TaskQuota bounds the changes of tasks of a second, renewals apart; default
	// nothing does.
	TaskQuota EventQuota
	// Timeout bounds the work on one request; default 10 s.
	Timeout time.Duration

	// Certificates returns the chain that a client showed, its own first; default
	// that of the connection. Behind a proxy that ends TLS it reads what the proxy
	// hands on, and from nobody else (RFC 9440 section 4).
	Certificates func(*http.Request) []*x509.Certificate
	// MTLSTokenEndpoint is another address of the token endpoint, where clients
	// are asked for a certificate (RFC 8705 section 5); default none. The issuer
	// and the audience of client assertions are the same there.
	MTLSTokenEndpoint string
	// Nonce returns what proofs of possession must hold from now on (RFC 9449
	// section 8); default nothing is sent.
	Nonce func() string
	// Offers go into the metadata.
	Offers Offers
	// Introspector answers questions about tokens (RFC 7662); default nobody does.
	Introspector Introspector
	// Revoker calls tokens back (RFC 7009); default nobody does.
	Revoker Revoker
	// Uses keeps which tokens for one use were used; default nobody does.
	Uses Uses
	// Status serves status lists (draft-ietf-oauth-status-list); default there are none.
	Status StatusLists
	// DoorProofs makes our own doors take tokens that are bound to a key; default
	// not. Its Origin is by default that of the issuer.
	DoorProofs guard.DPoP
	// DoorCertificates says how certificates arrive at our own doors; default with
	// the connection alone.
	DoorCertificates guard.Certificates

	_ struct{}
}

// Offers is what the desk was set up for, besides client assertions and secrets.
// The metadata says no more than this.
type Offers struct {
	// AuthMethods are further ways of client authentication, such as
	// tls_client_auth and self_signed_tls_client_auth (RFC 8705 section 2).
	AuthMethods []string
	// ProofAlgorithms are those of proofs of possession, in all their names; none
	// when they are not offered (RFC 9449 section 5.1).
	ProofAlgorithms []string
	// CertificateBound: certificates reach the token endpoint, so tokens can be
	// bound to them (RFC 8705 section 3.3).
	CertificateBound bool
	// Grants are the grant types; default all that the desk knows.
	Grants []string
	// DetailTypes returns the types of authorization_details that the resources
	// understand now (RFC 9396 section 10); default the one that all understand.
	DetailTypes func() []string
}

func (c *Config) check() error {
	var errs []error
	require := func(ok bool, name string) {
		if !ok {
			errs = append(errs, errors.New(name+" is required"))
		}
	}
	require(!c.Issuer.IsZero(), "Issuer")
	require(c.Desk != nil, "Desk")
	require(c.Book != nil, "Book")
	require(c.KeySet != nil, "KeySet")
	require(c.Keys != nil, "Keys")
	require(len(c.Algorithms) > 0, "Algorithms")
	require(c.MayReport != nil, "MayReport")
	require(c.Now != nil, "Now")
	require(c.Log != nil, "Log")
	errs = append(errs, c.checkSenders())
	if c.Timeout < 0 || c.Timeout > maxTimeout {
		errs = append(errs, fmt.Errorf("Timeout is %s; allowed are 0 (meaning %s) to %s", c.Timeout, defaultTimeout, maxTimeout))
	}
	return errors.Join(errs...)
}

const (
	defaultTimeout = 10 * time.Second
	maxTimeout     = time.Minute
)

// API is the wire of one issuer.
type API struct {
	config    Config
	base      string // the issuer without a slash at its end
	path      string // the path of base, "" or "/…"
	alias     string // the path of the other token endpoint, "" when there is none
	metadata  document
	reporters *door
	readers   *door
	streams   streams
	tasks     *door // nil when there are no tasks
	users     *door // nil when no uses are kept
}

// New makes the wire of one issuer, or returns every fault of the
// configuration.
func New(c Config) (*API, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("httpapi: %w", err)
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.MayFollow == nil {
		c.MayFollow = c.MayReport
	}
	a := &API{config: c, base: strings.TrimSuffix(c.Issuer.String(), "/")}
	u, err := url.Parse(a.base)
	if err != nil || u.Host == "" || strings.Contains(a.base, "%") {
		return nil, fmt.Errorf("httpapi: the issuer %s must be a URL without percent-encoding", c.Issuer)
	}
	a.path = u.Path
	if alias, err := url.Parse(c.MTLSTokenEndpoint); err == nil {
		a.alias = alias.Path
	}
	a.metadata, err = a.describe()
	if err := errors.Join(a.doors(), err); err != nil {
		return nil, fmt.Errorf("httpapi: %w", err)
	}
	return a, nil
}

// TokenEndpoint is where clients ask for tokens of an issuer.
func TokenEndpoint(issuer narrowcast.Issuer) string {
	return strings.TrimSuffix(issuer.String(), "/") + "/token"
}
