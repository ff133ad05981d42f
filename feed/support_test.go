package feed_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/feed"
)

const (
	pay    = "https://pay.example.test"
	crm    = "https://crm.example.test"
	issuer = "https://issuer.example.test"
	other  = "https://other.example.test"
)

// soon is after everything that a test does.
func soon(now time.Time) time.Time { return now.Add(time.Hour) }

type key struct{ key narrowcast.Key }

func (k key) Key(context.Context, narrowcast.KeyID) (narrowcast.Key, error) { return k.key, nil }

// mint makes tokens of one key, and a verifier for pay.
type mint struct {
	private  ed25519.PrivateKey
	verifier *narrowcast.Verifier
}

var theMint = sync.OnceValue(newMint)

func newMint() (m mint) {
	m.private = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	k, err := narrowcast.NewKey(narrowcast.KeyConfig{ID: "k1", Algorithm: narrowcast.Ed25519, Public: m.private.Public()})
	if err != nil {
		return m
	}
	m.verifier, _ = narrowcast.NewVerifier(narrowcast.Config{
		Audience: narrowcast.MustAudience(pay),
		Issuers: []narrowcast.TrustedIssuer{
			{Issuer: narrowcast.MustIssuer(issuer), Keys: key{k}}, {Issuer: narrowcast.MustIssuer(other), Keys: key{k}},
		},
		Algorithms: []narrowcast.Algorithm{narrowcast.Ed25519},
		Now:        func() time.Time { return noon },
	})
	return m
}

// tokenOf makes the Token of a verifier for pay, issued at noon but for what claims
// say. A nil claim removes a member.
func tokenOf(t testing.TB, claims map[string]any) *narrowcast.Token {
	t.Helper()
	m := theMint()
	all := map[string]any{
		"iss": issuer, "sub": "checkout", "client_id": "shop", "jti": "t-1", "aud": pay,
		"iat": noon.Unix(), "exp": noon.Unix() + 300,
	}
	for name, value := range claims {
		if all[name] = value; value == nil {
			delete(all, name)
		}
	}
	payload, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	input := encode([]byte(`{"alg":"Ed25519","typ":"at+jwt","kid":"k1"}`)) + "." + encode(payload)
	signature, err := m.private.Sign(nil, []byte(input), crypto.Hash(0))
	if err != nil {
		t.Fatal(err)
	}
	token, err := m.verifier.Verify(t.Context(), input+"."+encode(signature), narrowcast.Presentation{})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func tokenWith(t testing.TB, jti string) *narrowcast.Token {
	t.Helper()
	return tokenOf(t, map[string]any{"jti": jti})
}

func revoked(n uint64, jti string, until time.Time) feed.Entry {
	return feed.Entry{Number: n, Kind: feed.Token, ID: jti, State: feed.Revoked, Until: until}
}

// office is the issuer's side of connections, without a network, so that it can
// stand in a bubble of synthetic time.
type office struct {
	arrived chan *caller

	mu     sync.Mutex
	status int // of answers that are no stream; 0 for streams
	header http.Header
}

// answer sets how the connections to come are answered.
func (o *office) answer(status int, header http.Header) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.status, o.header = status, header
}

func newOffice() *office { return &office{arrived: make(chan *caller, 100)} }

// caller is one connection.
type caller struct {
	t    testing.TB
	req  *http.Request
	body *io.PipeWriter
}

func (o *office) RoundTrip(req *http.Request) (*http.Response, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	r, w := io.Pipe()
	header := http.Header{"Content-Type": {feed.MediaType + "; charset=utf-8"}}
	for name, values := range o.header {
		header[name] = values
	}
	context.AfterFunc(req.Context(), func() { _ = w.CloseWithError(req.Context().Err()) })
	status := 200
	if o.status != 0 {
		status = o.status
	}
	o.arrived <- &caller{req: req, body: w}
	return &http.Response{StatusCode: status, Header: header, Body: r, Request: req}, nil
}

// next waits for the next connection.
func (o *office) next(t testing.TB) *caller {
	t.Helper()
	select {
	case c := <-o.arrived:
		c.t = t
		return c
	case <-time.After(time.Hour): // synthetic
		t.Fatal("nobody connected")
		return nil
	}
}

func (c *caller) write(text string) {
	_, _ = io.WriteString(c.body, text)
	synctest.Wait()
}

func (c *caller) send(messages ...feed.Message) {
	c.t.Helper()
	var b []byte
	for _, m := range messages {
		var err error
		if b, err = m.Append(b); err != nil {
			c.t.Fatal(err)
		}
	}
	c.write(string(b))
}

func (c *caller) hangUp() {
	_ = c.body.Close()
	synctest.Wait()
}

// said collects notices.
type said struct {
	mu  sync.Mutex
	all []string
}

func (s *said) notice(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, err.Error())
}

func (s *said) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

// follow makes a follower and runs it until the returned function is called.
func follow(t testing.TB, o *office, change func(*feed.Config)) (f *feed.Follower, end func()) {
	t.Helper()
	c := feed.Config{
		Issuer: narrowcast.MustIssuer(issuer), Audience: narrowcast.MustAudience(pay),
		URL: issuer + "/feed", Client: &http.Client{Transport: o}, Now: time.Now,
	}
	if change != nil {
		change(&c)
	}
	f, err := feed.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- f.Run(ctx) }()
	return f, func() {
		t.Helper()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	}
}

func at(position uint64, asOf time.Time) feed.At {
	return feed.At{Position: position, AsOf: asOf, StaleAfter: 10, WhenStale: feed.Refuse}
}

func expect(t testing.TB, l narrowcast.Liveness, token *narrowcast.Token, want narrowcast.Reason) {
	t.Helper()
	if got := l.Check(token); got != want {
		t.Errorf("%s: %s, want %s", token.ID(), name(got), name(want))
	}
}

func name(r narrowcast.Reason) string {
	if r == 0 {
		return "good"
	}
	return r.String()
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
