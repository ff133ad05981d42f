package outside_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/subtle"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/jose"
	"github.com/narrowcast-io/narrowcast/mint"
)

// stand is a stand-in for the issuer: just enough of one to try the clients on.
type stand struct {
	*site
	press  *mint.Press
	public crypto.PublicKey
	desk   *narrowcast.Verifier // checks client assertions
	secret string
}

func standIn(t *testing.T) *site {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	own, client := newKey(t), newKey(t)
	s := &stand{public: own.Public(), secret: rand.Text(), site: &site{
		Issuer: server.URL, JWKS: server.URL + "/jwks", Resource: "https://pay.example.test", Foreign: "https://crm.example.test", Scope: "charge",
		KeyClient: "checkout", KeyID: "c1", KeyAlgorithm: "ES256", SecretClient: "nightly",
		KeyFile: filepath.Join(t.TempDir(), "key.pem"), SecretFile: filepath.Join(t.TempDir(), "secret"),
	}}
	der, err := x509.MarshalPKCS8PrivateKey(client)
	must(t, err)
	must(t, os.WriteFile(s.KeyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	must(t, os.WriteFile(s.SecretFile, []byte(s.secret), 0o600))
	s.press, err = mint.New(mint.Config{Issuer: narrowcast.MustIssuer(s.Issuer), KeyID: "k1", Algorithm: narrowcast.ES256, Signer: own})
	must(t, err)
	key, err := narrowcast.NewKey(narrowcast.KeyConfig{ID: "c1", Algorithm: narrowcast.ES256, Public: client.Public()})
	must(t, err)
	s.desk, err = narrowcast.NewVerifier(narrowcast.Config{
		Audience: narrowcast.MustAudience(s.Issuer), Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, Now: time.Now,
		Issuers: []narrowcast.TrustedIssuer{{Issuer: narrowcast.MustIssuer(s.KeyClient), Keys: oneKey{key}, Class: narrowcast.ClientAssertion}},
	})
	must(t, err)
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", s.metadata)
	mux.HandleFunc("GET /jwks", s.jwks)
	mux.HandleFunc("POST /token", s.token)
	return s.site
}

func (s *stand) metadata(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{
		"issuer": s.Issuer, "token_endpoint": s.Issuer + "/token", "jwks_uri": s.JWKS, "response_types_supported": []string{},
		"grant_types_supported": []string{"client_credentials"}, "token_endpoint_auth_methods_supported": []string{"private_key_jwt", "client_secret_basic"},
		"token_endpoint_auth_signing_alg_values_supported": []string{"ES256"},
	})
}

func (s *stand) jwks(w http.ResponseWriter, _ *http.Request) {
	set, err := jose.MarshalSet([]jose.JWK{{KeyID: "k1", Alg: jose.ES256, Public: s.public}})
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/jwk-set+json")
	_, _ = w.Write(set)
}

func (s *stand) token(w http.ResponseWriter, r *http.Request) {
	if r.ParseForm() != nil {
		refuse(w, "invalid_request")
		return
	}
	client := s.client(r)
	resources := r.PostForm["resource"]
	switch {
	case client == "":
		refuse(w, "invalid_client")
	case r.PostForm.Get("grant_type") != "client_credentials":
		refuse(w, "unsupported_grant_type")
	case len(resources) != 1 || !slices.Contains([]string{s.Resource, s.Foreign}, resources[0]):
		refuse(w, "invalid_target")
	default:
		s.mint(w, client, resources[0], r.PostForm.Get("scope"))
	}
}

// client says who asks, or "".
func (s *stand) client(r *http.Request) string {
	if assertion := r.PostForm.Get("client_assertion"); assertion != "" {
		token, err := s.desk.Verify(r.Context(), assertion, narrowcast.Presentation{})
		if err != nil {
			return ""
		}
		return string(token.Subject())
	}
	id, secret, _ := r.BasicAuth()
	if id, err := url.QueryUnescape(id); err != nil || id != s.SecretClient {
		return ""
	}
	if subtle.ConstantTimeCompare([]byte(secret), []byte(s.secret)) != 1 {
		return ""
	}
	return s.SecretClient
}

func (s *stand) mint(w http.ResponseWriter, client, resource, scope string) {
	granted, err := narrowcast.ParseScope(scope)
	if err != nil {
		refuse(w, "invalid_scope")
		return
	}
	text, err := s.press.Mint(mint.Letter{
		Audience: narrowcast.MustAudience(resource), Subject: narrowcast.Subject(client), Client: narrowcast.ClientID(client),
		ID: mint.NewTokenID(), IssuedAt: time.Now(), Lifetime: 5 * time.Minute, Scope: granted,
	})
	if err != nil {
		refuse(w, "server_error")
		return
	}
	answer(w, http.StatusOK, map[string]any{"access_token": text, "token_type": "Bearer", "expires_in": 300, "scope": scope, "resource": resource})
}

func refuse(w http.ResponseWriter, code string) {
	answer(w, http.StatusBadRequest, map[string]any{"error": code})
}

func answer(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func newKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return key
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
