package once_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/once"
)

var (
	issuer = narrowcast.MustIssuer("https://issuer.example.test")
	pay    = narrowcast.MustAudience("https://pay.example.test")
	start  = time.Unix(1_800_000_000, 0)
)

// world is an issuer, a clock, and a verifier of its tokens.
type world struct {
	t     *testing.T
	press *mint.Press
	key   narrowcast.Key
	now   time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	press, err := mint.New(mint.Config{Issuer: issuer, KeyID: "k1", Algorithm: narrowcast.ES256, Signer: private})
	if err != nil {
		t.Fatal(err)
	}
	key, err := narrowcast.NewKey(narrowcast.KeyConfig{ID: "k1", Algorithm: narrowcast.ES256, Public: private.Public()})
	if err != nil {
		t.Fatal(err)
	}
	return &world{t, press, key, start}
}

// Key makes world a narrowcast.KeySource.
func (w *world) Key(_ context.Context, id narrowcast.KeyID) (narrowcast.Key, error) {
	if id != w.key.ID() {
		return narrowcast.Key{}, narrowcast.ErrKeyUnknown
	}
	return w.key, nil
}

func (w *world) verifier(uses narrowcast.Uses) *narrowcast.Verifier {
	w.t.Helper()
	v, err := narrowcast.NewVerifier(narrowcast.Config{
		Audience: pay, Issuers: []narrowcast.TrustedIssuer{{Issuer: issuer, Keys: w}}, Algorithms: []narrowcast.Algorithm{narrowcast.ES256},
		Now: func() time.Time { return w.now }, Uses: uses, Cache: 10,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

func (w *world) text(id narrowcast.TokenID, single bool) string {
	w.t.Helper()
	text, err := w.press.Mint(mint.Letter{
		Audience: pay, Subject: "checkout", Client: "checkout", ID: id, IssuedAt: start, Lifetime: time.Minute, SingleUse: single,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

func (w *world) token(id narrowcast.TokenID) *narrowcast.Token {
	w.t.Helper()
	token, err := w.verifier(nil).Verify(w.t.Context(), w.text(id, false), narrowcast.Presentation{})
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

func reason(t *testing.T, v *narrowcast.Verifier, text string) narrowcast.Reason {
	t.Helper()
	_, err := v.Verify(t.Context(), text, narrowcast.Presentation{})
	if err == nil {
		return 0
	}
	rej, ok := err.(*narrowcast.Rejection)
	if !ok {
		t.Fatal(err)
	}
	return rej.Reason
}

func memory(t *testing.T, w *world, most int) *once.Memory {
	t.Helper()
	m, err := once.NewMemory(once.MemoryConfig{Now: func() time.Time { return w.now }, Most: most})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A token for one use opens the door once, cached or not; an ordinary one as
// often as it lives.
func TestATokenForOneUseOpensOnce(t *testing.T) {
	w := newWorld(t)
	v := w.verifier(memory(t, w, 10))
	single, ordinary := w.text("t-1", true), w.text("t-2", false)
	for n, want := range []narrowcast.Reason{0, narrowcast.Replayed, narrowcast.Replayed} {
		if got := reason(t, v, single); got != want {
			t.Errorf("use %d: %s, want %s", n+1, got, want)
		}
		if got := reason(t, v, ordinary); got != 0 {
			t.Errorf("an ordinary token: %s", got)
		}
	}
	if got := reason(t, w.verifier(nil), single); got != narrowcast.UseUnknown {
		t.Errorf("nobody remembers: %s", got)
	}
	var zero *once.Memory
	if got := reason(t, w.verifier(zero), single); got != narrowcast.UseUnknown {
		t.Errorf("a memory that was never made: %s", got)
	}
}

func TestMemoryIsBoundedAndForgetsWhatHasExpired(t *testing.T) {
	w := newWorld(t)
	m := memory(t, w, 2)
	a, b, c := w.token("a"), w.token("b"), w.token("c")
	for _, step := range []struct {
		token *narrowcast.Token
		want  narrowcast.Reason
	}{{a, 0}, {b, 0}, {c, narrowcast.UseUnknown}, {a, narrowcast.Replayed}} {
		if got := m.Use(t.Context(), step.token); got != step.want {
			t.Errorf("%s: %s, want %s", step.token, got, step.want)
		}
	}
	w.now = start.Add(time.Minute + 2*narrowcast.MaxSkew)
	if got := m.Use(t.Context(), c); got != narrowcast.UseUnknown {
		t.Errorf("it forgot a token that could still be shown: %s", got)
	}
	w.now = w.now.Add(2 * time.Second)
	if got := m.Use(t.Context(), c); got != 0 {
		t.Errorf("nothing was forgotten: %s", got)
	}
}

func TestOnlyOneOfManyIsFirst(t *testing.T) {
	w := newWorld(t)
	m, token := memory(t, w, 10), w.token("a")
	var first atomic.Int32
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if m.Use(t.Context(), token) == 0 {
				first.Add(1)
			}
		})
	}
	all.Wait()
	if first.Load() != 1 {
		t.Errorf("%d were first", first.Load())
	}
}

// The issuer is asked about its own tokens; whatever is no clear answer is none.
func TestRemote(t *testing.T) {
	w := newWorld(t)
	status, answer, asked := 200, "", ""
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		asked = string(body)
		if status == http.StatusFound {
			rw.Header().Set("Location", "/elsewhere")
		}
		rw.WriteHeader(status)
		_, _ = io.WriteString(rw, answer)
	}))
	defer server.Close()
	remote, err := once.NewRemote(once.RemoteConfig{URL: server.URL + "/uses", Client: server.Client(), Issuer: issuer})
	if err != nil {
		t.Fatal(err)
	}
	token := w.token("t-1")
	for _, c := range []struct {
		status int
		answer string
		want   narrowcast.Reason
	}{
		{200, `{"first":true}`, 0}, {200, `{"first":false}`, narrowcast.Replayed}, {200, `{}`, narrowcast.UseUnknown},
		{200, `{"first":"true"}`, narrowcast.UseUnknown}, {200, ``, narrowcast.UseUnknown}, {503, `{"first":true}`, narrowcast.UseUnknown},
		{302, `{"first":true}`, narrowcast.UseUnknown}, {200, strings.Repeat(" ", 2000) + `{"first":true}`, narrowcast.UseUnknown},
	} {
		status, answer = c.status, c.answer
		if got := remote.Use(t.Context(), token); got != c.want {
			t.Errorf("%d %.20s: %s, want %s", c.status, c.answer, got, c.want)
		}
	}
	if asked != `{"aud":"https://pay.example.test","jti":"t-1","until":1800000180}` {
		t.Errorf("asked %s", asked)
	}
	other, err := once.NewRemote(once.RemoteConfig{URL: server.URL, Client: server.Client(), Issuer: narrowcast.MustIssuer("https://other.example.test")})
	if err != nil {
		t.Fatal(err)
	}
	if status, answer = 200, `{"first":true}`; other.Use(t.Context(), token) != narrowcast.UseUnknown {
		t.Error("another issuer answered for the token")
	}
	var zero *once.Remote
	if zero.Use(t.Context(), token) != narrowcast.UseUnknown {
		t.Error("a zero Remote answered")
	}
}

func TestConfigurationsAreChecked(t *testing.T) {
	for _, address := range []string{"", "http://issuer.example.test/uses", "ftp://issuer.example.test", "https://user@issuer.example.test/uses"} {
		if _, err := once.NewRemote(once.RemoteConfig{URL: address, Client: http.DefaultClient, Issuer: issuer}); err == nil {
			t.Errorf("%q was taken", address)
		}
	}
	_, err := once.NewRemote(once.RemoteConfig{Timeout: time.Minute})
	for _, want := range []string{"URL", "Client", "Issuer", "Timeout"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want it to name %s", err, want)
		}
	}
	if _, err := once.NewMemory(once.MemoryConfig{}); err == nil || !strings.Contains(err.Error(), "Now") || !strings.Contains(err.Error(), "Most") {
		t.Errorf("%v", err)
	}
}
