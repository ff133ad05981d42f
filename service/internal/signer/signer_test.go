package signer_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/keyring"
	"github.com/narrowcast-io/narrowcast/service/internal/signer"
)

var _ keyring.Home = (*signer.Client)(nil)

// journal keeps what a client says to operators.
type journal struct {
	lock  sync.Mutex
	lines []string
}

func (j *journal) log(s string) {
	j.lock.Lock()
	defer j.lock.Unlock()
	j.lines = append(j.lines, s)
}

func (j *journal) String() string {
	j.lock.Lock()
	defer j.lock.Unlock()
	return strings.Join(j.lines, "\n")
}

func configOf(t testing.TB, mode string) (signer.Config, *journal) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	j := &journal{}
	return signer.Config{
		Command: program, Args: []string{"standin", t.TempDir(), mode}, Timeout: 20 * time.Second, Log: j.log, Lookup: os.LookupEnv,
	}, j
}

func open(t testing.TB, c signer.Config) *signer.Client {
	t.Helper()
	client, err := signer.Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func sign(k crypto.Signer, alg narrowcast.Algorithm, text string) error {
	sum := sha256.Sum256([]byte(text))
	signed, opts := sum[:], crypto.SignerOpts(crypto.SHA256)
	switch alg {
	case narrowcast.Ed25519:
		signed, opts = []byte(text), crypto.Hash(0)
	case narrowcast.PS256:
		opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	}
	signature, err := k.Sign(rand.Reader, signed, opts)
	if err == nil && len(signature) == 0 {
		return errors.New("an empty signature")
	}
	return err
}

var offered = []narrowcast.Algorithm{narrowcast.ES256, narrowcast.Ed25519, narrowcast.PS256, narrowcast.RS256}

// everything makes a key of each algorithm, finds it again and signs with it.
func everything(t *testing.T, c *signer.Client) {
	t.Helper()
	if got := c.Algorithms(); fmt.Sprint(got) != fmt.Sprint(offered) {
		t.Errorf("it offers %v", got)
	}
	for _, alg := range offered {
		name, made, err := c.Generate(context.Background(), alg)
		if err != nil {
			t.Fatal(err)
		}
		found, err := c.Open(context.Background(), name)
		if err != nil {
			t.Fatal(err)
		}
		if p, ok := made.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !p.Equal(found.Public()) {
			t.Errorf("%s: another key was found", alg)
		}
		for _, k := range []crypto.Signer{made, found} {
			if err := sign(k, alg, "a text"); err != nil {
				t.Errorf("%s: %v", alg, err)
			}
		}
	}
	all, err := c.List(context.Background())
	if err != nil || len(all) != len(offered) {
		t.Errorf("List: %d keys, %v", len(all), err)
	}
	if _, err := c.Open(context.Background(), []byte("unknown")); !errors.Is(err, signer.ErrUnknownKey) {
		t.Errorf("an unknown key: %v", err)
	}
	if _, _, err := c.Generate(context.Background(), narrowcast.ES384); !errors.Is(err, signer.ErrUnsupported) {
		t.Errorf("an algorithm that is not offered: %v", err)
	}
}

func TestChild(t *testing.T) {
	c, _ := configOf(t, "good")
	everything(t, open(t, c))
}

func TestSocket(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	conns := make(chan net.Conn, 10)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns <- conn
			go func() { (&standIn{dir: dir, mode: "good"}).serve(conn, conn); _ = conn.Close() }()
		}
	}()
	if err := os.Mkdir(filepath.Join(dir, "keys"), 0o700); err != nil {
		t.Fatal(err)
	}
	client := open(t, signer.Config{Socket: path})
	_, k, err := client.Generate(context.Background(), narrowcast.ES256)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // the program on the other end is restarted
		_ = (<-conns).Close()
		if err := sign(k, narrowcast.ES256, "a text"); err != nil {
			t.Fatal(err)
		}
	}
}

