package spiffe_test

import (
	"crypto/x509"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/spiffe"
	"github.com/narrowcast-io/narrowcast/service/internal/spiffe/spiffetest"
)

const (
	corp     = spiffe.Domain("corp.example")
	partner  = spiffe.Domain("partner.example")
	checkout = "spiffe://corp.example/ns/shop/sa/checkout"
)

// clock is a clock that a test sets.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Unix(1_800_000_000, 0)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func authority(t testing.TB, domain spiffe.Domain, now func() time.Time) *spiffetest.Authority {
	t.Helper()
	return must[*spiffetest.Authority](t)(spiffetest.NewAuthority(string(domain), now))
}

func document(t testing.TB, a *spiffetest.Authority) []byte {
	t.Helper()
	return must[[]byte](t)(a.Document())
}

func svid(t testing.TB, a *spiffetest.Authority, id string, change func(*x509.Certificate)) []*x509.Certificate {
	t.Helper()
	cert, _, err := a.X509SVID(id, change)
	if err != nil {
		t.Fatal(err)
	}
	return []*x509.Certificate{cert}
}

// keyID returns the kid of the tokens that a domain issues now.
func keyID(t testing.TB, a *spiffetest.Authority) narrowcast.KeyID {
	t.Helper()
	token := must[string](t)(a.JWTSVID(checkout, "https://issuer.example.test"))
	return narrowcast.KeyID(header(t, token).Kid)
}

// wants checks what a source says about a key.
func wants(t testing.TB, s *spiffe.Source, id narrowcast.KeyID, target error) {
	t.Helper()
	_, err := s.Key(t.Context(), id)
	if !errors.Is(err, target) {
		t.Fatalf("key %s of %s: %v, want %v", id, s.Domain(), err, target)
	}
}

func socketPath(t testing.TB) string {
	t.Helper()
	// The path of a socket is short, which that of a test's directory may not be.
	return filepath.Join(must[string](t)(shortDir(t)), "a.sock")
}
