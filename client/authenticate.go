package client

import (
	"context"
	"crypto"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/mint"
)

// Authenticator proves to an issuer who is asking. It adds to the form or the
// header of one request; it is called anew for every request, by many
// goroutines.
type Authenticator interface {
	Authenticate(ctx context.Context, r *Request) error
}

// Request is a token request that is being written.
type Request struct {
	Issuer narrowcast.Issuer // who is asked
	Form   url.Values
	Header http.Header

	hidden []string
}

// Hide names a secret that must not show up in any error, even if the issuer
// repeats it.
func (r *Request) Hide(secret string) { r.hidden = append(r.hidden, secret) }

// PrivateKeyJWTConfig is what NewPrivateKeyJWT needs. All fields are required.
type PrivateKeyJWTConfig struct {
	ClientID  narrowcast.ClientID
	KeyID     narrowcast.KeyID
	Algorithm narrowcast.Algorithm
	Signer    crypto.Signer // may live in another process or a security module
	Now       func() time.Time

	_ struct{}
}

// assertionLife is short, because an assertion is used once and at once.
const assertionLife = time.Minute

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

type privateKeyJWT struct {
	id    narrowcast.ClientID
	press *mint.Press
	now   func() time.Time
}

// NewPrivateKeyJWT makes an Authenticator that signs a fresh assertion for each
// request (RFC 7523 section 2.2): addressed to the issuer's identifier and to
// nothing else, typed client-authentication+jwt, good for a minute, with a jti
// of its own. Use a key of its own for each issuer.
func NewPrivateKeyJWT(c PrivateKeyJWTConfig) (Authenticator, error) {
	var errs []error
	if _, err := narrowcast.ParseClientID(string(c.ClientID)); err != nil {
		errs = append(errs, err)
	}
	if c.Now == nil {
		errs = append(errs, errors.New("Now is required: pass time.Now"))
	}
	self, err := narrowcast.ParseIssuer(string(c.ClientID))
	if err != nil {
		errs = append(errs, fmt.Errorf("ClientID cannot stand in iss: %w", err))
	}
	press, err := mint.New(mint.Config{Issuer: self, KeyID: c.KeyID, Algorithm: c.Algorithm, Signer: c.Signer})
	if err != nil {
		errs = append(errs, err)
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("client: private_key_jwt: %w", errors.Join(errs...))
	}
	return &privateKeyJWT{id: c.ClientID, press: press, now: c.Now}, nil
}

func (p *privateKeyJWT) Authenticate(_ context.Context, r *Request) error {
	now := p.now()
	assertion, err := p.press.Mint(mint.Letter{
		Class: narrowcast.ClientAssertion, Server: r.Issuer, Subject: narrowcast.Subject(p.id),
		ID: mint.TokenIDAt(now), IssuedAt: now, Lifetime: assertionLife,
	})
	if err != nil {
		return err
	}
	r.Hide(assertion)
	r.Form.Set("client_assertion_type", assertionType)
	r.Form.Set("client_assertion", assertion)
	return nil
}

// String says what p is.
func (p *privateKeyJWT) String() string { return "private_key_jwt of " + string(p.id) }

// Format writes String for every verb, so that no signer is printed.
func (p *privateKeyJWT) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, p.String()) }

type sharedSecret struct {
	id     narrowcast.ClientID
	secret *string
}

// DangerouslySharedSecret makes an Authenticator that sends a password with each
// request (client_secret_basic, RFC 6749 section 2.3.1). It is the weaker
// choice: whoever reads the issuer's memory, a proxy's log or this process has
// the secret and can use it for as long as it stands. Prefer NewPrivateKeyJWT.
func DangerouslySharedSecret(id narrowcast.ClientID, secret string) (Authenticator, error) {
	if _, err := narrowcast.ParseClientID(string(id)); err != nil {
		return nil, fmt.Errorf("client: client_secret_basic: %w", err)
	}
	if secret == "" {
		return nil, errors.New("client: client_secret_basic: the secret is empty")
	}
	return &sharedSecret{id: id, secret: &secret}, nil
}

func (s *sharedSecret) Authenticate(_ context.Context, r *Request) error {
	r.Hide(*s.secret)
	pair := url.QueryEscape(string(s.id)) + ":" + url.QueryEscape(*s.secret)
	r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	return nil
}

// String says what s is.
func (s *sharedSecret) String() string { return "client_secret_basic of " + string(s.id) }

// Format writes String for every verb.
func (s *sharedSecret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }
