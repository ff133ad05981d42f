// Package introspect tells the addressee of a token, and nobody else, what the
// token is worth (RFC 7662), and lets those whom it concerns call it back (RFC
// 7009). It knows no HTTP and no SQL.
package introspect

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Letters reads letters of our own for somebody who looks at the sender himself.
// Its error is a *narrowcast.Rejection when the letter does not count.
type Letters interface {
	Open(ctx context.Context, text string, audience narrowcast.Audience) (*narrowcast.Token, error)
}

// Ledger keeps a record. It returns store.ErrUsed when an id of Once was used
// before.
type Ledger interface {
	Append(ctx context.Context, e store.Entry) (store.Record, error)
}

// Revoker calls a genuine letter back, with everything that came from it. One
// that was called back before is no error.
type Revoker interface {
	RevokeToken(ctx context.Context, letter narrowcast.Claimed, by narrowcast.ClientID) error
}

// Config is what a Desk is made of. All fields but Tenant and Revoker are
// required.
type Config struct {
	Issuer        narrowcast.Issuer
	Authenticator issuer.Authenticator // the one of the token endpoint
	Letters       Letters
	// Concerns says whether a client is a server or a verifier of a resource.
	Concerns func(client narrowcast.ClientID, resource narrowcast.Audience) bool
	// Serves says whether a client is a server of a resource.
	Serves func(client narrowcast.ClientID, resource narrowcast.Audience) bool
	Ledger Ledger
	// Seal signs a payload under this typ with the key that signs now (RFC 9701).
	Seal func(typ string, payload []byte) (string, error)
	Now  func() time.Time
	// Writer names this desk in the book. Its events are numbered from one, so a
	// new start needs a new name.
	Writer string
	Tenant string
	// Revoker calls letters back; nil when that is not offered.
	Revoker Revoker

	_ struct{}
}

func (c *Config) check() error {
	var errs []error
	require := func(ok bool, name string) {
		if !ok {
			errs = append(errs, errors.New(name+" is required"))
		}
	}
	require(!c.Issuer.IsZero(), "Issuer")
	require(c.Authenticator != nil, "Authenticator")
	require(c.Letters != nil, "Letters")
	require(c.Concerns != nil, "Concerns")
	require(c.Serves != nil, "Serves")
	require(c.Ledger != nil, "Ledger")
	require(c.Seal != nil, "Seal")
	require(c.Now != nil, "Now")
	require(c.Writer != "", "Writer")
	return errors.Join(errs...)
}

// Desk answers. It may be used by many goroutines. The zero Desk refuses
// everything.
type Desk struct {
	config   Config
	sequence atomic.Uint64
	said     said
	limits   limits
}

// New makes a Desk, or returns every fault of the configuration.
func New(c Config) (*Desk, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("introspect: %w", err)
	}
	return &Desk{config: c}, nil
}

// Request is what came to the endpoint. It holds secrets: printing it gives
// nothing away.
type Request struct {
	Token       string
	Credentials issuer.Credentials
	From        event.Request
}

// String hides the request.
func (Request) String() string { return "request" }

// GoString hides the request.
func (Request) GoString() string { return "request" }

// ask is one question on its way.
type ask struct {
	request  Request
	at       time.Time
	decision string
	who      issuer.Identity
	claimed  narrowcast.Claimed // genuine when known is set
	resource narrowcast.Audience
	token    *narrowcast.Token // nil for one that does not count
	known    bool              // it is a letter of ours, whatever became of it
	reason   narrowcast.Reason
}

// open authenticates the client and reads the token. The error is an
// *issuer.Refusal.
func (d *Desk) open(ctx context.Context, r Request, decision string) (*ask, error) {
	if d == nil || d.config.Ledger == nil {
		return nil, &issuer.Refusal{Ground: issuer.Broken, Detail: "introspection was never configured"}
	}
	r.Credentials.Peer, r.Credentials.Token = r.From.Peer, "" // the token that is asked about authenticates nobody
	a := &ask{request: r, at: d.config.Now(), decision: decision}
	who, err := d.config.Authenticator.Authenticate(ctx, r.Credentials)
	if err != nil {
		var refusal *issuer.Refusal
		if errors.As(err, &refusal) {
			return nil, refusal
		}
		return nil, &issuer.Refusal{Ground: issuer.Unavailable, Detail: "authenticating the client: " + err.Error()}
	}
	a.who = who
	if r.Token == "" {
		return nil, &issuer.Refusal{Ground: issuer.Malformed, Client: who.Client, Detail: "the parameter token is missing"}
	}
	return a, d.read(ctx, a)
}

// read reads the token as its addressee would.
func (d *Desk) read(ctx context.Context, a *ask) error {
	var err error
	if a.claimed, err = narrowcast.Inspect(a.request.Token); err != nil {
		a.reason = narrowcast.Malformed
		return nil
	}
	if a.claimed.Issuer != d.config.Issuer.String() || len(a.claimed.Audience) != 1 {
		a.reason = narrowcast.IssuerUnknown
		return nil
	}
	if a.resource, err = narrowcast.ParseAudience(a.claimed.Audience[0]); err != nil {
		a.reason = narrowcast.AudienceMalformed
		return nil
	}
	token, err := d.config.Letters.Open(ctx, a.request.Token, a.resource)
	var rej *narrowcast.Rejection
	switch {
	case err == nil:
		a.token, a.claimed, a.known = token, token.Describe(), true
	case !errors.As(err, &rej) || rej.Reason == narrowcast.KeyUnavailable:
		return &issuer.Refusal{Ground: issuer.Unavailable, Client: a.who.Client, Detail: "reading the token: " + err.Error()}
	default:
		a.reason, a.known = rej.Reason, rej.Genuine
	}
	return nil
}

// short cuts what a stranger wrote so far that no token fits.
func short(s string) string {
	const most = 100
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
