package narrowcasttest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/client"
	"github.com/narrowcast-io/narrowcast/mint"
)

// DefaultIssuer is the name of an issuer that was given none.
const DefaultIssuer = "https://issuer.example.test"

// IssuerConfig is what an Issuer is made of. Nothing in it is required.
type IssuerConfig struct {
	// Issuer is its name; default DefaultIssuer. It must be a web address.
	Issuer narrowcast.Issuer
	// Clock is its clock; default a new one. See Issuer.Clock.
	Clock *Clock
	// Seed chooses one of its moods; the same seed makes the same choices.
	Seed uint64

	_ struct{}
}

// Issuer mints tokens for tests. It is an http.Handler that serves RFC 8414
// metadata, a key set and a token endpoint, and it may be used by many
// goroutines. The zero Issuer is not usable.
//
// It is rude within the rules:
//
//   - it changes its signing key every few tokens, always to one that was
//     published for five minutes or from the beginning;
//   - it writes JSON members in any order, and members that nobody knows;
//   - it writes a single audience now as a string, now as a list;
//   - it moves its token endpoint; the metadata always names the one that works;
//   - it answers 503 now and then, never twice in a row and never to the first
//     request for an address;
//   - it publishes keys whose window is over or has not begun.
type Issuer struct {
	id    narrowcast.Issuer
	base  *url.URL
	clock *Clock

	mu      sync.Mutex
	mood    *rand.Rand
	keys    ring
	minted  int
	desk    desk
	clients map[narrowcast.ClientID]*narrowcast.Verifier
}

// NewIssuer makes an Issuer with new keys.
func NewIssuer(c IssuerConfig) (*Issuer, error) {
	if c.Issuer.IsZero() {
		c.Issuer = narrowcast.MustIssuer(DefaultIssuer)
	}
	if c.Clock == nil {
		c.Clock = new(Clock)
	}
	base, err := url.Parse(c.Issuer.String())
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" {
		return nil, fmt.Errorf("narrowcasttest: issuer %q: must be a web address", c.Issuer)
	}
	base.Path = strings.TrimSuffix(base.Path, "/")
	keys, err := newRing(c.Clock.Now())
	if err != nil {
		return nil, fmt.Errorf("narrowcasttest: issuer %s: %w", c.Issuer, err)
	}
	return &Issuer{
		id: c.Issuer, base: base, clock: c.Clock, keys: keys, mood: rand.New(rand.NewPCG(c.Seed, 8707)),
		desk:    desk{seen: make(map[string]bool), used: make(map[narrowcast.TokenID]bool)},
		clients: make(map[narrowcast.ClientID]*narrowcast.Verifier),
	}, nil
}

// Issuer returns its name.
func (i *Issuer) Issuer() narrowcast.Issuer { return i.id }

// Clock returns the clock that it lives by. Give its method Now to the verifier.
func (i *Issuer) Clock() *Clock { return i.clock }

// Trust returns what a verifier needs to trust this issuer. The keys are read
// from memory and are never out of date.
func (i *Issuer) Trust() narrowcast.TrustedIssuer {
	return narrowcast.TrustedIssuer{Issuer: i.id, Keys: i.Keys()}
}

// Verifier makes a verifier for one audience that trusts this issuer alone and
// lives by its clock.
func (i *Issuer) Verifier(audience narrowcast.Audience) (*narrowcast.Verifier, error) {
	return narrowcast.NewVerifier(narrowcast.Config{
		Audience: audience, Issuers: []narrowcast.TrustedIssuer{i.Trust()},
		Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, Now: i.clock.Now,
	})
}

// Mint makes a token for one audience: for the client and subject "checkout",
// five minutes long, without scope. The edits change that. The error is that of
// package mint, for example when the audience was forgotten.
func (i *Issuer) Mint(audience narrowcast.Audience, edits ...func(*mint.Letter)) (string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.mint(audience, edits...)
}

func (i *Issuer) mint(audience narrowcast.Audience, edits ...func(*mint.Letter)) (string, error) {
	l := mint.Letter{
		Audience: audience, Subject: "checkout", Client: "checkout", ID: mint.NewTokenID(),
		IssuedAt: i.clock.Now(), Lifetime: 5 * time.Minute,
	}
	for _, edit := range edits {
		edit(&l)
	}
	key := i.keys.current()
	press, err := mint.New(mint.Config{Issuer: i.id, KeyID: key.ID, Algorithm: key.Algorithm, Signer: key.Signer})
	if err != nil {
		return "", err
	}
	text, err := press.Mint(l)
	if err != nil {
		return "", err
	}
	i.minted++
	text, err = i.disorder(text, key)
	if err == nil && i.minted%tokensPerKey == 0 {
		err = i.keys.turn(i.clock.Now())
	}
	return text, err
}

// Rotate changes the signing key at once, to the next one that is published.
func (i *Issuer) Rotate() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.keys.advance(i.clock.Now())
}

// Down makes the issuer answer every request with 503, or ends that.
func (i *Issuer) Down(down bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.desk.down = down
}

// Enrol makes a key for a client and returns how the client authenticates with
// it: private_key_jwt, RFC 7523 section 2.2. The last key of a client counts.
func (i *Issuer) Enrol(id narrowcast.ClientID) (client.Authenticator, error) {
	signer, err := newSigner()
	if err != nil {
		return nil, err
	}
	authenticate, errA := client.NewPrivateKeyJWT(client.PrivateKeyJWTConfig{
		ClientID: id, KeyID: clientKey, Algorithm: narrowcast.ES256, Signer: signer, Now: i.clock.Now,
	})
	verifier, errV := i.assertionVerifier(id, signer)
	if err := errors.Join(errA, errV); err != nil {
		return nil, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.clients[id] = verifier
	return authenticate, nil
}

// Source enrols a client and makes its client.Source, which asks this issuer
// without any network and lives by its clock.
func (i *Issuer) Source(id narrowcast.ClientID) (*client.Source, error) {
	authenticate, err := i.Enrol(id)
	if err != nil {
		return nil, err
	}
	return client.NewSource(client.Config{Issuer: i.id, Authenticate: authenticate, Now: i.clock.Now, Transport: i.Transport()})
}
