package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// Names on the wire for tokens that somebody else issued to the client.
const (
	spiffeAssertion = "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe"
	jwtBearerGrant  = "urn:ietf:params:oauth:grant-type:jwt-bearer"
)

// JWTSVIDConfig is what NewJWTSVID needs.
type JWTSVIDConfig struct {
	// Fetch returns a JWT-SVID for the one audience, which is the identifier of the
	// issuer; workloadapi.FetchJWTSVID of go-spiffe does it. Required.
	Fetch func(ctx context.Context, audience string) (string, error)
	// ClientID is sent along; default nothing: the issuer knows the client by its
	// SPIFFE ID.
	ClientID narrowcast.ClientID

	_ struct{}
}

// NewJWTSVID makes an Authenticator that shows a JWT-SVID (client assertion type
// jwt-spiffe of draft-ietf-oauth-spiffe-client-auth). It is fetched for every
// request, so rotation is left to its source. One that is addressed to anybody
// besides the issuer is not sent.
func NewJWTSVID(c JWTSVIDConfig) (Authenticator, error) {
	if c.Fetch == nil {
		return nil, errors.New("client: jwt-spiffe: Fetch is required")
	}
	if err := checkOptional(c.ClientID); err != nil {
		return nil, fmt.Errorf("client: jwt-spiffe: %w", err)
	}
	return &borrowed{what: "JWT-SVID", id: c.ClientID, fetch: c.Fetch, put: asAssertion(spiffeAssertion)}, nil
}

// TokenUse says as what a token of somebody else is shown.
type TokenUse uint8

// The uses.
const (
	// AsAssertion shows it as client assertion of type jwt-bearer (RFC 7523 section
	// 2.2): it says who the client is.
	AsAssertion TokenUse = iota + 1
	// AsGrant shows it as authorization grant (RFC 7523 section 2.1): the token
	// that is asked for is about its subject.
	AsGrant
)

// TokenFileConfig is what NewTokenFile needs.
type TokenFileConfig struct {
	// Path of the file. Required. It holds one JWT, such as a service account token
	// that Kubernetes projects with the issuer's identifier as its audience.
	Path string
	// Use is as what it is shown. Required.
	Use TokenUse
	// ClientID is sent along; default nothing.
	ClientID narrowcast.ClientID

	_ struct{}
}

// NewTokenFile makes an Authenticator that shows the token in a file. The file is
// read for every request, because whoever writes it replaces it before it expires.
// A token that is addressed to anybody besides the issuer is not sent.
func NewTokenFile(c TokenFileConfig) (Authenticator, error) {
	var errs []error
	if c.Path == "" {
		errs = append(errs, errors.New("Path is required"))
	}
	if c.Use != AsAssertion && c.Use != AsGrant {
		errs = append(errs, errors.New("Use is required: AsAssertion or AsGrant"))
	}
	if err := errors.Join(append(errs, checkOptional(c.ClientID))...); err != nil {
		return nil, fmt.Errorf("client: token file: %w", err)
	}
	put := asAssertion(assertionType)
	if c.Use == AsGrant {
		put = asGrant
	}
	fetch := func(context.Context, string) (string, error) { return readToken(c.Path) }
	return &borrowed{what: "token of file " + c.Path, id: c.ClientID, fetch: fetch, put: put}, nil
}

func checkOptional(id narrowcast.ClientID) error {
	if id == "" {
		return nil
	}
	_, err := narrowcast.ParseClientID(string(id))
	return err
}

// readToken reads a file that may be replaced at any time. A token larger than
// the bound is no token.
func readToken(path string) (string, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() { // nobody waits at the end of a pipe
		err = fmt.Errorf("%s is not a regular file", path)
	}
	if err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxToken+1))
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(text)), nil
}

// borrowed is an Authenticator with a token that somebody else issued.
type borrowed struct {
	what  string
	id    narrowcast.ClientID
	fetch func(ctx context.Context, audience string) (string, error)
	put   func(r *Request, token string)
}

func (b *borrowed) Authenticate(ctx context.Context, r *Request) error {
	token, err := b.fetch(ctx, r.Issuer.String())
	if err != nil {
		return fmt.Errorf("fetching the %s: %w", b.what, err)
	}
	r.Hide(token)
	if err := addressedTo(r.Issuer, token); err != nil {
		return fmt.Errorf("the %s is not sent: %w", b.what, err)
	}
	if b.id != "" {
		r.Form.Set("client_id", string(b.id))
	}
	b.put(r, token)
	return nil
}

// addressedTo demands that a token is for the issuer and for nobody else: what
// opens other doors too must not be handed around.
func addressedTo(issuer narrowcast.Issuer, token string) error {
	if !isToken68(token) {
		return errors.New("it is not a token, or longer than the limit")
	}
	claimed, err := narrowcast.Inspect(token)
	if err != nil {
		return errors.New("it is not a JWT that could be read")
	}
	if len(claimed.Audience) != 1 || claimed.Audience[0] != issuer.String() {
		return fmt.Errorf("it is addressed to %q and not to the issuer alone", claimed.Audience)
	}
	return nil
}

func asAssertion(kind string) func(*Request, string) {
	return func(r *Request, token string) {
		r.Form.Set("client_assertion_type", kind)
		r.Form.Set("client_assertion", token)
	}
}

func asGrant(r *Request, token string) {
	r.Form.Set("grant_type", jwtBearerGrant)
	r.Form.Set("assertion", token)
}

// String says what b is.
func (b *borrowed) String() string { return b.what }

// Format writes String for every verb.
func (b *borrowed) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, b.String()) }
