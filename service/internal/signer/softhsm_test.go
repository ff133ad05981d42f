//go:build !fast

package signer_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/keyring"
	"github.com/narrowcast-io/narrowcast/service/internal/signer"
	"github.com/narrowcast-io/narrowcast/service/internal/store/storetest"
)

// softHSM builds the helper for PKCS #11 and makes a token of SoftHSM for it.
func softHSM(t testing.TB) (signer.Config, *journal) {
	t.Helper()
	module := ""
	for _, pattern := range []string{"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/*/softhsm/libsofthsm2.so"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			module = found[0]
		}
	}
	if module == "" {
		t.Fatal("libsofthsm2.so is missing: install the Debian package softhsm2")
	}
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", dir+"/helper", "./cmd/narrowcast-signer-pkcs11")
	build.Dir = "../../../adapters/kms"
	build.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the helper for PKCS #11 cannot be built; it needs a C compiler, Debian package gcc: %v\n%s", err, out)
	}
	for name, content := range map[string]string{"conf": "directories.tokendir = " + dir + "/tokens\nobjectstore.backend = file\n", "pin": "271828\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(dir+"/tokens", 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOFTHSM2_CONF", dir+"/conf")
	made := exec.CommandContext(t.Context(), "softhsm2-util", "--init-token", "--free", "--label", "t", "--so-pin", "314159", "--pin", "271828")
	if out, err := made.CombinedOutput(); err != nil {
		t.Fatalf("a token could not be made with softhsm2-util of the Debian package softhsm2: %v: %s", err, out)
	}
	j := &journal{}
	return signer.Config{
		Command: dir + "/helper", Args: []string{"-module", module, "-token-label", "t", "-pin-file", dir + "/pin", "-rsa-bits", "2048"},
		Environment: []string{"SOFTHSM2_CONF"}, Lookup: os.LookupEnv, Label: "https://issuer.example.test", Timeout: 20 * time.Second, Log: j.log,
	}, j
}

// A ring whose keys live in a token mints from many goroutines while keys of
// every type follow each other and the helper is killed again and again. Nobody
// is refused.
func TestRingInAToken(t *testing.T) {
	c, said := softHSM(t)
	client := open(t, c)
	clock := storetest.NewClock(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC))
	kept := storetest.NewMemory(clock.Now)
	config := keyring.Config{
		Keys: kept, Book: kept, MasterKey: []byte("0123456789abcdef0123456789abcdef"), Home: client, Now: clock.Now,
		Issuer: narrowcast.MustIssuer("https://issuer.example.test"), PublishAhead: 10 * time.Minute, KeepAfter: 20 * time.Minute,
	}
	ctx := context.Background()
	if err := keyring.Create(ctx, config); err != nil {
		t.Fatal(err)
	}
	ring, err := keyring.Open(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var minted atomic.Int64
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() { mintUntil(t, stop, ring, clock, &minted) })
	}
	seen := map[narrowcast.Algorithm]bool{}
	for _, alg := range []narrowcast.Algorithm{narrowcast.RS256, narrowcast.Ed25519, narrowcast.ES256} {
		config.Algorithm = alg
		if err := client.Kill(); err != nil {
			t.Error(err)
		}
		other, err := keyring.Open(ctx, config)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.Rotate(ctx); err != nil {
			t.Fatal(err)
		}
		if err := ring.Refresh(ctx); err != nil {
			t.Fatal(err)
		}
		before := minted.Load()
		clock.Advance(10 * time.Minute)
		for minted.Load() < before+20 { // both sides of the change
			runtime.Gosched()
		}
		if err := client.Kill(); err != nil {
			t.Error(err)
		}
		for minted.Load() < before+40 {
			runtime.Gosched()
		}
		for _, k := range ring.Public() {
			seen[k.Algorithm()] = true
		}
	}
	close(stop)
	wait.Wait()
	if len(seen) != 3 {
		t.Errorf("keys of %v were seen", seen)
	}
	t.Logf("%d tokens were minted; %s", minted.Load(), said)
}

func mintUntil(t *testing.T, stop chan struct{}, ring *keyring.Ring, clock *storetest.Clock, minted *atomic.Int64) {
	doors, err := narrowcast.NewVerifier(narrowcast.Config{
		Audience: narrowcast.MustAudience("https://pay.example.test"), Now: clock.Now,
		Issuers:    []narrowcast.TrustedIssuer{{Issuer: narrowcast.MustIssuer("https://issuer.example.test"), Keys: ring}},
		Algorithms: []narrowcast.Algorithm{narrowcast.ES256, narrowcast.RS256, narrowcast.Ed25519},
	})
	if err != nil {
		t.Error(err)
		return
	}
	for {
		select {
		case <-stop:
			return
		default:
		}
		now := clock.Now()
		token, err := ring.Current().Mint(mint.Letter{
			Audience: narrowcast.MustAudience("https://pay.example.test"), Subject: "checkout", Client: "checkout", ID: mint.NewTokenID(),
			IssuedAt: now, Lifetime: 15 * time.Minute, Class: narrowcast.AccessToken,
		})
		if err == nil {
			_, err = doors.Verify(context.Background(), token, narrowcast.Presentation{})
		}
		minted.Add(1)
		if err != nil {
			t.Error(err)
		}
	}
}

// A PIN that is refused ends the matter: the token counts wrong ones.
func TestWrongPINOfAToken(t *testing.T) {
	c, said := softHSM(t)
	right := c.Args[5]
	c.Args = append([]string{}, c.Args...)
	c.Args[5] = right + "-wrong"
	if err := os.WriteFile(c.Args[5], []byte("999999"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := signer.Open(context.Background(), c); !errors.Is(err, signer.ErrLocked) {
		t.Errorf("a wrong PIN: %v; %s", err, said)
	}
	c.Args[5] = right
	open(t, c)
}

func BenchmarkToken(b *testing.B) {
	c, _ := softHSM(b)
	client := open(b, c)
	for _, alg := range client.Algorithms() {
		_, k, err := client.Generate(b.Context(), alg)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(string(alg), func(b *testing.B) { signFor(b, k, alg) })
	}
}