// Whatever a program does wrong, no wrong signature comes out and nobody waits
// for ever.
func TestRudePrograms(t *testing.T) {
	for mode, want := range map[string]struct {
		err   error
		named string // what operators are told
	}{
		"good":            {nil, ""},
		"complains":       {nil, "the signer says: the module has a ?[31mcough"},
		"lies":            {signer.ErrForged, "not a signature by this key"},
		"answers another": {signer.ErrAway, "not open"},
		"long line":       {signer.ErrAway, "longer than 32768 bytes"},
		"no line":         {signer.ErrAway, "ended"},
		"failing":         {signer.ErrModule, ""},
		"repeats itself":  {nil, "not open"},
		"silent":          {signer.ErrAway, "silent"},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			c, said := configOf(t, mode)
			if mode == "silent" {
				c.Timeout = 2 * time.Second
			}
			client := open(t, c)
			_, k, err := client.Generate(context.Background(), narrowcast.ES256)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				// A program that was started again is good for one signature.
				if err = sign(k, narrowcast.ES256, "the text that was signed"); err != nil {
					break
				}
			}
			if !errors.Is(err, want.err) && (want.err != signer.ErrAway || err != nil) {
				t.Errorf("Sign: %v, want %v", err, want.err)
			}
			_ = client.Close()
			if !strings.Contains(said.String(), want.named) {
				t.Errorf("operators were told %q, want %q", said, want.named)
			}
			sum := sha256.Sum256([]byte("the text that was signed"))
			for _, secret := range []string{"1234", "abcd", "the text", fmt.Sprintf("%x", sum[:8])} {
				if strings.Contains(said.String()+fmt.Sprint(err), secret) {
					t.Errorf("%q is repeated: %v, %s", secret, err, said)
				}
			}
			if len(said.String()) > 4096 {
				t.Errorf("operators were told %d bytes", len(said.String()))
			}
		})
	}
}

// A program that dies over every second question costs time and no signature.
func TestProgramThatDies(t *testing.T) {
	c, said := configOf(t, "dies")
	client := open(t, c)
	_, k, err := client.Generate(context.Background(), narrowcast.ES256)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if err := sign(k, narrowcast.ES256, "a text"); err != nil {
			t.Error(err)
		}
	}
	if n := strings.Count(said.String(), "ended"); n < 4 {
		t.Errorf("it was started again %d times: the test proves nothing", n)
	}
}

// A program that loses a question now and then goes on; one caller gets an error.
func TestProgramThatLosesQuestions(t *testing.T) {
	c, _ := configOf(t, "loses every third")
	c.Timeout = time.Second
	client := open(t, c)
	_, k, err := client.Generate(context.Background(), narrowcast.ES256)
	if err != nil {
		t.Fatal(err)
	}
	good, lost := 0, 0
	for range 40 {
		if good >= 4 && lost > 0 {
			break
		}
		if err := sign(k, narrowcast.ES256, "a text"); err == nil {
			good++
		} else if lost++; !errors.Is(err, signer.ErrAway) {
			t.Error(err)
		}
	}
	if good < 4 || lost == 0 {
		t.Errorf("%d were signed, %d lost", good, lost)
	}
}

func TestGreeting(t *testing.T) {
	for mode, want := range map[string]error{"locked": signer.ErrLocked, "newer": signer.ErrVersion, "mute": signer.ErrAway} {
		c, _ := configOf(t, mode)
		if mode == "mute" {
			c.Timeout = 300 * time.Millisecond
		}
		if client, err := signer.Open(context.Background(), c); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", mode, err, want)
			_ = client.Close()
		}
		if starts, _ := os.ReadFile(filepath.Join(c.Args[1], "starts")); mode == "locked" && len(starts) != 1 {
			t.Errorf("a PIN that was refused was tried %d times", len(starts))
		}
	}
	if _, err := signer.Open(context.Background(), signer.Config{Command: filepath.Join(t.TempDir(), "missing")}); !errors.Is(err, signer.ErrAway) {
		t.Errorf("no such program: %v", err)
	}
}

// The PIN is changed while the program runs, which then dies: the new one is
// refused once.
func TestPINThatIsRefusedLater(t *testing.T) {
	c, _ := configOf(t, "locks")
	client := open(t, c)
	_, k, err := client.Generate(context.Background(), narrowcast.ES256)
	if err != nil {
		t.Fatal(err)
	}
	if err := sign(k, narrowcast.ES256, "a text"); !errors.Is(err, signer.ErrLocked) {
		t.Errorf("Sign: %v, want ErrLocked", err)
	}
	<-client.Ended()
	if starts := (&standIn{dir: c.Args[1]}).starts(); starts != 2 {
		t.Errorf("it was started %d times, want 2", starts)
	}
}

// The program sees the variables that were named and no others.
func TestEnvironment(t *testing.T) {
	t.Setenv("NARROWCAST_TEST_NAMED", "seen")
	t.Setenv("NARROWCAST_TEST_OTHER", "hidden")
	for want, named := range map[string][]string{"NARROWCAST_TEST_NAMED=seen": {"NARROWCAST_TEST_NAMED", "NARROWCAST_TEST_UNSET"}, "": nil} {
		c, _ := configOf(t, "environment")
		c.Environment = named
		open(t, c)
		seen, err := os.ReadFile(filepath.Join(c.Args[1], "environment"))
		if err != nil || string(seen) != want {
			t.Errorf("it sees %q, want %q, %v", seen, want, err)
		}
	}
}

