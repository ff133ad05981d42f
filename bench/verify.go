package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/jose"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/mint"
)

const (
	issuerID = "https://issuer.example.test"
	resource = "https://pay.example.test"
)

// sample is one token of one algorithm and the key that checks it.
type sample struct {
	alg    narrowcast.Algorithm
	text   string
	older  string // the same token under the older name of its algorithm
	public crypto.PublicKey
	key    narrowcast.Key
}

// contender checks a sample's token: signature, issuer, audience and expiry.
type contender struct {
	name  string
	check func(s sample) func() error
}

func contenders() []contender {
	return []contender{
		{"raw signature check", rawCheck},
		{"narrowcast", ownCheck(0)},
		{"narrowcast, cached", ownCheck(1000)},
		{"golang-jwt v5", golangJWT},
		{"go-jose v4", goJose},
		{"lestrrat jwx v3", lestrrat},
		{"coreos go-oidc v3", goOIDC},
	}
}

func samples() ([]sample, error) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	var all []sample
	for alg, signer := range map[narrowcast.Algorithm]crypto.Signer{narrowcast.Ed25519: ed, narrowcast.ES256: ec, narrowcast.RS256: rs} {
		s, err := newSample(alg, signer)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func newSample(alg narrowcast.Algorithm, signer crypto.Signer) (sample, error) {
	press, err := mint.New(mint.Config{Issuer: narrowcast.MustIssuer(issuerID), KeyID: "k1", Algorithm: alg, Signer: signer})
	if err != nil {
		return sample{}, err
	}
	text, err := press.Mint(mint.Letter{
		Audience: narrowcast.MustAudience(resource), Subject: "spiffe://corp.example/ns/shop/sa/checkout", Client: "checkout",
		ID: mint.NewTokenID(), IssuedAt: time.Now(), Lifetime: time.Hour, Scope: narrowcast.MustScope("charge refund"),
		Environment: "", Task: "task-2f6c1b7e",
	})
	if err != nil {
		return sample{}, err
	}
	key, err := narrowcast.NewKey(narrowcast.KeyConfig{ID: "k1", Algorithm: alg, Public: signer.Public()})
	if err != nil {
		return sample{}, err
	}
	older, err := underOlderName(alg, signer, text)
	return sample{alg: alg, text: text, older: older, public: signer.Public(), key: key}, err
}

// underOlderName signs the same payload with EdDSA in the header, the only name
// of Ed25519 that the other libraries know.
func underOlderName(alg narrowcast.Algorithm, signer crypto.Signer, text string) (string, error) {
	if alg != narrowcast.Ed25519 {
		return text, nil
	}
	parts, err := jose.Split(text)
	if err != nil {
		return "", err
	}
	input := jose.Join(strings.Replace(parts.Header, `"Ed25519"`, `"EdDSA"`, 1), parts.Payload)
	signature, err := jose.Sign(jose.Ed25519, signer, input)
	if err != nil {
		return "", err
	}
	return jose.Seal(input, signature), nil
}

func ownCheck(cache int) func(sample) func() error {
	return func(s sample) func() error {
		source, err := jwks.Fixed(s.key)
		if err != nil {
			return func() error { return err }
		}
		v, err := narrowcast.NewVerifier(narrowcast.Config{
			Audience: narrowcast.MustAudience(resource), Now: time.Now, Cache: cache, CacheFor: time.Hour,
			Issuers:    []narrowcast.TrustedIssuer{{Issuer: narrowcast.MustIssuer(issuerID), Keys: source}},
			Algorithms: []narrowcast.Algorithm{s.alg},
		})
		need := narrowcast.MustScope("charge")
		ctx := context.Background()
		return func() error {
			if err != nil {
				return err
			}
			_, err := v.Verify(ctx, s.text, narrowcast.Presentation{Need: need})
			return err
		}
	}
}

// rawCheck is the floor: one hash and one signature check on bytes that are
// ready. Nothing can verify a token with less.
func rawCheck(s sample) func() error {
	last := strings.LastIndexByte(s.text, '.')
	input := []byte(s.text[:last])
	signature, err := base64.RawURLEncoding.DecodeString(s.text[last+1:])
	if err != nil {
		return func() error { return err }
	}
	wrong := errors.New("wrong signature")
	switch key := s.public.(type) {
	case ed25519.PublicKey:
		return func() error {
			if !ed25519.Verify(key, input, signature) {
				return wrong
			}
			return nil
		}
	case *rsa.PublicKey:
		return func() error {
			sum := sha256.Sum256(input)
			return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature)
		}
	case *ecdsa.PublicKey:
		var pair struct{ R, S *big.Int }
		pair.R, pair.S = new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
		der, err := asn1.Marshal(pair)
		return func() error {
			sum := sha256.Sum256(input)
			if err != nil || !ecdsa.VerifyASN1(key, sum[:], der) {
				return wrong
			}
			return nil
		}
	}
	return func() error { return wrong }
}

func verifyBench(p plan) (*paper, error) {
	p = p.or(40, 30*time.Millisecond)
	all, err := samples()
	if err != nil {
		return nil, err
	}
	result := newPaper("verify", fmt.Sprintf(
		"Full verification of a %d-byte access token: signature, issuer, audience, expiry.\n"+
			"Median of %d interleaved rounds, processor time; the ratio is to the raw signature check, round by round.", len(all[0].text), p.rounds))
	for _, alg := range []narrowcast.Algorithm{narrowcast.Ed25519, narrowcast.ES256, narrowcast.RS256} {
		for _, s := range all {
			if s.alg != alg {
				continue
			}
			t, err := compare(s, p)
			if err != nil {
				return nil, err
			}
			result.Tables = append(result.Tables, t)
		}
	}
	return result, nil
}

func compare(s sample, p plan) (table, error) {
	var field []*entrant
	for _, c := range contenders() {
		check := c.check(s)
		field = append(field, &entrant{name: c.name, run: func(int) error { return check() }})
	}
	if err := race(field, p.rounds, p.each); err != nil {
		return table{}, fmt.Errorf("%s: %w", s.alg, err)
	}
	t := table{Title: string(s.alg), Columns: []column{{"ns per token", 0}, {"ratio", 3}, {"allocations", 0}}}
	for _, e := range field {
		t.add(e.name, e.ns(), e.to(field[0]), e.allocs)
	}
	return t, nil
}
