package client_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/client"
)

var (
	issuer = narrowcast.MustIssuer("https://issuer.example.test")
	pay    = narrowcast.MustAudience("https://pay.example.test")
	crm    = narrowcast.MustAudience("https://crm.example.test")
	charge = narrowcast.MustScope("charge")
)

const metadata = `{"issuer":"https://issuer.example.test","token_endpoint":"https://issuer.example.test/token"}`

// answer is one HTTP answer.
type answer struct {
	status int
	body   string
	header http.Header
}

// desk is an issuer that answers as it is told and remembers what it was asked.
type desk struct {
	mu    sync.Mutex
	reply func(form url.Values, n int) answer // n counts from 1
	delay time.Duration
	asked []*http.Request
	forms []url.Values
	seen  []string // addresses
}

func (d *desk) RoundTrip(req *http.Request) (*http.Response, error) {
	form := url.Values{}
	if req.Body != nil {
		body, _ := io.ReadAll(req.Body)
		form, _ = url.ParseQuery(string(body))
	}
	d.mu.Lock()
	d.seen = append(d.seen, req.URL.String())
	if strings.Contains(req.URL.Path, ".well-known") {
		defer d.mu.Unlock()
		return response(req, answer{status: 200, body: metadata}), nil
	}
	d.asked, d.forms = append(d.asked, req), append(d.forms, form)
	n, reply := len(d.asked), d.reply
	d.mu.Unlock()
	time.Sleep(d.delay)
	if reply == nil {
		return response(req, granted(form, n)), nil
	}
	return response(req, reply(form, n)), nil
}

func (d *desk) minted() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.asked)
}

func response(req *http.Request, a answer) *http.Response {
	if a.header == nil {
		a.header = http.Header{}
	}
	return &http.Response{StatusCode: a.status, Header: a.header, Request: req, Body: io.NopCloser(strings.NewReader(a.body)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
}

// granted is a right answer. Its token can be told from every other.
func granted(form url.Values, n int) answer {
	return changed(form, n, nil)
}

func changed(form url.Values, n int, edit func(m map[string]any)) answer {
	m := map[string]any{
		"access_token": secretToken(form.Get("resource"), n), "token_type": "Bearer", "expires_in": 300,
		"resource": []string{form.Get("resource")},
	}
	if edit != nil {
		edit(m)
	}
	body, _ := json.Marshal(m)
	return answer{status: 200, body: string(body)}
}

// secretWord is in every token and in every secret, so that a leak shows.
const secretWord = "s3cr3t"

func secretToken(resource string, n int) string {
	name := strings.NewReplacer("https://", "", "/", "-").Replace(resource)
	return secretWord + "." + name + "." + strings.Repeat("x", n)
}

func newSigner(t testing.TB) crypto.Signer {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return private
}

func byKey(t testing.TB, signer crypto.Signer) client.Authenticator {
	t.Helper()
	a, err := client.NewPrivateKeyJWT(client.PrivateKeyJWTConfig{
		ClientID: "checkout", KeyID: "c1", Algorithm: narrowcast.ES256, Signer: signer, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func bySecret(t testing.TB) client.Authenticator {
	t.Helper()
	a, err := client.DangerouslySharedSecret("checkout", secretWord)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func newSource(t testing.TB, d *desk, edit func(*client.Config)) *client.Source {
	t.Helper()
	c := client.Config{Issuer: issuer, Authenticate: bySecret(t), Now: time.Now, Transport: d}
	if edit != nil {
		edit(&c)
	}
	s, err := client.NewSource(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func get(t testing.TB, s *client.Source, audience narrowcast.Audience) client.Token {
	t.Helper()
	token, err := s.Token(t.Context(), audience, charge)
	if err != nil {
		t.Fatal(err)
	}
	if token.Audience() != audience {
		t.Fatalf("asked for %s, got one for %s", audience, token.Audience())
	}
	return token
}
