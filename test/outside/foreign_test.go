package outside_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/client"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/guard"
	"github.com/narrowcast-io/narrowcast/jwks"
)

// oidcProvider is an authorization server that others wrote, with our client in
// front of it and our guards behind it.
func oidcProvider(t *testing.T) {
	pay, crm := narrowcast.MustAudience("https://pay.example.test"), narrowcast.MustAudience("https://crm.example.test")
	issuer := narrowcast.MustIssuer("http://" + freeAddresses(t, 1)[0])
	source := foreignClient(t, issuer, pay.String()+" "+crm.String())
	for _, class := range []narrowcast.Class{narrowcast.AccessToken, narrowcast.DangerouslyUntyped} {
		t.Run(class.String(), func(t *testing.T) {
			at := map[narrowcast.Audience]narrowcast.Audience{pay: crm, crm: pay}
			for own, other := range at {
				token, err := source.Token(t.Context(), own, narrowcast.MustScope("charge"))
				must(t, err)
				if status, reasons := knock(t, issuer, class, own, token); status != http.StatusOK {
					t.Errorf("%s refuses its own token: %d %v", own, status, reasons)
				}
				status, reasons := knock(t, issuer, class, other, token)
				if status != http.StatusUnauthorized || len(reasons) != 1 || reasons[0] != narrowcast.AudienceMismatch {
					t.Errorf("%s answers a token for %s: %d %v", other, own, status, reasons)
				}
			}
		})
	}
	var refused *client.Error
	_, err := source.Token(t.Context(), narrowcast.MustAudience("https://nowhere.example.test"), narrowcast.Scope{})
	if !errors.As(err, &refused) || refused.Code != "invalid_target" {
		t.Errorf("an unknown resource: %v", err)
	}
}

// foreignClient starts oidc-provider and returns a client that it knows.
func foreignClient(t *testing.T, issuer narrowcast.Issuer, resources string) *client.Source {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	public, err := narrowcast.NewKey(narrowcast.KeyConfig{ID: "c1", Algorithm: narrowcast.ES256, Public: private.Public()})
	must(t, err)
	set, err := jwks.Marshal([]narrowcast.Key{public})
	must(t, err)
	serve(t, "ready\n", 1, append(os.Environ(), "FOREIGN_ISSUER="+issuer.String(), "FOREIGN_RESOURCES="+resources,
		"FOREIGN_CLIENT=checkout", "FOREIGN_CLIENT_JWKS="+string(set)), "node", "node/oidc-provider.mjs")
	proof, err := client.NewPrivateKeyJWT(client.PrivateKeyJWTConfig{
		ClientID: "checkout", KeyID: "c1", Algorithm: narrowcast.ES256, Signer: private, Now: time.Now,
	})
	must(t, err)
	source, err := client.NewSource(client.Config{Issuer: issuer, Authenticate: proof, Now: time.Now})
	must(t, err)
	return source
}

// refusals keeps the reasons that a guard records.
type refusals []narrowcast.Reason

func (r *refusals) Record(e event.Event) {
	if e.Reason != narrowcast.Reason(0) {
		*r = append(*r, e.Reason)
	}
}

// knock presents a token at the guarded door of one resource.
func knock(t *testing.T, issuer narrowcast.Issuer, class narrowcast.Class, door narrowcast.Audience, token client.Token) (int, refusals) {
	t.Helper()
	keys, err := jwks.NewHTTP(jwks.HTTPConfig{URL: issuer.String() + "/jwks", Now: time.Now})
	must(t, err)
	verifier, err := narrowcast.NewVerifier(narrowcast.Config{
		Audience: door, Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, Now: time.Now,
		Issuers: []narrowcast.TrustedIssuer{{Issuer: issuer, Keys: keys, Class: class}},
	})
	must(t, err)
	var seen refusals
	g, err := guard.New(guard.Config{Verifier: verifier, Sink: &seen, Now: time.Now, Name: "door"})
	must(t, err)
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, door.String()+"/", nil)
	request.Header.Set("Authorization", "Bearer "+token.Secret())
	answer := httptest.NewRecorder()
	g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(answer, request)
	return answer.Code, seen
}
