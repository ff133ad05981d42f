package trust_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
	"github.com/narrowcast-io/narrowcast/service/internal/spiffe/spiffetest"
	"github.com/narrowcast-io/narrowcast/service/internal/trust"
)

const (
	ours     = "https://issuer.example.test"
	corp     = "spiffe://corp.example"
	checkout = "spiffe://corp.example/checkout"
)

// site is an issuer with discovery, keys and an API server, over TLS.
type site struct {
	*httptest.Server
	mu     sync.Mutex
	pages  map[string]http.HandlerFunc
	bearer map[string]string // by path: what came in Authorization
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{pages: map[string]http.HandlerFunc{}, bearer: map[string]string{}}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		page := s.pages[r.URL.Path]
		s.bearer[r.URL.Path] = r.Header.Get("Authorization")
		s.mu.Unlock()
		if page == nil {
			page = http.NotFound
		}
		w.Header().Set("Content-Type", "application/json")
		page(w, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func (s *site) page(path, text string) {
	s.handle(path, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
}

func (s *site) handle(path string, page http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages[path] = page
}

func (s *site) came(path string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bearer[path]
}

func (s *site) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return pool
}

// files writes the CA of a site and a bearer token, as a kubelet does.
func (s *site) files(t *testing.T) (ca, token string) {
	t.Helper()
	ca, token = filepath.Join(t.TempDir(), "ca.crt"), filepath.Join(t.TempDir(), "token")
	put(t, ca, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
	put(t, token, "bearer-of-ours\n")
	return ca, token
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func newKey(t *testing.T, id narrowcast.KeyID) narrowcast.Key {
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

func set(t *testing.T, ids ...narrowcast.KeyID) string {
	t.Helper()
	var keys []narrowcast.Key
	for _, id := range ids {
		keys = append(keys, newKey(t, id))
	}
	text, err := jwks.Marshal(keys)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

type house struct {
	*trust.Sources
	log *buffer
}

// buffer is a log that many goroutines write.
type buffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *buffer) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.String()
}

func open(t *testing.T, c trust.Config) house {
	t.Helper()
	into := &buffer{}
	c.Audience, c.Log = ours, slog.New(slog.NewTextHandler(into, nil))
	if c.Now == nil {
		c.Now = time.Now
	}
	s, err := trust.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return house{s, into}
}

func (h house) of(t *testing.T, id string) trust.Outside {
	t.Helper()
	o, err := h.Of(narrowcast.MustIssuer(id))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func wants(t *testing.T, keys narrowcast.KeySource, id narrowcast.KeyID, target error) {
	t.Helper()
	if _, err := keys.Key(t.Context(), id); !errors.Is(err, target) {
		t.Errorf("key %s: %v, want %v", id, err, target)
	}
}

func TestKeysFromEachPlace(t *testing.T) {
	web := newSite(t)
	web.page("/keys", set(t, "a"))
	web.page("/d/.well-known/openid-configuration", fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, web.URL+"/d", web.URL+"/more"))
	web.page("/more", set(t, "b"))
	h := open(t, trust.Config{Roots: web.roots()})
	fixed := registry.Issuer{Issuer: narrowcast.MustIssuer("https://ci.example.test"), Keys: []narrowcast.Key{newKey(t, "c")}}
	listed := registry.Issuer{Issuer: narrowcast.MustIssuer(web.URL), JWKSURL: web.URL + "/keys"}
	found := registry.Issuer{Issuer: narrowcast.MustIssuer(web.URL + "/d"), Discovery: true}
	if err := h.Use([]registry.Issuer{fixed, listed, found}); err != nil {
		t.Fatal(err)
	}
	for id, own := range map[string]narrowcast.KeyID{web.URL: "a", web.URL + "/d": "b", "https://ci.example.test": "c"} {
		for _, key := range []narrowcast.KeyID{"a", "b", "c"} {
			want := error(nil)
			if key != own {
				want = narrowcast.ErrKeyUnknown
			}
			wants(t, h.of(t, id).Keys, key, want)
		}
		if o := h.of(t, id); o.Peer != nil || o.Review != nil {
			t.Errorf("%s has more than keys", id)
		}
	}
	if states := h.States(); len(states) != 3 || !states[0].Usable || !states[1].Usable || !states[2].Usable {
		t.Errorf("%+v", states)
	}
	if _, err := h.Of(narrowcast.MustIssuer("https://nobody.example.test")); !errors.Is(err, trust.ErrUnknown) {
		t.Errorf("an issuer that nobody named: %v", err)
	}
}

func TestDiscoveryIsDistrustful(t *testing.T) {
	web, other := newSite(t), newSite(t)
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, set(t, "a")) }))
	t.Cleanup(plain.Close)
	const place = "/.well-known/openid-configuration"
	other.page("/keys", set(t, "a"))
	web.page("/keys", set(t, "a"))
	good := fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, web.URL, web.URL+"/keys")
	for name, text := range map[string]string{
		"":                    good,
		"another issuer":      strings.Replace(good, `"issuer":"https://`, `"issuer":"https://x`, 1),
		"a slash more":        fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, web.URL+"/", web.URL+"/keys"),
		"no issuer":           fmt.Sprintf(`{"jwks_uri":%q}`, web.URL+"/keys"),
		"an issuer twice":     strings.Replace(good, `{`, `{"issuer":"https://evil.example.test",`, 1),
		"no keys":             fmt.Sprintf(`{"issuer":%q}`, web.URL),
		"keys without TLS":    fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, web.URL, plain.URL),
		"keys in a file":      fmt.Sprintf(`{"issuer":%q,"jwks_uri":"file:///etc/keys"}`, web.URL),
		"keys with a user":    fmt.Sprintf(`{"issuer":%q,"jwks_uri":"https://a:b@issuer.example.test/keys"}`, web.URL),
		"keys of a stranger":  fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, web.URL, other.URL+"/absent"),
		"too large":           good + strings.Repeat(" ", 1<<20),
		"followed by more":    good + "{}",
		"not a JSON document": "<html>",
	} {
		web.page(place, text)
		h := open(t, trust.Config{Roots: web.roots()})
		if err := h.Use([]registry.Issuer{{Issuer: narrowcast.MustIssuer(web.URL), Discovery: true}}); err != nil {
			t.Fatal(err)
		}
		keys := h.of(t, web.URL).Keys
		if name == "" {
			wants(t, keys, "a", nil)
			wants(t, keys, "z", narrowcast.ErrKeyUnknown)
			continue
		}
		if _, err := keys.Key(t.Context(), "a"); !errors.Is(err, trust.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	web.handle(place, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL+place, http.StatusFound) })
	other.page(place, good)
	h := open(t, trust.Config{Roots: web.roots()})
	if err := h.Use([]registry.Issuer{{Issuer: narrowcast.MustIssuer(web.URL), Discovery: true}}); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		wants(t, h.of(t, web.URL).Keys, "a", trust.ErrUnavailable)
	}
	h.Close()
	if text := h.log.text(); strings.Count(text, "fails") != 1 || !strings.Contains(text, web.URL) {
		t.Errorf("a failure is told once, with the issuer; the log is %q", text)
	}
}

