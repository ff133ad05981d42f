package httpapi_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/authn"
	"github.com/narrowcast-io/narrowcast/service/internal/httpapi"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

const (
	ours   = "https://issuer.example.test"
	pay    = "https://pay.example.test"
	crm    = "https://crm.example.test"
	secret = "a secret of the legacy client"
)

// book is a ledger in memory.
type book struct {
	mu      sync.Mutex
	records []store.Record
	used    map[store.Once]bool
	fails   error
}

func (b *book) Append(_ context.Context, e store.Entry) (store.Record, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fails != nil {
		return store.Record{}, b.fails
	}
	for _, once := range e.Once {
		once.Until = time.Time{}
		if b.used[once] {
			return store.Record{}, store.ErrUsed
		}
	}
	for _, once := range e.Once {
		once.Until = time.Time{}
		b.used[once] = true
	}
	r := store.Record{Number: uint64(len(b.records) + 1), Event: e.Event}
	b.records = append(b.records, r)
	return r, nil
}

func (b *book) AppendAll(ctx context.Context, entries []store.Entry) (kept int, err error) {
	for _, e := range entries {
		if b.has(e.Event) {
			continue
		}
		if _, err := b.Append(ctx, e); err != nil {
			return kept, err
		}
		kept++
	}
	return kept, nil
}

func (b *book) has(e event.Event) bool {
	for _, r := range b.events() {
		if r.Writer == e.Writer && r.ID == e.ID {
			return true
		}
	}
	return false
}

