package outside_test

import (
	"encoding/json"
	"os"
	"testing"
)

// site is a running issuer and what a client has to know about it. It is all
// that the clients are told.
type site struct {
	Issuer   string `json:"issuer"`
	JWKS     string `json:"jwks"`
	Resource string `json:"resource"` // both clients may ask for it
	Foreign  string `json:"foreign"`  // another registered resource
	Scope    string `json:"scope"`    // a scope of Resource

	KeyClient    string `json:"key_client"` // authenticates with private_key_jwt
	KeyFile      string `json:"key_file"`   // its private key, PKCS #8 in PEM
	KeyID        string `json:"key_id"`
	KeyAlgorithm string `json:"key_algorithm"`

	SecretClient string `json:"secret_client"` // authenticates with client_secret_basic
	SecretFile   string `json:"secret_file"`
}

// openSite returns the issuer described by the JSON file that the environment
// variable OUTSIDE_SITE names, or else a stand-in that lives as long as the test.
func openSite(t *testing.T) *site {
	t.Helper()
	file := os.Getenv("OUTSIDE_SITE")
	if file == "" {
		return standIn(t)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{}
	if err := json.Unmarshal(text, s); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return s
}

// environment is what a client process is told. The secret is not in it.
func (s *site) environment() []string {
	return append(os.Environ(),
		"SITE_ISSUER="+s.Issuer, "SITE_JWKS="+s.JWKS, "SITE_RESOURCE="+s.Resource, "SITE_FOREIGN="+s.Foreign, "SITE_SCOPE="+s.Scope,
		"SITE_KEY_CLIENT="+s.KeyClient, "SITE_KEY_FILE="+s.KeyFile, "SITE_KEY_ID="+s.KeyID, "SITE_KEY_ALGORITHM="+s.KeyAlgorithm)
}

func (s *site) secret(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(s.SecretFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
