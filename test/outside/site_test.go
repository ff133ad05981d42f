package outside_test

import (
	"bytes"
	"os"
	"testing"
)

// site is a running issuer and what a client has to know about it. It is all
// that the clients are told.
type site struct {
	Issuer        string
	TokenEndpoint string
	JWKS          string
	Resource      string // both clients may ask for it
	Foreign       string // another resource that both may ask for
	Closed        string // a registered resource that neither may ask for
	Scope         string // a scope of Resource

	KeyClient  string // authenticates with private_key_jwt
	Credential string // the file with its private key

	SecretClient string // authenticates with client_secret_basic
	Secret       string

	log *diary // what the issuer writes while it runs
}

// environment is what a client process is told. The secret is not in it.
func (s *site) environment() []string {
	return append(os.Environ(),
		"SITE_ISSUER="+s.Issuer, "SITE_JWKS="+s.JWKS, "SITE_RESOURCE="+s.Resource, "SITE_FOREIGN="+s.Foreign,
		"SITE_CLOSED="+s.Closed, "SITE_SCOPE="+s.Scope, "SITE_KEY_CLIENT="+s.KeyClient, "SITE_CREDENTIAL="+s.Credential)
}

// keepsSilent fails when the issuer's log shows something secret.
func (s *site) keepsSilent(t *testing.T, secret string) {
	t.Helper()
	if bytes.Contains(s.log.bytes(), []byte(secret)) {
		t.Error("the issuer's log shows a token or a secret")
	}
}
