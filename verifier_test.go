package narrowcast_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/jose"
)

var at = time.Unix(1_800_000_000, 0)

type keys map[narrowcast.KeyID]narrowcast.Key

func (k keys) Key(_ context.Context, id narrowcast.KeyID) (narrowcast.Key, error) {
	if key, ok := k[id]; ok {
		return key, nil
	}
	return narrowcast.Key{}, narrowcast.ErrKeyUnknown
}

const right = `{"iss":"https://issuer.example.test","sub":"checkout","client_id":"checkout","jti":"t-1",` +
	`"aud":"https://pay.example.test","scope":"charge refund","iat":1800000000,"exp":1800000300}`

func TestVerifyAcceptsTheRightToken(t *testing.T) {
	v, sign := setup(t, 0)
	token, err := v.Verify(t.Context(), sign(`{"alg":"ES256","typ":"at+jwt","kid":"k1"}`, right), narrowcast.Presentation{Need: narrowcast.MustScope("charge")})
	if err != nil {
		t.Fatal(err)
	}
	if token.Subject() != "checkout" || token.ID() != "t-1" || token.Scope() != narrowcast.MustScope("refund charge") {
		t.Errorf("token = %+v", token.Describe())
	}
}

func TestVerifyNamesTheDoorItIsFor(t *testing.T) {
	v, sign := setup(t, 0)
	_, err := v.Verify(t.Context(), sign(`{"alg":"ES256","typ":"at+jwt","kid":"k1"}`, `{"iss":"https://issuer.example.test","sub":"checkout","client_id":"checkout","jti":"t-1","aud":"https://pay.example.test/v2","iat":1799990000,"exp":1799990300}`), narrowcast.Presentation{})
	var rej *narrowcast.Rejection
	if !errors.As(err, &rej) {
		t.Fatalf("err = %v", err)
	}
	if rej.Reason != narrowcast.Expired || !rej.OffTarget() || rej.Near != "same host, another path" {
		t.Errorf("rejection = %+v", rej)
	}
}

func setup(t testing.TB, cacheSize int) (*narrowcast.Verifier, func(header, payload string) string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := narrowcast.NewKey(narrowcast.KeyConfig{ID: "k1", Algorithm: narrowcast.ES256, Public: &private.PublicKey})
	if err != nil {
		t.Fatal(err)
	}
	v, err := narrowcast.NewVerifier(narrowcast.Config{
		Audience:   narrowcast.MustAudience("https://pay.example.test"),
		Issuers:    []narrowcast.TrustedIssuer{{Issuer: narrowcast.MustIssuer("https://issuer.example.test"), Keys: keys{"k1": key}}},
		Algorithms: []narrowcast.Algorithm{narrowcast.ES256},
		Now:        func() time.Time { return at },
		Cache:      cacheSize,
	})
	if err != nil {
		t.Fatal(err)
	}
	return v, func(header, payload string) string {
		input := jose.Join(header, payload)
		sig, err := jose.Sign(jose.ES256, private, input)
		if err != nil {
			t.Fatal(err)
		}
		return jose.Seal(input, sig)
	}
}

func BenchmarkVerify(b *testing.B) {
	v, sign := setup(b, 0)
	text := sign(`{"alg":"ES256","typ":"at+jwt","kid":"k1"}`, right)
	for b.Loop() {
		if _, err := v.Verify(b.Context(), text, narrowcast.Presentation{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyCached(b *testing.B) {
	v, sign := setup(b, 1000)
	text := sign(`{"alg":"ES256","typ":"at+jwt","kid":"k1"}`, right)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(b.Context(), text, narrowcast.Presentation{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRawES256(b *testing.B) {
	private, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	input := jose.Join(`{"alg":"ES256","typ":"at+jwt","kid":"k1"}`, right)
	sig, _ := jose.Sign(jose.ES256, private, input)
	b.ReportAllocs()
	for b.Loop() {
		if jose.Verify(jose.ES256, &private.PublicKey, []byte(input), sig) != nil {
			b.Fatal()
		}
	}
}

func BenchmarkParseOnly(b *testing.B) {
	_, sign := setup(b, 0)
	text := sign(`{"alg":"ES256","typ":"at+jwt","kid":"k1"}`, right)
	b.ReportAllocs()
	for b.Loop() {
		narrowcast.Inspect(text)
	}
}

var _ = ed25519.PublicKey(nil)
