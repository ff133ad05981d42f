package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/dpop"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/mint"
)

// callURL is what the caller of the sender benchmark asks for.
const callURL = resource + "/charge"

// stage is everything that the sender benchmark plays with: one issuer, one
// door, and callers whose tokens are bound in different ways.
type stage struct {
	press       *mint.Press
	public      crypto.PublicKey
	keys        narrowcast.KeySource
	certificate *identity
	provers     map[narrowcast.Algorithm]*dpop.Prover
}

// proofAlgorithms are the algorithms of proofs that are compared.
func proofAlgorithms() []narrowcast.Algorithm {
	return []narrowcast.Algorithm{narrowcast.ES256, narrowcast.Ed25519}
}

func senderBench(p plan) (*paper, error) {
	p = p.or(60, 8*time.Millisecond)
	s, err := newStage()
	if err != nil {
		return nil, err
	}
	result := newPaper("sender", fmt.Sprintf(
		"Tokens bound to their sender, ES256, in one process; every proof is fresh and is remembered. Median of %d interleaved rounds, processor time;\n"+
			"a ratio is the median of those of all rounds.\n"+
			"The other libraries of verify know neither DPoP nor certificates, so the only measure is the bare cryptography.", p.rounds))
	for _, part := range []func(plan) ([]table, []goal, error){s.atTheDoor, s.proofsAlone, s.memory} {
		tables, goals, err := part(p)
		if err != nil {
			return nil, err
		}
		result.Tables, result.Goals = append(result.Tables, tables...), append(result.Goals, goals...)
	}
	return result, nil
}

func newStage() (*stage, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	s := &stage{public: private.Public(), provers: map[narrowcast.Algorithm]*dpop.Prover{}}
	if s.press, err = mint.New(mint.Config{Issuer: narrowcast.MustIssuer(issuerID), KeyID: "k1", Algorithm: narrowcast.ES256, Signer: private}); err != nil {
		return nil, err
	}
	key, err := narrowcast.NewKey(narrowcast.KeyConfig{ID: "k1", Algorithm: narrowcast.ES256, Public: private.Public()})
	if err != nil {
		return nil, err
	}
	if s.keys, err = jwks.Fixed(key); err != nil {
		return nil, err
	}
	if s.certificate, err = newAuthority("bench").issue(leaf{dns: "checkout.example.test"}); err != nil {
		return nil, err
	}
	for _, alg := range proofAlgorithms() {
		signer, err := newSigner(alg)
		if err != nil {
			return nil, err
		}
		if s.provers[alg], err = dpop.NewProver(alg, signer); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func newSigner(alg narrowcast.Algorithm) (crypto.Signer, error) {
	switch alg {
	case narrowcast.ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case narrowcast.Ed25519:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	}
	return nil, fmt.Errorf("no keys for %s", alg)
}

// token is a token of the issuer, bound as told.
func (s *stage) token(bound mint.Confirmation) (string, error) {
	return s.press.Mint(mint.Letter{
		Audience: narrowcast.MustAudience(resource), Subject: "spiffe://corp.example/ns/shop/sa/checkout", Client: "checkout",
		ID: mint.NewTokenID(), IssuedAt: time.Now(), Lifetime: time.Hour, Scope: narrowcast.MustScope("charge refund"),
		Task: "task-2f6c1b7e", Confirmation: bound,
	})
}

func (s *stage) verifier(cache int) (*narrowcast.Verifier, error) {
	return narrowcast.NewVerifier(narrowcast.Config{
		Audience: narrowcast.MustAudience(resource), Now: time.Now, Cache: cache, CacheFor: time.Hour,
		Issuers:    []narrowcast.TrustedIssuer{{Issuer: narrowcast.MustIssuer(issuerID), Keys: s.keys}},
		Algorithms: []narrowcast.Algorithm{narrowcast.ES256},
	})
}

func newChecker() (*dpop.Checker, error) {
	return dpop.New(dpop.Config{Algorithms: proofAlgorithms(), Now: time.Now, Capacity: dpop.MaxCapacity})
}

// stock makes proofs ahead of the calls that use them up.
type stock struct {
	prover *dpop.Prover
	token  string
	proofs []string
}

func (s *stock) ready(n int) error {
	s.proofs = s.proofs[:0]
	for range n {
		proof, err := s.prover.Prove(http.MethodGet, callURL, s.token, "", time.Now())
		if err != nil {
			return err
		}
		s.proofs = append(s.proofs, proof)
	}
	return nil
}

func (s *stock) shown(i int) dpop.Shown {
	return dpop.Shown{Proofs: s.proofs[i : i+1], Method: http.MethodGet, URI: callURL, Token: s.token}
}

// proofsAlone compares the check of a proof, without any token, with the raw
// check of its signature.
func (s *stage) proofsAlone(p plan) (tables []table, goals []goal, err error) {
	token, err := s.token(mint.Confirmation{})
	if err != nil {
		return nil, nil, err
	}
	var field []*entrant
	for _, alg := range proofAlgorithms() {
		raw, err := s.rawProof(alg, token)
		if err != nil {
			return nil, nil, err
		}
		checker, err := newChecker()
		if err != nil {
			return nil, nil, err
		}
		proofs := &stock{prover: s.provers[alg], token: token}
		field = append(field,
			&entrant{name: "raw signature check, " + string(alg), run: func(int) error { return raw() }},
			&entrant{name: "proof checked and remembered, " + string(alg), ready: proofs.ready, run: func(i int) error {
				_, err := checker.Check(proofs.shown(i))
				return err
			}})
	}
	if err := race(field, p.rounds, p.each); err != nil {
		return nil, nil, err
	}
	t := table{Title: "A proof of possession alone", Columns: []column{{"ns per proof", 0}, {"to raw", 3}, {"allocations", 0}}}
	var reached paper
	for i, e := range field {
		ratio := e.to(field[i&^1])
		t.add(e.name, e.ns(), ratio, e.allocs)
		if i&1 == 1 {
			reached.atMost("17", e.name+", over the raw check", ratio, 1.15)
		}
	}
	return []table{t}, reached.Goals, nil
}

// rawProof is the raw check of the signature of one proof.
func (s *stage) rawProof(alg narrowcast.Algorithm, token string) (func() error, error) {
	signer, err := newSigner(alg)
	if err != nil {
		return nil, err
	}
	prover, err := dpop.NewProver(alg, signer)
	if err != nil {
		return nil, err
	}
	proof, err := prover.Prove(http.MethodGet, callURL, token, "", time.Now())
	if err != nil {
		return nil, err
	}
	return rawCheck(sample{text: proof, public: signer.Public()}), nil
}

// verifyAs is one call of the verifier with what a caller shows.
func verifyAs(v *narrowcast.Verifier, token string, p narrowcast.Presentation) error {
	_, err := v.Verify(context.Background(), token, p)
	if err == nil {
		return nil
	}
	if rejection := (*narrowcast.Rejection)(nil); errors.As(err, &rejection) {
		return fmt.Errorf("%s: %s", rejection.Reason, rejection.Detail)
	}
	return err
}
