package main

import (
	"context"
	"crypto"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	josev4 "github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v3/jwa"
	jwxjwt "github.com/lestrrat-go/jwx/v3/jwt"
	"github.com/narrowcast-io/narrowcast"
)

// peerAlg is the older name of Ed25519 that the other libraries know. Each of
// them is set up as its documentation recommends, with a key that is at hand.
func peerAlg(alg narrowcast.Algorithm) string {
	if alg == narrowcast.Ed25519 {
		return "EdDSA"
	}
	return string(alg)
}

func golangJWT(s sample) func() error {
	text := s.older
	parser := jwt.NewParser(jwt.WithValidMethods([]string{peerAlg(s.alg)}), jwt.WithAudience(resource),
		jwt.WithIssuer(issuerID), jwt.WithExpirationRequired())
	keys := func(*jwt.Token) (any, error) { return s.public, nil }
	return func() error {
		_, err := parser.Parse(text, keys)
		return err
	}
}

func goJose(s sample) func() error {
	text := s.older
	algs := []josev4.SignatureAlgorithm{josev4.SignatureAlgorithm(peerAlg(s.alg))}
	return func() error {
		token, err := josejwt.ParseSigned(text, algs)
		if err != nil {
			return err
		}
		var claims josejwt.Claims
		if err := token.Claims(s.public, &claims); err != nil {
			return err
		}
		return claims.Validate(josejwt.Expected{Issuer: issuerID, AnyAudience: josejwt.Audience{resource}, Time: time.Now()})
	}
}

func lestrrat(s sample) func() error {
	text := []byte(s.older)
	alg, _ := jwa.LookupSignatureAlgorithm(peerAlg(s.alg))
	return func() error {
		_, err := jwxjwt.Parse(text, jwxjwt.WithKey(alg, s.public), jwxjwt.WithIssuer(issuerID), jwxjwt.WithAudience(resource))
		return err
	}
}

func goOIDC(s sample) func() error {
	text := s.older
	keys := &oidc.StaticKeySet{PublicKeys: []crypto.PublicKey{s.public}}
	v := oidc.NewVerifier(issuerID, keys, &oidc.Config{ClientID: resource, SupportedSigningAlgs: []string{peerAlg(s.alg)}})
	return func() error {
		_, err := v.Verify(context.Background(), text)
		return err
	}
}
