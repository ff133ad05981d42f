// Package measure finds out what checking a token costs on this machine: in a
// process, and added to a request by each way of standing in front of a service.
package measure

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/mint"
)

// Config says how long to measure.
type Config struct {
	Now      func() time.Time // required
	Each     time.Duration    // for each algorithm and way of verifying; 10 ms to a minute
	Requests int              // for each adapter, with and without it in turn; 50 to 1,000,000
	Tell     func(doing string)

	_ struct{}
}

// Report is what was measured.
type Report struct {
	Machine  Machine   `json:"machine"`
	Verify   []Verify  `json:"verify"`
	Adapters []Adapter `json:"adapters"`
}

// Machine is where that was.
type Machine struct {
	System string `json:"system"`
	Cores  int    `json:"cores"`
	Go     string `json:"go"`
}

// Verify is one algorithm in one process, on one core.
type Verify struct {
	Algorithm narrowcast.Algorithm `json:"algorithm"`
	PerSecond float64              `json:"verifications_per_second_per_core"`
	Again     float64              `json:"seen_before_per_second_per_core"`
}

// Adapter is what one way of standing in front of a service adds to a request,
// in microseconds: the difference of the quantiles with and without it.
type Adapter struct {
	Name   string  `json:"adapter"`
	P50    float64 `json:"added_p50_us"`
	P99    float64 `json:"added_p99_us"`
	Base50 float64 `json:"without_p50_us"`
	Base99 float64 `json:"without_p99_us"`
}

// Run measures. It listens on loopback while it does.
func Run(ctx context.Context, c Config) (Report, error) {
	if c.Now == nil || c.Each < 10*time.Millisecond || c.Each > time.Minute || c.Requests < 50 || c.Requests > 1_000_000 {
		return Report{}, errors.New("measuring: Now is required, Each must be 10ms to 1m and Requests 50 to 1000000")
	}
	if c.Tell == nil {
		c.Tell = func(string) {}
	}
	r := Report{Machine: Machine{runtime.GOOS + "/" + runtime.GOARCH, runtime.NumCPU(), runtime.Version()}}
	for _, alg := range []narrowcast.Algorithm{narrowcast.ES256, narrowcast.Ed25519} {
		c.Tell("verifying " + string(alg))
		v, err := c.verify(ctx, alg)
		if err != nil {
			return r, fmt.Errorf("measuring %s: %w", alg, err)
		}
		r.Verify = append(r.Verify, v)
	}
	var err error
	if r.Adapters, err = c.adapters(ctx); err != nil {
		return r, fmt.Errorf("measuring adapters: %w", err)
	}
	return r, nil
}

const (
	issuer   = "https://issuer.example.test"
	resource = "https://pay.example.test"
	variety  = 64 // different tokens
)

// bank is an issuer for one measurement.
type bank struct {
	keys   narrowcast.KeySource
	tokens []string
}

func newBank(alg narrowcast.Algorithm, now time.Time) (*bank, error) {
	private, err := newKey(alg)
	if err != nil {
		return nil, err
	}
	key, err := narrowcast.NewKey(narrowcast.KeyConfig{ID: "k1", Algorithm: alg, Public: private.Public()})
	if err != nil {
		return nil, err
	}
	set, err := jwks.Fixed(key)
	if err != nil {
		return nil, err
	}
	press, err := mint.New(mint.Config{Issuer: narrowcast.MustIssuer(issuer), KeyID: "k1", Algorithm: alg, Signer: private})
	if err != nil {
		return nil, err
	}
	b := &bank{keys: set}
	for range variety {
		text, err := press.Mint(mint.Letter{
			Audience: narrowcast.MustAudience(resource), Subject: "checkout", Client: "checkout", ID: mint.NewTokenID(), IssuedAt: now,
			Lifetime: time.Hour, Scope: narrowcast.MustScope("charge"),
		})
		if err != nil {
			return nil, err
		}
		b.tokens = append(b.tokens, text)
	}
	return b, nil
}

func newKey(alg narrowcast.Algorithm) (crypto.Signer, error) {
	if alg == narrowcast.Ed25519 {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

func (c *Config) verifier(b *bank, alg narrowcast.Algorithm, cache int) (*narrowcast.Verifier, error) {
	return narrowcast.NewVerifier(narrowcast.Config{
		Audience: narrowcast.MustAudience(resource), Issuers: []narrowcast.TrustedIssuer{{Issuer: narrowcast.MustIssuer(issuer), Keys: b.keys}},
		Algorithms: []narrowcast.Algorithm{alg}, Now: c.Now, Cache: cache,
	})
}

func (c *Config) verify(ctx context.Context, alg narrowcast.Algorithm) (Verify, error) {
	v := Verify{Algorithm: alg}
	b, err := newBank(alg, c.Now())
	if err != nil {
		return v, err
	}
	for cache, into := range map[int]*float64{0: &v.PerSecond, 64 * variety: &v.Again} {
		verifier, err := c.verifier(b, alg, cache)
		if err != nil {
			return v, err
		}
		if *into, err = c.pace(ctx, verifier, b); err != nil {
			return v, err
		}
	}
	return v, nil
}

// pace counts verifications of one goroutine, after one round to warm up.
func (c *Config) pace(ctx context.Context, v *narrowcast.Verifier, b *bank) (float64, error) {
	var began time.Time
	for n := 0; ; n++ {
		if n%variety == 0 {
			now := c.Now()
			if n == variety {
				began = now
			}
			if passed := now.Sub(began); n > variety && passed >= c.Each {
				return float64(n-variety) / passed.Seconds(), nil
			}
			if err := ctx.Err(); err != nil {
				return 0, err
			}
		}
		if _, err := v.Verify(ctx, b.tokens[n%variety], narrowcast.Presentation{}); err != nil {
			return 0, err
		}
	}
}
