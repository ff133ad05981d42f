package signer_test

import (
	"bufio"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMain is also the helper program of these tests: "standin DIR MODE".
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "standin" {
		(&standIn{dir: os.Args[2], mode: os.Args[3]}).serve(os.Stdin, os.Stdout)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// standIn is a signer that keeps keys in files. Its mode says what is wrong
// with it. It answers one question after the other.
type standIn struct {
	dir, mode string
	signed    int
}

type request struct {
	ID        uint64
	Op        string
	Versions  []int
	Key       string
	Algorithm string
	Label     string
	After     string
	Digest    []byte
	Message   []byte
}

type reply map[string]any

func refusal(code string) reply {
	return reply{"error": reply{"code": code, "message": "PIN 1234 was refused for digest abcd"}}
}

func (s *standIn) serve(in io.Reader, out io.Writer) {
	for lines := bufio.NewScanner(in); lines.Scan(); {
		var q request
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			return
		}
		a := s.answer(q)
		if a == nil {
			continue
		}
		if a["id"] == nil {
			a["id"] = q.ID
		}
		line, err := json.Marshal(a)
		if err != nil {
			return
		}
		if _, err := out.Write(append(line, '\n')); err != nil {
			return
		}
		if s.mode == "repeats itself" && q.Op == "sign" {
			_, _ = out.Write(append(line, '\n'))
		}
	}
}

func (s *standIn) answer(q request) reply {
	switch q.Op {
	case "hello":
		return s.hello()
	case "generate":
		return s.generate(q.Algorithm)
	case "find":
		return s.find(q.Key)
	case "list":
		return s.list(q.After)
	case "sign":
		return s.sign(q)
	}
	return refusal("unsupported")
}

func (s *standIn) hello() reply {
	switch s.mode {
	case "locked":
		s.count()
		return refusal("locked")
	case "locks":
		if s.count(); s.starts() > 1 {
			return refusal("locked")
		}
	case "newer":
		return reply{"version": 2}
	case "mute":
		return nil
	case "complains":
		fmt.Fprintf(os.Stderr, "the module has a \x1b[31mcough\n%s\n", strings.Repeat("x", 5000))
	case "environment":
		_ = os.WriteFile(filepath.Join(s.dir, "environment"), []byte(strings.Join(os.Environ(), "\n")), 0o600)
	}
	return reply{"version": 1, "algorithms": []string{"ES256", "RS256", "PS256", "Ed25519", "X9"}}
}

// count writes down that the program was started.
func (s *standIn) count() {
	f, err := os.OpenFile(filepath.Join(s.dir, "starts"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		_, _ = f.WriteString("x")
		_ = f.Close()
	}
}

func (s *standIn) starts() int {
	x, _ := os.ReadFile(filepath.Join(s.dir, "starts"))
	return len(x)
}

func (s *standIn) generate(alg string) reply {
	var k crypto.Signer
	var err error
	switch alg {
	case "ES256":
		k, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "RS256", "PS256":
		k, err = rsa.GenerateKey(rand.Reader, 2048)
	case "Ed25519":
		_, k, err = ed25519.GenerateKey(rand.Reader)
	default:
		return refusal("unsupported")
	}
	if err != nil {
		return refusal("module")
	}
	name := make([]byte, 8)
	_, _ = rand.Read(name)
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err == nil {
		err = os.WriteFile(filepath.Join(s.dir, hex.EncodeToString(name)+"."+alg), private, 0o600)
	}
	if err != nil {
		return refusal("module")
	}
	return s.find(hex.EncodeToString(name))
}

func (s *standIn) load(name string) (k crypto.Signer, alg string) {
	found, err := filepath.Glob(filepath.Join(s.dir, name+".*"))
	if err != nil || len(found) != 1 {
		return nil, ""
	}
	private, err := os.ReadFile(found[0])
	if err != nil {
		return nil, ""
	}
	key, err := x509.ParsePKCS8PrivateKey(private)
	if err != nil {
		return nil, ""
	}
	return key.(crypto.Signer), strings.TrimPrefix(filepath.Ext(found[0]), ".")
}

func (s *standIn) describe(name string) reply {
	k, alg := s.load(name)
	if k == nil {
		return nil
	}
	public, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		return nil
	}
	return reply{"key": name, "algorithm": alg, "public": public}
}

func (s *standIn) find(name string) reply {
	if d := s.describe(name); d != nil {
		return reply{"key": d}
	}
	return refusal("unknown_key")
}

func (s *standIn) list(after string) reply {
	found, _ := filepath.Glob(filepath.Join(s.dir, "*.*"))
	var names []string
	for _, f := range found {
		if name, _, _ := strings.Cut(filepath.Base(f), "."); name > after || s.mode == "repeats keys" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	page := names[:min(2, len(names))]
	var keys []reply
	for _, name := range page {
		keys = append(keys, s.describe(name))
	}
	return reply{"keys": keys, "more": len(page) < len(names) || s.mode == "repeats keys"}
}

func (s *standIn) sign(q request) reply {
	k, alg := s.load(q.Key)
	if k == nil {
		return refusal("unknown_key")
	}
	signed, opts := q.Digest, crypto.SignerOpts(crypto.SHA256)
	switch alg {
	case "Ed25519":
		signed, opts = q.Message, crypto.Hash(0)
	case "PS256":
		opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	}
	signature, err := k.Sign(rand.Reader, signed, opts)
	if err != nil {
		return refusal("module")
	}
	if s.signed++; s.signed == 1 {
		return reply{"signature": signature} // the trial of a new key
	}
	switch s.mode {
	case "lies":
		signature[len(signature)-1] ^= 1
	case "dies", "locks":
		os.Exit(3)
	case "answers another":
		return reply{"id": q.ID + 1, "signature": signature}
	case "long line":
		return reply{"signature": make([]byte, 32<<10)}
	case "no line":
		return reply{"signature": func() {}}
	case "silent":
		return nil
	case "loses every third":
		if s.signed%3 == 0 {
			return nil
		}
	case "failing":
		return refusal("unheard_of")
	}
	return reply{"signature": signature}
}