func (b *book) Find(_ context.Context, q store.Query) iter.Seq2[store.Record, error] {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := append([]store.Record(nil), b.records...)
	return func(yield func(store.Record, error) bool) {
		for _, r := range all {
			if r.Number <= q.After || q.TokenID != "" && (r.Event.Token == nil || r.Event.Token.ID != q.TokenID) || q.Decision != "" && r.Event.Decision != q.Decision {
				continue
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (b *book) events() []event.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []event.Event
	for _, r := range b.records {
		all = append(all, r.Event)
	}
	return all
}

func (b *book) last(t testing.TB) event.Event {
	t.Helper()
	all := b.events()
	if len(all) == 0 {
		t.Fatal("the book is empty")
	}
	return all[len(all)-1]
}

type clients []registry.Client

func (c *clients) Clients() []registry.Client { return *c }

func (c *clients) Issuers() []registry.Issuer { return nil }

type keys map[narrowcast.KeyID]narrowcast.Key

func (k keys) Key(_ context.Context, id narrowcast.KeyID) (narrowcast.Key, error) {
	if key, ok := k[id]; ok {
		return key, nil
	}
	return narrowcast.Key{}, narrowcast.ErrKeyUnknown
}

// house is a whole issuer in memory.
type house struct {
	http.Handler
	base  string
	book  *book
	log   *bytes.Buffer
	now   time.Time
	press *mint.Press // of the issuer
	pen   *mint.Press // of the client checkout
	keys  keys
	desk  *issuer.Desk
}

func pair(t testing.TB, issuerName string, id narrowcast.KeyID) (*mint.Press, narrowcast.Key) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := narrowcast.NewKey(narrowcast.KeyConfig{ID: id, Algorithm: narrowcast.ES256, Public: &private.PublicKey})
	if err != nil {
		t.Fatal(err)
	}
	press, err := mint.New(mint.Config{Issuer: narrowcast.MustIssuer(issuerName), KeyID: id, Algorithm: narrowcast.ES256, Signer: private})
	if err != nil {
		t.Fatal(err)
	}
	return press, key
}

func open(t testing.TB, base string) *house {
	t.Helper()
	return openWith(t, base, func(*issuer.Config) {}, func(*httpapi.Config) {})
}

// openWith is open with something changed at the desk and on the wire.
func openWith(t testing.TB, base string, desk func(*issuer.Config), wire func(*httpapi.Config)) *house {
	t.Helper()
	h := &house{base: strings.TrimSuffix(base, "/"), book: &book{used: map[store.Once]bool{}}, log: &bytes.Buffer{}, now: time.Unix(1_800_000_000, 0)}
	var own, theirs narrowcast.Key
	h.press, own = pair(t, base, "k1")
	h.pen, theirs = pair(t, "checkout", "c1")
	h.keys = keys{"k1": own}
	list := &clients{
		{ID: "checkout", Authenticate: []registry.Credential{{Kind: authn.PrivateKeyJWT, Keys: []narrowcast.Key{theirs}}}},
		{ID: "legacy", Authenticate: []registry.Credential{{Kind: authn.ClientSecretBasic, Secret: authn.HashSecret(secret)}}},
	}
	who, err := authn.New(authn.Config{
		Issuer: narrowcast.MustIssuer(base), TokenEndpoint: httpapi.TokenEndpoint(narrowcast.MustIssuer(base)),
		Clients: func() authn.Clients { return list }, Now: h.clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	rules := rules(t)
	c := issuer.Config{
		Issuer: narrowcast.MustIssuer(base), Authenticator: who, Ledger: h.book, Now: h.clock, Writer: "issuer/1",
		Rules: func() issuer.Rules { return rules }, Press: func() issuer.Press { return h.press },
	}
	desk(&c)
	if h.desk, err = issuer.New(c); err != nil {
		t.Fatal(err)
	}
	front := h.config(base)
	wire(&front)
	api, err := httpapi.New(front)
	if err != nil {
		t.Fatal(err)
	}
	if h.Handler, err = httpapi.Handler(api); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) config(base string) httpapi.Config {
	return httpapi.Config{
		Issuer: narrowcast.MustIssuer(base), Desk: h.desk, Book: h.book, Now: h.clock,
		KeySet: func() ([]byte, error) { return []byte(`{"keys":[]}`), nil },
		Keys:   h.keys, Algorithms: []narrowcast.Algorithm{narrowcast.ES256},
		MayReport: func(c narrowcast.ClientID, door narrowcast.Audience) bool {
			return c == "pay-guard" && door.String() == pay
		},
		Log: slog.New(slog.NewJSONHandler(h.log, nil)),
	}
}

func rules(t testing.TB) *policy.Rules {
	t.Helper()
	scopes := narrowcast.MustScope("charge refund")
	door := func(name string, change func(*policy.Door)) policy.Door {
		d := policy.Door{Audience: narrowcast.MustAudience(name), Scopes: scopes, TTL: 5 * time.Minute, MaxTTL: 10 * time.Minute, Position: "resources.yaml:1"}
		change(&d)
		return d
	}
	var grants []policy.Grant
	for _, client := range []narrowcast.ClientID{"checkout", "legacy"} {
		for _, name := range []string{pay, "https://off.example.test", "https://vault.example.test"} {
			grants = append(grants, policy.Grant{Client: client, Audience: narrowcast.MustAudience(name), Scope: narrowcast.MustScope("charge"), Position: "resources.yaml:9"})
		}
	}
	r, err := policy.NewRules(policy.Config{
		Doors: []policy.Door{
			door(pay, func(*policy.Door) {}),
			door(crm, func(*policy.Door) {}),
			door("https://off.example.test", func(d *policy.Door) { d.Disabled = true }),
			door("https://vault.example.test", func(d *policy.Door) { d.Binding = policy.Binding{Sender: policy.Required, DPoP: true, MTLS: true} }),
		},
		Grants: grants,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (h *house) clock() time.Time { return h.now }

func (h *house) assertion(t testing.TB, aud string) string {
	t.Helper()
	text, err := h.pen.Mint(mint.Letter{
		Audience: narrowcast.MustAudience(aud), Subject: "checkout", ID: mint.NewTokenID(),
		IssuedAt: h.now, Lifetime: time.Minute, Class: narrowcast.ClientAssertion,
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// form is a good token request; change is a list of names and values to set.
func (h *house) form(t testing.TB, change ...string) url.Values {
	t.Helper()
	f := url.Values{
		"grant_type": {"client_credentials"}, "resource": {pay}, "scope": {"charge"},
		"client_assertion_type": {authn.AssertionType}, "client_assertion": {h.assertion(t, h.base)},
	}
	for i := 0; i < len(change); i += 2 {
		f.Set(change[i], change[i+1])
	}
	return f
}

func (h *house) post(body string, edit ...func(*http.Request)) *httptest.ResponseRecorder {
	path, _ := strings.CutPrefix(h.base, ours)
	r := httptest.NewRequest(http.MethodPost, path+"/token", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, e := range edit {
		e(r)
	}
	return h.do(r)
}

func (h *house) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func object(t testing.TB, r io.Reader) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.NewDecoder(r).Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}
