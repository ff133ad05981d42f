package narrowcast_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// TestEdgesOfTime: the edges of every time claim.
func TestEdgesOfTime(t *testing.T) {
	p := newPen(t, narrowcast.Ed25519, "k1")
	base := time.Unix(1_800_000_000, 0)
	now := base
	for _, cached := range []int{0, 64} {
		v, err := narrowcast.NewVerifier(narrowcast.Config{
			Audience: narrowcast.MustAudience(pay), Algorithms: []narrowcast.Algorithm{narrowcast.Ed25519}, Now: func() time.Time { return now }, Cache: cached, CacheFor: time.Hour,
			Issuers: []narrowcast.TrustedIssuer{{Issuer: narrowcast.MustIssuer(issuerA), Keys: ringOf(p.public(t))}},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			iat, exp, extra string
			at              time.Duration
			ok              bool
		}{
			{"1800000000", "1800000060", "", 0, true},
			{"1800000000", "1800000060", "", 64*time.Second + 999*time.Millisecond, true},
			{"1800000000", "1800000060", "", 65 * time.Second, false},
			{"1800000000", "1800000060.999", "", 65 * time.Second, false},
			{"1800000000", "1.80000006e9", "", 0, true},
			{"1800000000", "18000000600e-1", "", 0, true},
			{"1800000000", "1e400", "", 0, false},
			{"1800000000", "-1", "", 0, false},
			{"1800000000", "253402300800", "", 0, false},
			{"1800000000", "\"1800000060\"", "", 0, false},
			{"1800000000", "1800003600", "", 0, true},
			{"1800000000", "1800003601", "", 0, false},
			{"1800000005", "1800000060", "", 0, true},
			{"1800000006", "1800000060", "", 0, false},
			{"0", "1800000060", "", 0, false},
			{"-0", "1800000060", "", 0, false},
			{"1800000000", "1800000060", `,"nbf":1800000005`, 0, true},
			{"1800000000", "1800000060", `,"nbf":1800000006`, 0, false},
			{"1800000000", "1800000060", `,"nbf":null`, 0, false},
			{"9223372036854775807", "9223372036854775808", "", 0, false},
		} {
			now = base
			token := p.sign(t, `{"alg":"Ed25519","typ":"at+jwt","kid":"k1"}`, fmt.Sprintf(`{"iss":%q,"sub":"s","client_id":"c","jti":"j","aud":%q,"iat":%s,"exp":%s%s}`, issuerA, pay, c.iat, c.exp, c.extra))
			_, _ = v.Verify(context.Background(), token, narrowcast.Presentation{}) // warms the cache
			now = base.Add(c.at)
			_, err := v.Verify(context.Background(), token, narrowcast.Presentation{})
			if (err == nil) != c.ok {
				t.Errorf("cache %d: iat %s exp %s%s after %s: %v", cached, c.iat, c.exp, c.extra, c.at, err)
			}
		}
	}
}

// TestWeakKeysAreRefused: keys under which anybody can sign.
func TestWeakKeysAreRefused(t *testing.T) {
	strong, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	one := make(ed25519.PublicKey, 32)
	one[0] = 1 // the neutral element: R=1, S=0 is a signature of everything
	for name, c := range map[string]struct {
		key ed25519.PublicKey
		ok  bool
	}{"control": {strong, true}, "neutral element": {one, false}, "zero (order 4)": {make(ed25519.PublicKey, 32), false}} {
		k, err := narrowcast.NewKey(narrowcast.KeyConfig{ID: "k1", Algorithm: narrowcast.Ed25519, Public: c.key})
		if (err == nil) != c.ok {
			t.Errorf("%s: NewKey: %v", name, err)
		}
		if c.ok || err != nil {
			continue
		}
		now := time.Unix(1_800_000_000, 0)
		v, err := narrowcast.NewVerifier(narrowcast.Config{Audience: narrowcast.MustAudience(pay), Algorithms: []narrowcast.Algorithm{narrowcast.Ed25519},
			Now: func() time.Time { return now }, Issuers: []narrowcast.TrustedIssuer{{Issuer: narrowcast.MustIssuer(issuerA), Keys: ringOf(k)}}})
		if err != nil {
			t.Fatal(err)
		}
		sig := make([]byte, 64)
		sig[0] = 1
		p := newPen(t, narrowcast.Ed25519, "k1")
		signed := p.sign(t, `{"alg":"Ed25519","typ":"at+jwt","kid":"k1"}`, fmt.Sprintf(`{"iss":%q,"sub":"s","client_id":"c","jti":"j","aud":%q,"iat":1800000000,"exp":1800000060}`, issuerA, pay))
		forged := withSignature(signed, sig)
		_, err = v.Verify(context.Background(), forged, narrowcast.Presentation{})
		var rej *narrowcast.Rejection
		if !errors.As(err, &rej) {
			t.Errorf("%s: a signature that nobody made was accepted", name)
		}
	}
}
