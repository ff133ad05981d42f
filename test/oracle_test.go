package test_test

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	gojose "github.com/go-jose/go-jose/v4"
	gojosejwt "github.com/go-jose/go-jose/v4/jwt"
	golangjwt "github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v3/jwk"
	jwxjwt "github.com/lestrrat-go/jwx/v3/jwt"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/jose"
	"github.com/narrowcast-io/narrowcast/vectors"
)

// question is what every oracle is asked: may this token in here now?
type question struct {
	token, issuer, audience string
	algorithms              []string // both names of Ed25519
	keys                    []jose.JWK
	now                     time.Time
	skew                    time.Duration
}

func (q *question) key(kid string) (crypto.PublicKey, error) {
	for _, k := range q.keys {
		if k.KeyID == kid {
			return k.Public, nil
		}
	}
	return nil, errors.New("no such key")
}

// oracles are other people's verifiers, each set as strictly as its options
// allow. None of them knows of scopes, tenants, senders or revocation.
func oracles() []oracle {
	return []oracle{{"go-jose", askGoJose}, {"go-oidc", askGoOIDC}, {"golang-jwt", askGolangJWT}, {"jwx", askJWX}}
}

type oracle struct {
	name string
	ask  func(*question) error
}

func askGoJose(q *question) error {
	var algs []gojose.SignatureAlgorithm
	for _, a := range q.algorithms {
		algs = append(algs, gojose.SignatureAlgorithm(a))
	}
	token, err := gojosejwt.ParseSigned(q.token, algs)
	if err != nil {
		return err
	}
	key, err := q.key(token.Headers[0].KeyID)
	if err != nil {
		return err
	}
	var claims gojosejwt.Claims
	if err := token.Claims(key, &claims); err != nil {
		return err
	}
	return claims.ValidateWithLeeway(gojosejwt.Expected{Issuer: q.issuer, AnyAudience: []string{q.audience}, Time: q.now}, q.skew)
}

func askGoOIDC(q *question) error {
	keys := &oidc.StaticKeySet{}
	for _, k := range q.keys {
		keys.PublicKeys = append(keys.PublicKeys, k.Public)
	}
	verifier := oidc.NewVerifier(q.issuer, keys, &oidc.Config{
		ClientID: q.audience, SupportedSigningAlgs: q.algorithms, Now: func() time.Time { return q.now },
	})
	_, err := verifier.Verify(context.Background(), q.token)
	return err
}

func askGolangJWT(q *question) error {
	_, err := golangjwt.Parse(q.token, func(t *golangjwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		return q.key(kid)
	}, golangjwt.WithValidMethods(q.algorithms), golangjwt.WithIssuer(q.issuer), golangjwt.WithAudience(q.audience),
		golangjwt.WithExpirationRequired(), golangjwt.WithIssuedAt(), golangjwt.WithStrictDecoding(),
		golangjwt.WithLeeway(q.skew), golangjwt.WithTimeFunc(func() time.Time { return q.now }))
	return err
}

func askJWX(q *question) error {
	set := jwk.NewSet()
	for _, k := range q.keys {
		key, err := jwk.Import(k.Public)
		if err != nil {
			return err
		}
		if err := errors.Join(key.Set(jwk.KeyIDKey, k.KeyID), key.Set(jwk.AlgorithmKey, joseName(k.Alg, q.token)), set.AddKey(key)); err != nil {
			return err
		}
	}
	_, err := jwxjwt.ParseString(q.token, jwxjwt.WithKeySet(set), jwxjwt.WithIssuer(q.issuer), jwxjwt.WithAudience(q.audience),
		jwxjwt.WithRequiredClaim("exp"), jwxjwt.WithAcceptableSkew(q.skew),
		jwxjwt.WithClock(jwxjwt.ClockFunc(func() time.Time { return q.now })))
	return err
}

// joseName names the algorithm of a key as the token does: jwx compares the
// texts, and Ed25519 has two.
func joseName(alg jose.Alg, token string) string {
	claimed, _ := narrowcast.Inspect(token)
	if known, ok := jose.Known(claimed.Algorithm); ok && known == alg {
		return claimed.Algorithm
	}
	return string(alg)
}

// ask puts one question to all oracles and names those that accept.
func ask(q *question) (accepted, refused []string, why []error) {
	for _, o := range oracles() {
		if err := o.ask(q); err == nil {
			accepted = append(accepted, o.name)
		} else {
			refused = append(refused, o.name)
			why = append(why, fmt.Errorf("%s: %w", o.name, err))
		}
	}
	return accepted, refused, why
}

// questionOf makes the question of a vector. Of several trusted issuers the one
// that the token names is asked about.
func questionOf(t *testing.T, v *vectors.Vector) *question {
	t.Helper()
	q := &question{token: v.Token, audience: v.Audience.String(), now: v.Now, skew: v.Skew}
	claimed, _ := narrowcast.Inspect(v.Token)
	trusted := v.Issuers[0]
	if i := slices.IndexFunc(v.Issuers, func(i vectors.TrustedIssuer) bool { return i.Issuer.String() == claimed.Issuer }); i >= 0 {
		trusted = v.Issuers[i]
	}
	q.issuer = trusted.Issuer.String()
	q.algorithms = names(v.Algorithms)
	text, err := fs.ReadFile(vectors.Files(), trusted.Keys)
	if err != nil {
		t.Fatal(err)
	}
	if q.keys, err = jose.ParseSet(string(text)); err != nil {
		t.Fatal(err)
	}
	return q
}

func names(algorithms []narrowcast.Algorithm) (all []string) {
	for _, a := range algorithms {
		all = append(all, string(a))
		if a == narrowcast.Ed25519 {
			all = append(all, "EdDSA")
		}
	}
	return all
}

func list(all []string) string { return strings.Join(all, ", ") }
