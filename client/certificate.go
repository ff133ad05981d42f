package client

import (
	"context"
	"fmt"
	"io"

	"github.com/narrowcast-io/narrowcast"
)

type clientCertificate struct{ id narrowcast.ClientID }

// NewClientCertificate makes an Authenticator for tls_client_auth and
// self_signed_tls_client_auth (RFC 8705 section 2): the request names the client,
// and the connection shows who it is. Config.Transport must have the certificate,
// and the endpoint is taken from mtls_endpoint_aliases where the issuer's metadata
// has them (section 5).
func NewClientCertificate(id narrowcast.ClientID) (Authenticator, error) {
	if _, err := narrowcast.ParseClientID(string(id)); err != nil {
		return nil, fmt.Errorf("client: tls_client_auth: %w", err)
	}
	return &clientCertificate{id}, nil
}

func (c *clientCertificate) Authenticate(_ context.Context, r *Request) error {
	r.Form.Set("client_id", string(c.id))
	return nil
}

// String says what c is.
func (c *clientCertificate) String() string { return "tls_client_auth of " + string(c.id) }

// Format writes String for every verb.
func (c *clientCertificate) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// showsCertificate reports whether an issuer will look at the connection.
func showsCertificate(a Authenticator) bool {
	_, is := a.(*clientCertificate)
	return is
}
