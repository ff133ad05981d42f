package jwks_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/jwks"
)

const address = "https://issuer.example.test/jwks"

var (
	_ narrowcast.KeySource = (*jwks.Set)(nil)
	_ narrowcast.KeySource = (*jwks.File)(nil)
	_ narrowcast.KeySource = (*jwks.HTTP)(nil)
	_ narrowcast.KeyPeeker = (*jwks.Set)(nil)
	_ narrowcast.KeyPeeker = (*jwks.File)(nil)
	_ narrowcast.KeyPeeker = (*jwks.HTTP)(nil)
)

func newKey(t testing.TB, id narrowcast.KeyID) narrowcast.Key {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := narrowcast.NewKey(narrowcast.KeyConfig{ID: id, Algorithm: narrowcast.ES256, Public: &private.PublicKey})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func document(t testing.TB, keys ...narrowcast.Key) string {
	t.Helper()
	data, err := jwks.Marshal(keys)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// wire is a network on which only the issuer's key set lives.
type wire struct {
	mu     sync.Mutex
	status int
	body   string
	header http.Header
	delay  time.Duration
	asked  int
}

var errDown = errors.New("connection refused")

func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.asked++
	status, body, header, delay := w.status, w.body, w.header.Clone(), w.delay
	w.mu.Unlock()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	if status == 0 {
		return nil, errDown
	}
	return &http.Response{
		StatusCode: status, Header: header, Request: req, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(strings.NewReader(body)),
	}, nil
}

func (w *wire) serve(status int, body string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status, w.body = status, body
}

func (w *wire) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked
}

func source(t testing.TB, w *wire, edit func(*jwks.HTTPConfig)) *jwks.HTTP {
	t.Helper()
	c := jwks.HTTPConfig{URL: address, Now: time.Now, Transport: w}
	if edit != nil {
		edit(&c)
	}
	h, err := jwks.NewHTTP(c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func want(t testing.TB, s narrowcast.KeySource, id narrowcast.KeyID) {
	t.Helper()
	key, err := s.Key(t.Context(), id)
	if err != nil || key.ID() != id {
		t.Fatalf("Key(%q) = %q, %v", id, key.ID(), err)
	}
}

func wantUnknown(t testing.TB, s narrowcast.KeySource, id narrowcast.KeyID) {
	t.Helper()
	if _, err := s.Key(t.Context(), id); !errors.Is(err, narrowcast.ErrKeyUnknown) {
		t.Fatalf("Key(%q): error %v, want ErrKeyUnknown", id, err)
	}
}

func wantUnavailable(t testing.TB, s narrowcast.KeySource, id narrowcast.KeyID) {
	t.Helper()
	if _, err := s.Key(t.Context(), id); err == nil || errors.Is(err, narrowcast.ErrKeyUnknown) {
		t.Fatalf("Key(%q): error %v, want one that says the keys could not be had", id, err)
	}
}