func TestFaultsOfOneIssuerAlone(t *testing.T) {
	h := open(t, trust.Config{Local: map[narrowcast.Issuer]trust.Local{
		narrowcast.MustIssuer("spiffe://both.example"): {WorkloadAPI: "/run/a.sock", BundleFile: "/run/b.json"},
		narrowcast.MustIssuer("spiffe://rel.example"):  {WorkloadAPI: "a.sock"},
		narrowcast.MustIssuer("spiffe://url.example"):  {WorkloadAPI: "/run/a.sock"},
		narrowcast.MustIssuer("spiffe://file.example"): {BundleFile: "/run/b.json"},
	}})
	good := registry.Issuer{Issuer: narrowcast.MustIssuer("https://ci.example.test"), Keys: []narrowcast.Key{newKey(t, "c")}}
	bad := []registry.Issuer{
		{Issuer: narrowcast.MustIssuer("https://no-place.example.test")},
		{Issuer: narrowcast.MustIssuer("https://two.example.test"), Discovery: true, JWKSURL: "https://two.example.test/keys"},
		{Issuer: narrowcast.MustIssuer("https://plain.example.test"), JWKSURL: "http://plain.example.test/keys"},
		{Issuer: narrowcast.MustIssuer("https://bundle.example.test"), Bundle: registry.Bundle{URL: "https://bundle.example.test"}},
		{Issuer: narrowcast.MustIssuer("https://k8s.example.test"), Discovery: true, TokenReview: true},
		{Issuer: narrowcast.MustIssuer("urn:something"), Discovery: true},
		{Issuer: narrowcast.MustIssuer("spiffe://nothing.example")},
		{Issuer: narrowcast.MustIssuer("spiffe://both.example")},
		{Issuer: narrowcast.MustIssuer("spiffe://rel.example")},
		{Issuer: narrowcast.MustIssuer("spiffe://url.example"), Bundle: registry.Bundle{URL: "https://bundle.example.test"}},
		{Issuer: narrowcast.MustIssuer("spiffe://file.example"), Bundle: registry.Bundle{WorkloadAPI: true}},
		{Issuer: narrowcast.MustIssuer("spiffe://nowhere.example"), Bundle: registry.Bundle{WorkloadAPI: true}},
		{Issuer: narrowcast.MustIssuer("spiffe://corp.example/path"), Bundle: registry.Bundle{URL: "https://bundle.example.test"}},
		{Issuer: narrowcast.MustIssuer("spiffe://doc.example"), Bundle: registry.Bundle{Document: []byte("{}")}},
	}
	err := h.Use(append(bad, good))
	for _, of := range bad {
		if err == nil || !strings.Contains(err.Error(), of.Issuer.String()) {
			t.Errorf("%s is not named among the faults", of.Issuer)
		}
		if o, err := h.Of(of.Issuer); !errors.Is(err, trust.ErrUnavailable) || o.Keys != nil {
			t.Errorf("%s: %v", of.Issuer, err)
		}
	}
	wants(t, h.of(t, "https://ci.example.test").Keys, "c", nil)
	if h.Use([]registry.Issuer{good, good}) == nil {
		t.Error("one issuer twice is accepted")
	}
}

