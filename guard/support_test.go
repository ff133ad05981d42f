package guard_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/guard"
)

var at = time.Unix(1_800_000_000, 0).UTC()

const (
	pay    = "https://pay.example.test"
	crm    = "https://crm.example.test"
	issuer = "https://issuer.example.test"
)

type keySource map[narrowcast.KeyID]narrowcast.Key

func (k keySource) Key(_ context.Context, id narrowcast.KeyID) (narrowcast.Key, error) {
	if key, ok := k[id]; ok {
		return key, nil
	}
	return narrowcast.Key{}, narrowcast.ErrKeyUnknown
}

// notebook is a sink that keeps everything.
type notebook struct {
	mu     sync.Mutex
	events []event.Event
}

func (n *notebook) Record(e event.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.events = append(n.events, e)
}

func (n *notebook) all() []event.Event {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]event.Event(nil), n.events...)
}

func (n *notebook) last(t *testing.T) event.Event {
	t.Helper()
	all := n.all()
	if len(all) == 0 {
		t.Fatal("no event was recorded")
	}
	return all[len(all)-1]
}

// text is every event as the book would hold it.
func (n *notebook) text(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, e := range n.all() {
		line, err := event.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		if len(line) > event.MaxBytes {
			t.Errorf("an event has %d bytes", len(line))
		}
		b.Write(append(line, '\n'))
	}
	return b.String()
}

// town is an issuer, a clock and a notebook for the doors of a test.
type town struct {
	private ed25519.PrivateKey
	keys    keySource
	book    notebook
	mu      sync.Mutex
	clock   time.Time
}

func newTown(t testing.TB) *town {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := narrowcast.NewKey(narrowcast.KeyConfig{ID: "k1", Algorithm: narrowcast.Ed25519, Public: public})
	if err != nil {
		t.Fatal(err)
	}
	return &town{private: private, keys: keySource{"k1": key}, clock: at}
}

func (w *town) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.clock
}

func (w *town) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock = w.clock.Add(d)
}

func (w *town) verifier(t testing.TB, audience string, cache int) *narrowcast.Verifier {
	t.Helper()
	v, err := narrowcast.NewVerifier(narrowcast.Config{
		Audience:   narrowcast.MustAudience(audience),
		Issuers:    []narrowcast.TrustedIssuer{{Issuer: narrowcast.MustIssuer(issuer), Keys: w.keys}},
		Algorithms: []narrowcast.Algorithm{narrowcast.Ed25519},
		Now:        w.now,
		Cache:      cache,
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// door makes a guard for an audience.
func (w *town) door(t testing.TB, audience string, change func(*guard.Config)) *guard.Guard {
	t.Helper()
	c := guard.Config{Verifier: w.verifier(t, audience, 0), Sink: &w.book, Now: w.now, Name: "guard-1"}
	if change != nil {
		change(&c)
	}
	g, err := guard.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func observing(c *guard.Config) {
	c.DangerouslyObserveAudience = guard.Observe{Owner: "team-payments", Until: at.Add(24 * time.Hour)}
}

// sign writes a token by hand, so that it can be wrong in any way. A nil claim
// removes a member.
func (w *town) sign(t testing.TB, claims map[string]any) string {
	t.Helper()
	all := map[string]any{
		"iss": issuer, "sub": "checkout", "client_id": "checkout", "jti": "t-1", "aud": pay,
		"scope": "charge", "iat": at.Unix(), "exp": at.Unix() + 300,
	}
	for name, value := range claims {
		if all[name] = value; value == nil {
			delete(all, name)
		}
	}
	var payload bytes.Buffer
	writer := json.NewEncoder(&payload)
	writer.SetEscapeHTML(false) // so that short claims can be long in an event
	if err := writer.Encode(all); err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	input := encode([]byte(`{"alg":"Ed25519","typ":"at+jwt","kid":"k1"}`)) + "." + encode(payload.Bytes())
	signature, err := w.private.Sign(nil, []byte(input), crypto.Hash(0))
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + encode(signature)
}

// tampered is a token whose signature is wrong.
func tampered(token string) string {
	i := strings.LastIndexByte(token, '.') + 1
	swap := "A"
	if token[i] == 'A' {
		swap = "B"
	}
	return token[:i] + swap + token[i+1:]
}

// hello is the service behind the door.
var hello = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	token, ok := guard.FromContext(r.Context())
	if !ok {
		_, _ = io.WriteString(w, "hello, whoever you are")
		return
	}
	_, _ = io.WriteString(w, "hello, "+string(token.Subject()))
})

func request(method, target, token string) *http.Request {
	r := httptest.NewRequest(method, target, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
