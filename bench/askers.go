package main

import (
	"crypto"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/dpop"
	"github.com/narrowcast-io/narrowcast/internal/jose"
	"github.com/narrowcast-io/narrowcast/mint"
)

// Words of the token endpoint.
const (
	typeJWT    = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	typeSPIFFE = "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe"

	grantJWTBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	grantExchange  = "urn:ietf:params:oauth:grant-type:token-exchange"
	tokenTypeJWT   = "urn:ietf:params:oauth:token-type:jwt"
)

// asking is what all requests of the benchmarks have in common.
func asking(grant, resource string) url.Values {
	return url.Values{"grant_type": {grant}, "resource": {resource}, "scope": {"charge"}}
}

// privateKeyJWT is a client that signs a fresh assertion for each request, and a
// proof of possession if it has a prover.
func privateKeyJWT(c *signing, issuer, resource string, prover *dpop.Prover) func(string) (asker, error) {
	return func(endpoint string) (asker, error) {
		server, err := narrowcast.ParseIssuer(issuer)
		if err != nil {
			return nil, err
		}
		form := asking("client_credentials", resource)
		form.Set("client_assertion_type", typeJWT)
		return func() (url.Values, string, error) {
			now := time.Now()
			assertion, err := c.press.Mint(mint.Letter{
				Class: narrowcast.ClientAssertion, Server: server, Subject: narrowcast.Subject(c.id), ID: mint.TokenIDAt(now),
				IssuedAt: now, Lifetime: time.Minute,
			})
			if err != nil {
				return nil, "", err
			}
			form.Set("client_assertion", assertion)
			if prover == nil {
				return form, "", nil
			}
			proof, err := prover.Prove(http.MethodPost, endpoint, "", "", now)
			return form, proof, err
		}, nil
	}
}

// platform is a foreign issuer: something that gives workloads tokens.
type platform struct {
	alg     narrowcast.Algorithm
	private crypto.Signer
	keyID   string
}

// token makes a token of the platform about a subject, for an audience. iss is
// left out of JWT-SVIDs, whose subject says it.
func (p *platform) token(iss, subject, audience string) (string, error) {
	now := time.Now().Unix()
	claims := `{"sub":` + strconv.Quote(subject) + `,"aud":` + strconv.Quote(audience) + `,"iat":` + strconv.FormatInt(now, 10) + `,"exp":` + strconv.FormatInt(now+300, 10)
	if iss != "" {
		claims += `,"iss":` + strconv.Quote(iss) + `,"jti":` + strconv.Quote(string(mint.NewTokenID()))
	}
	input := jose.Join(`{"alg":"`+string(p.alg)+`","kid":"`+p.keyID+`","typ":"JWT"}`, claims+"}")
	signature, err := jose.Sign(jose.Alg(p.alg), p.private, input)
	if err != nil {
		return "", err
	}
	return jose.Seal(input, signature), nil
}

// showing is a workload that got one token from its platform, a new one for each
// measurement, and shows it with every request, as an agent hands them out.
func showing(make func() (string, error), form url.Values, as string) func(string) (asker, error) {
	return func(string) (asker, error) {
		token, err := make()
		if err != nil {
			return nil, err
		}
		own := url.Values{as: {token}}
		for name, values := range form {
			own[name] = values
		}
		return func() (url.Values, string, error) { return own, "", nil }, nil
	}
}

// connected is a client whose certificate says who it is.
func connected(clientID, resource string) func(string) (asker, error) {
	form := asking("client_credentials", resource)
	form.Set("client_id", clientID)
	return func(string) (asker, error) {
		return func() (url.Values, string, error) { return form, "", nil }, nil
	}
}