// Sources live on over revisions that do not concern them.
func TestRevisions(t *testing.T) {
	web := newSite(t)
	web.page("/keys", set(t, "a"))
	h := open(t, trust.Config{Roots: web.roots()})
	of := registry.Issuer{Issuer: narrowcast.MustIssuer(web.URL), JWKSURL: web.URL + "/keys", Position: "issuers.yaml:3"}
	use := func(all ...registry.Issuer) {
		if err := h.Use(all); err != nil {
			t.Fatal(err)
		}
	}
	use(of)
	first := h.of(t, web.URL).Keys
	wants(t, first, "a", nil)
	of.Position, of.MaxAge, of.OneTime = "issuers.yaml:9", time.Minute, true
	use(of)
	if h.of(t, web.URL).Keys != first {
		t.Error("a source is opened anew although nothing about it changed")
	}
	of.JWKSURL += "?v=2"
	use(of)
	if h.of(t, web.URL).Keys == first {
		t.Error("a source lives on although its place changed")
	}
	use()
	if _, err := h.Of(of.Issuer); !errors.Is(err, trust.ErrUnknown) {
		t.Errorf("an issuer that is gone: %v", err)
	}
	h.Close()
	if err := h.Use([]registry.Issuer{of}); err == nil {
		t.Error("closed sources open")
	}
}

func TestConfigs(t *testing.T) {
	if _, err := trust.New(context.Background(), trust.Config{}); err == nil || strings.Count(err.Error(), "required") != 3 {
		t.Errorf("an empty configuration: %v", err)
	}
	var none *trust.Sources
	if _, err := none.Of(narrowcast.MustIssuer(ours)); err == nil {
		t.Error("the zero sources know an issuer")
	}
}

func authority(t *testing.T, now func() time.Time) *spiffetest.Authority {
	t.Helper()
	a, err := spiffetest.NewAuthority("corp.example", now)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