// A key signs what its algorithm signs and nothing else; the program is not asked.
func TestWhatFits(t *testing.T) {
	c, _ := configOf(t, "good")
	client := open(t, c)
	digest := make([]byte, 32)
	pss := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	for _, alg := range offered {
		_, k, err := client.Generate(context.Background(), alg)
		if err != nil {
			t.Fatal(err)
		}
		right := map[narrowcast.Algorithm]string{narrowcast.ES256: "sha256", narrowcast.RS256: "sha256", narrowcast.PS256: "pss", narrowcast.Ed25519: "plain"}[alg]
		for name, c := range map[string]struct {
			signed []byte
			opts   crypto.SignerOpts
		}{
			"sha256": {digest, crypto.SHA256}, "pss": {digest, pss}, "plain": {digest, crypto.Hash(0)}, "nothing": {digest, nil},
			"short": {digest[1:], crypto.SHA256}, "sha512": {make([]byte, 64), crypto.SHA512}, "empty": {nil, crypto.Hash(0)},
			"long": {make([]byte, signer.MaxMessage+1), crypto.Hash(0)},
			"salt": {digest, &rsa.PSSOptions{SaltLength: 20, Hash: crypto.SHA256}},
		} {
			fits := name == right || alg == narrowcast.ES256 && name == "pss" || alg == narrowcast.ES256 && name == "salt"
			if _, err := k.Sign(nil, c.signed, c.opts); (err == nil) != fits {
				t.Errorf("%s, %s: %v", alg, name, err)
			}
		}
		if alg == narrowcast.Ed25519 {
			if _, err := k.Sign(nil, bytes.Repeat([]byte("m"), signer.MaxMessage), crypto.Hash(0)); err != nil {
				t.Errorf("the longest message: %v", err)
			}
		}
	}
}

func TestConfigNamesEveryFault(t *testing.T) {
	_, err := signer.Open(context.Background(), signer.Config{
		Command: "relative", Socket: "also", Args: make([]string, 65), Environment: []string{"A=b"}, Label: "\n", Timeout: -1, Concurrent: -1,
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, word := range []string{"Command", "Socket", "Args", "Environment", "Lookup", "Label", "Timeout", "Concurrent"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%s is not named in %v", word, err)
		}
	}
}

func TestZeroAndClosed(t *testing.T) {
	var zero signer.Client
	if _, err := zero.Open(context.Background(), []byte("k")); err == nil {
		t.Error("a zero client finds a key")
	}
	if _, err := new(signer.Key).Sign(nil, make([]byte, 32), crypto.SHA256); err == nil {
		t.Error("a zero key signs")
	}
	if err := zero.Close(); err != nil {
		t.Error(err)
	}
	c, _ := configOf(t, "good")
	client := open(t, c)
	_, k, err := client.Generate(context.Background(), narrowcast.ES256)
	if err != nil {
		t.Fatal(err)
	}
	_ = client.Close()
	if err := sign(k, narrowcast.ES256, "a text"); !errors.Is(err, signer.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	_ = client.Close()
}

// Many sign at once, more than there are slots.
func TestManyAtOnce(t *testing.T) {
	c, _ := configOf(t, "good")
	c.Concurrent = 3
	client := open(t, c)
	_, k, err := client.Generate(context.Background(), narrowcast.ES256)
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for i := range 50 {
		wait.Go(func() {
			if err := sign(k, narrowcast.ES256, fmt.Sprint("text ", i)); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
}

func BenchmarkSign(b *testing.B) {
	c, _ := configOf(b, "good")
	client := open(b, c)
	for _, alg := range []narrowcast.Algorithm{narrowcast.ES256, narrowcast.Ed25519, narrowcast.RS256} {
		_, k, err := client.Generate(b.Context(), alg)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(string(alg)+"/through the program", func(b *testing.B) { signFor(b, k, alg) })
		inside, _ := (&standIn{dir: c.Args[1]}).load(k.(*signer.Key).Name())
		b.Run(string(alg)+"/in process", func(b *testing.B) { signFor(b, inside, alg) })
	}
}

func signFor(b *testing.B, k crypto.Signer, alg narrowcast.Algorithm) {
	for b.Loop() {
		if err := sign(k, alg, "a text"); err != nil {
			b.Fatal(err)
		}
	}
}
