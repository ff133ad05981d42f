package narrowcast_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/jose"
)

const (
	pay      = "https://pay.example.test"
	crm      = "https://crm.example.test"
	issuerA  = "https://issuer.example.test"
	issuerB  = "https://other.example.test"
	goodHead = `{"alg":"ES256","typ":"at+jwt","kid":"k1"}`
)

// pen is a private key of an issuer, with the name it goes by.
type pen struct {
	alg    jose.Alg
	signer crypto.Signer
	kid    narrowcast.KeyID
}

var rsaSigner = sync.OnceValue(func() crypto.Signer {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func newPen(t testing.TB, alg narrowcast.Algorithm, kid narrowcast.KeyID) *pen {
	t.Helper()
	p := &pen{alg: jose.Alg(alg), kid: kid}
	var err error
	switch alg {
	case narrowcast.ES256:
		p.signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case narrowcast.ES384:
		p.signer, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case narrowcast.Ed25519:
		_, p.signer, err = ed25519.GenerateKey(rand.Reader)
	case narrowcast.RS256, narrowcast.PS256:
		p.signer = rsaSigner()
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// sign writes any header over any payload, however wrong.
func (p *pen) sign(t testing.TB, header, payload string) string {
	t.Helper()
	input := jose.Join(header, payload)
	signature, err := jose.Sign(p.alg, p.signer, input)
	if err != nil {
		t.Fatal(err)
	}
	return jose.Seal(input, signature)
}

func (p *pen) public(t testing.TB, change ...func(*narrowcast.KeyConfig)) narrowcast.Key {
	t.Helper()
	c := narrowcast.KeyConfig{ID: p.kid, Algorithm: narrowcast.Algorithm(p.alg), Public: p.signer.Public()}
	for _, f := range change {
		f(&c)
	}
	key, err := narrowcast.NewKey(c)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// ring is a KeySource that counts how often it is asked.
type ring struct {
	mu    sync.Mutex
	keys  map[narrowcast.KeyID]narrowcast.Key
	err   error
	asked int
}

func ringOf(keys ...narrowcast.Key) *ring {
	r := &ring{keys: map[narrowcast.KeyID]narrowcast.Key{}}
	for _, k := range keys {
		r.keys[k.ID()] = k
	}
	return r
}

func (r *ring) Key(_ context.Context, id narrowcast.KeyID) (narrowcast.Key, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	if r.err != nil {
		return narrowcast.Key{}, r.err
	}
	if key, ok := r.keys[id]; ok {
		return key, nil
	}
	return narrowcast.Key{}, narrowcast.ErrKeyUnknown
}

func (r *ring) Peek(id narrowcast.KeyID) (narrowcast.Key, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key, ok := r.keys[id]
	return key, ok
}

// clock is a clock that a test sets.
type clock struct{ now time.Time }

func (c *clock) read() time.Time { return c.now }

// door is the payments service: one verifier, its issuer's pen and its clock.
type door struct {
	*narrowcast.Verifier
	pen   *pen
	keys  *ring
	clock *clock
}

func newDoor(t testing.TB, change ...func(*narrowcast.Config)) *door {
	t.Helper()
	d := &door{pen: newPen(t, narrowcast.ES256, "k1"), clock: &clock{at}}
	d.keys = ringOf(d.pen.public(t))
	c := narrowcast.Config{
		Audience:   narrowcast.MustAudience(pay),
		Issuers:    []narrowcast.TrustedIssuer{{Issuer: narrowcast.MustIssuer(issuerA), Keys: d.keys}},
		Algorithms: []narrowcast.Algorithm{narrowcast.ES256},
		Now:        d.clock.read,
	}
	for _, f := range change {
		f(&c)
	}
	var err error
	if d.Verifier, err = narrowcast.NewVerifier(c); err != nil {
		t.Fatal(err)
	}
	return d
}

// swap replaces old by new in a payload and fails when there is nothing to replace.
func swap(t testing.TB, payload, old, replacement string) string {
	t.Helper()
	if strings.Count(payload, old) != 1 {
		t.Fatalf("%q does not occur once in the payload", old)
	}
	return strings.Replace(payload, old, replacement, 1)
}

// with adds a member to a payload.
func with(payload, member string) string {
	return strings.TrimSuffix(payload, "}") + "," + member + "}"
}

func rejection(t testing.TB, err error) *narrowcast.Rejection {
	t.Helper()
	var rej *narrowcast.Rejection
	if !errors.As(err, &rej) {
		t.Fatalf("error = %v, want a *Rejection", err)
	}
	return rej
}

func mustRefuse(t testing.TB, v *narrowcast.Verifier, text string, p narrowcast.Presentation, want narrowcast.Reason) *narrowcast.Rejection {
	t.Helper()
	token, err := v.Verify(t.Context(), text, p)
	if token != nil || err == nil {
		t.Fatalf("accepted %v, want %s", token, want)
	}
	rej := rejection(t, err)
	if rej.Reason != want {
		t.Errorf("reason = %s (%s) also %v, want %s", rej.Reason, rej.Detail, rej.Also, want)
	}
	return rej
}

func mustAccept(t testing.TB, v *narrowcast.Verifier, text string, p narrowcast.Presentation) *narrowcast.Token {
	t.Helper()
	token, err := v.Verify(t.Context(), text, p)
	if err != nil || token == nil {
		t.Fatalf("refused: %v", err)
	}
	return token
}
