package main

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestMain is also the program itself: "signer FLAGS".
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "signer" {
		os.Exit(run(os.Args[2:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

const pin = "271828"

// bench is a token of SoftHSM of its own, in a directory of its own.
type bench struct {
	dir    string
	module string
}

func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{dir: t.TempDir(), module: findModule(t)}
	conf := "directories.tokendir = " + b.dir + "/tokens\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n"
	for _, err := range []error{
		os.Mkdir(filepath.Join(b.dir, "tokens"), 0o700),
		os.WriteFile(filepath.Join(b.dir, "conf"), []byte(conf), 0o600),
		os.WriteFile(b.pinFile(), []byte(pin+"\n"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	init := exec.CommandContext(t.Context(), "softhsm2-util", "--init-token", "--free", "--label", "bench", "--so-pin", "314159", "--pin", pin)
	init.Env = append(os.Environ(), b.environment())
	if out, err := init.CombinedOutput(); err != nil {
		t.Fatalf("a token could not be made with softhsm2-util of the Debian package softhsm2: %v: %s", err, out)
	}
	return b
}

func findModule(t testing.TB) string {
	t.Helper()
	for _, pattern := range []string{"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/*/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[0]
		}
	}
	t.Fatal("libsofthsm2.so is missing: install the Debian package softhsm2")
	return ""
}

func (b *bench) pinFile() string     { return filepath.Join(b.dir, "pin") }
func (b *bench) environment() string { return "SOFTHSM2_CONF=" + filepath.Join(b.dir, "conf") }

func (b *bench) command(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	flags := []string{"signer", "-module", b.module, "-token-label", "bench", "-pin-file", b.pinFile(), "-rsa-bits", "2048"}
	c := exec.CommandContext(t.Context(), program, append(flags, args...)...)
	c.Env = []string{b.environment()}
	return c
}

// talk is a conversation with a running program. It is what a client in any
// language would do.
type talk struct {
	t     testing.TB
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
	errs  *bytes.Buffer
	last  uint64
}

type said struct {
	ID         uint64
	Version    int
	Algorithms []string
	Key        *key
	Keys       []key
	More       bool
	Signature  []byte
	Error      *struct{ Code, Message string }
}

type key struct {
	Name      string `json:"key"`
	Algorithm string
	Public    []byte
}

func (b *bench) start(t testing.TB, args ...string) *talk {
	t.Helper()
	c := b.command(t, args...)
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	k := &talk{t: t, cmd: c, in: in, lines: bufio.NewScanner(out), errs: &bytes.Buffer{}}
	c.Stderr = k.errs
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = c.Wait() })
	return k
}

// ask sends a question without its id and returns the answer to it.
func (k *talk) ask(format string, args ...any) said {
	k.t.Helper()
	k.last++
	if _, err := fmt.Fprintf(k.in, `{"id":%d,%s}`+"\n", k.last, fmt.Sprintf(format, args...)); err != nil {
		k.t.Fatalf("asking: %v; it said %s", err, k.errs)
	}
	if !k.lines.Scan() {
		_ = k.in.Close()
		_ = k.cmd.Wait()
		k.t.Fatalf("it ended: %s", k.errs)
	}
	var a said
	if err := json.Unmarshal(k.lines.Bytes(), &a); err != nil || a.ID != k.last {
		k.t.Fatalf("it answered %s to question %d", k.lines.Bytes(), k.last)
	}
	return a
}

func (k *talk) hello() said { k.t.Helper(); return k.ask(`"op":"hello","versions":[1]`) }

func (k *talk) must(format string, args ...any) said {
	k.t.Helper()
	a := k.ask(format, args...)
	if a.Error != nil {
		k.t.Fatalf("%s: %s; %s", a.Error.Code, a.Error.Message, k.errs)
	}
	return a
}

func encoded(b []byte) string {
	text, _ := json.Marshal(b)
	return string(text)
}

func (k *talk) sign(of key, text string) said {
	k.t.Helper()
	sum := sha256.Sum256([]byte(text))
	what := `"digest":` + encoded(sum[:])
	if of.Algorithm == "Ed25519" {
		what = `"message":` + encoded([]byte(text))
	}
	return k.ask(`"op":"sign","key":%q,"algorithm":%q,%s`, of.Name, of.Algorithm, what)
}

func right(t testing.TB, of key, text string, signature []byte) bool {
	t.Helper()
	public, err := x509.ParsePKIXPublicKey(of.Public)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(text))
	switch p := public.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(p, sum[:], signature)
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(p, crypto.SHA256, sum[:], signature) == nil
	case ed25519.PublicKey:
		return ed25519.Verify(p, []byte(text), signature)
	}
	return false
}

func TestKeysOfAToken(t *testing.T) {
	b := newBench(t)
	k := b.start(t)
	offers := k.hello().Algorithms
	t.Logf("the token offers %v", offers)
	for _, alg := range []string{"ES256", "RS256"} {
		if !slices.Contains(offers, alg) {
			t.Errorf("%s is not offered", alg)
		}
	}
	var made []key
	for _, alg := range offers {
		a := k.must(`"op":"generate","algorithm":%q,"label":"https://issuer.example.test"`, alg)
		if a.Key.Algorithm != alg {
			t.Fatalf("asked for %s, got %s", alg, a.Key.Algorithm)
		}
		made = append(made, *a.Key)
	}
	// Another process of the same program finds the keys, and signs with them.
	again := b.start(t)
	again.hello()
	for _, want := range made {
		found := again.must(`"op":"find","key":%q`, want.Name).Key
		if !bytes.Equal(found.Public, want.Public) || found.Algorithm != want.Algorithm {
			t.Errorf("another key was found for %s", want.Algorithm)
		}
		for range 3 {
			a := again.sign(want, "a text")
			if a.Error != nil || !right(t, want, "a text", a.Signature) || right(t, want, "another", a.Signature) {
				t.Errorf("%s: the signature is wrong: %+v; %s", want.Algorithm, a.Error, again.errs)
			}
		}
	}
	if all := again.must(`"op":"list"`); len(all.Keys) != len(made) || all.More {
		t.Errorf("%d keys, want %d", len(all.Keys), len(made))
	}
	for _, bad := range []struct{ ask, code string }{
		{`"op":"generate","algorithm":"HS256"`, "unsupported"},
		{`"op":"find","key":"00112233445566778899aabbccddeeff"`, "unknown_key"},
		{`"op":"find","key":"no"`, "unknown_key"},
		{`"op":"sign","key":"00112233445566778899aabbccddeeff","algorithm":"ES256","digest":` + encoded(make([]byte, 32)), "unknown_key"},
		{fmt.Sprintf(`"op":"sign","key":%q,"algorithm":"RS256","digest":%s`, made[0].Name, encoded(make([]byte, 32))), "unknown_key"},
		{fmt.Sprintf(`"op":"sign","key":%q,"algorithm":"ES256","digest":"AAAA"`, made[0].Name), "bad_request"},
		{`"op":"destroy"`, "unsupported"},
	} {
		if a := again.ask("%s", bad.ask); a.Error == nil || a.Error.Code != bad.code {
			t.Errorf("%s: %+v, want %s", bad.ask, a.Error, bad.code)
		}
	}
	if a := again.sign(made[0], "a text"); a.Error != nil {
		t.Errorf("the control afterwards: %+v", a.Error)
	}
}

// Keys of others in the same token are neither seen nor used.
func TestKeysOfOthers(t *testing.T) {
	b := newBench(t)
	other := b.start(t, "-key-label", "payroll")
	other.hello()
	theirs := other.must(`"op":"generate","algorithm":"ES256","label":"narrowcast"`).Key
	if a := other.sign(*theirs, "a text"); a.Error != nil {
		t.Fatalf("the control: %+v", a.Error)
	}
	k := b.start(t)
	k.hello()
	if a := k.sign(*theirs, "a text"); a.Error == nil || a.Error.Code != "unknown_key" {
		t.Errorf("a key of somebody else signs: %+v", a.Error)
	}
	if all := k.must(`"op":"list"`); len(all.Keys) != 0 {
		t.Errorf("%d keys of somebody else are listed", len(all.Keys))
	}
}

func TestListOverPages(t *testing.T) {
	b := newBench(t)
	k := b.start(t)
	k.hello()
	want := map[string]bool{}
	for range 18 {
		want[k.must(`"op":"generate","algorithm":"ES256"`).Key.Name] = true
	}
	after, pages := "", 0
	for more := true; more; pages++ {
		a := k.must(`"op":"list","after":%q`, after)
		for _, key := range a.Keys {
			if key.Name <= after || !want[key.Name] {
				t.Errorf("%s is out of order or unknown", key.Name)
			}
			after = key.Name
			delete(want, key.Name)
		}
		more = a.More
	}
	if len(want) != 0 || pages != 2 {
		t.Errorf("%d keys are missing after %d pages", len(want), pages)
	}
}

// The program is killed while it signs for many; started again it goes on with
// the same key.
func TestKilledWhileSigning(t *testing.T) {
	b := newBench(t)
	k := b.start(t)
	k.hello()
	made := *k.must(`"op":"generate","algorithm":"ES256"`).Key
	sum := sha256.Sum256([]byte("a text"))
	answers := 0
	var asking sync.WaitGroup
	asking.Go(func() {
		for id := range 100_000 {
			if _, err := fmt.Fprintf(k.in, `{"id":%d,"op":"sign","key":%q,"algorithm":"ES256","digest":%s}`+"\n", id+100, made.Name, encoded(sum[:])); err != nil {
				return
			}
		}
		t.Error("it was never killed")
	})
	for k.lines.Scan() {
		var a said
		if err := json.Unmarshal(k.lines.Bytes(), &a); err != nil {
			break // cut off in the middle of a line
		}
		if !right(t, made, "a text", a.Signature) {
			t.Error("a wrong signature")
		}
		if answers++; answers == 50 {
			if err := k.cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	asking.Wait()
	again := b.start(t)
	again.hello()
	if a := again.sign(made, "a text"); a.Error != nil || !right(t, made, "a text", a.Signature) {
		t.Errorf("after it was killed: %+v", a.Error)
	}
}

// A wrong PIN is tried once for each start, is told by a code, and is not
// repeated anywhere.
func TestWrongPIN(t *testing.T) {
	const wrong = "999999-wrong"
	b := newBench(t)
	if err := os.WriteFile(b.pinFile(), []byte(wrong), 0o600); err != nil {
		t.Fatal(err)
	}
	k := b.start(t)
	for range 5 {
		if a := k.hello(); a.Error == nil || a.Error.Code != "locked" || strings.Contains(a.Error.Message, wrong) {
			t.Fatalf("a wrong PIN: %+v", a)
		}
	}
	_ = k.in.Close()
	if err := k.cmd.Wait(); err != nil || strings.Contains(k.errs.String(), wrong) {
		t.Errorf("it ended with %v and said %q", err, k.errs)
	}
	if err := os.WriteFile(b.pinFile(), []byte(pin), 0o600); err != nil {
		t.Fatal(err)
	}
	if a := b.start(t).hello(); a.Error != nil {
		t.Errorf("the control: %+v", a.Error)
	}
}

func TestWrongFlags(t *testing.T) {
	b := newBench(t)
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"no such token":    {[]string{"-token-label", "other"}, 1, "0 slots have the token"},
		"no such module":   {[]string{"-module", "/no/such/library.so"}, 1, "cannot be loaded"},
		"no PIN":           {[]string{"-pin-file", ""}, 2, "-pin-file is required"},
		"no such file":     {[]string{"-pin-file", "/no/such/file"}, 2, "no such file"},
		"an empty file":    {[]string{"-pin-file", "/dev/null"}, 2, "does not hold one line"},
		"an endless file":  {[]string{"-pin-file", "/dev/zero"}, 2, "does not hold one line"},
		"a short RSA key":  {[]string{"-rsa-bits", "1024"}, 1, "2048, 3072 or 4096"},
		"an argument":      {[]string{"more"}, 2, "no arguments besides flags"},
		"a PIN as a flag":  {[]string{"-pin", pin}, 2, "not defined"},
		"slot and label":   {[]string{"-slot", "0"}, 1, "either"},
		"slot not numeric": {[]string{"-slot", "x"}, 2, "not a number"},
	} {
		c2 := b.command(t, c.args...)
		out, err := c2.CombinedOutput()
		if err == nil || c2.ProcessState.ExitCode() != c.code || !strings.Contains(string(out), c.says) {
			t.Errorf("%s: %v, %s", name, err, out)
		}
	}
}

func TestSocket(t *testing.T) {
	b := newBench(t)
	path := filepath.Join(b.dir, "s")
	if l, err := net.Listen("unix", path); err != nil { // a socket that a dead program left behind
		t.Fatal(err)
	} else {
		l.(*net.UnixListener).SetUnlinkOnClose(false)
		_ = l.Close()
	}
	c := b.command(t, "-listen", path)
	var errs bytes.Buffer
	c.Stderr = &errs
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var conn net.Conn
	for range 1_000_000 {
		var err error
		if conn, err = net.Dial("unix", path); err == nil {
			break
		}
	}
	if conn == nil {
		t.Fatalf("nobody listens: %s", &errs)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("others may connect: %v, %v", info.Mode(), err)
	}
	k := &talk{t: t, cmd: c, in: conn, lines: bufio.NewScanner(conn), errs: &errs}
	k.hello()
	made := *k.must(`"op":"generate","algorithm":"ES256"`).Key
	if a := k.sign(made, "a text"); a.Error != nil || !right(t, made, "a text", a.Signature) {
		t.Errorf("over a socket: %+v", a.Error)
	}
	if out, err := b.command(t, "-listen", path).CombinedOutput(); err == nil || !strings.Contains(string(out), "listens on") {
		t.Errorf("a second program on the same socket: %v, %s", err, out)
	}
	_ = conn.Close()
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("after an interrupt: %v, %s", err, &errs)
	}
}

func BenchmarkSign(b *testing.B) {
	hsm := newBench(b)
	k := hsm.start(b)
	for _, alg := range k.hello().Algorithms {
		made := *k.must(`"op":"generate","algorithm":%q`, alg).Key
		b.Run(alg, func(b *testing.B) {
			for b.Loop() {
				if a := k.sign(made, "a text"); a.Error != nil {
					b.Fatal(a.Error)
				}
			}
		})
	}
}
