package trust_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
	"github.com/narrowcast-io/narrowcast/service/internal/spiffe"
	"github.com/narrowcast-io/narrowcast/service/internal/spiffe/spiffetest"
	"github.com/narrowcast-io/narrowcast/service/internal/trust"
)

// speaks checks that a source knows the workloads of an authority.
func speaks(t *testing.T, o trust.Outside, a *spiffetest.Authority) {
	t.Helper()
	token, err := a.JWTSVID(checkout, ours)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		t.Fatal(err)
	}
	var header struct{ Kid narrowcast.KeyID }
	if err := json.Unmarshal(text, &header); err != nil {
		t.Fatal(err)
	}
	wants(t, o.Keys, header.Kid, nil)
	cert, _, err := a.X509SVID(checkout, nil)
	if err != nil {
		t.Fatal(err)
	}
	if id, err := o.Peer([]*x509.Certificate{cert}, time.Now()); err != nil || id != checkout {
		t.Errorf("the workload: %q, %v", id, err)
	}
	stranger, _, err := authority(t, time.Now).X509SVID(checkout, nil)
	if err != nil {
		t.Fatal(err)
	}
	if id, err := o.Peer([]*x509.Certificate{stranger}, time.Now()); !errors.Is(err, spiffe.ErrRefused) || id != "" {
		t.Errorf("a workload of a stranger of the same name: %q, %v", id, err)
	}
}

func TestBundlesFromEachPlace(t *testing.T) {
	a := authority(t, time.Now)
	document, err := a.Document()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "nc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket, err := spiffetest.NewAgent(a).Listen(filepath.Join(dir, "a"), checkout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(socket.Stop)
	file := filepath.Join(dir, "bundle.json")
	put(t, file, string(document))
	web := newSite(t)
	web.page("/bundle", string(document))
	cert, key, err := a.X509SVID(corp+"/spire/server", nil)
	if err != nil {
		t.Fatal(err)
	}
	spire := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(document) }))
	spire.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}}
	spire.StartTLS()
	t.Cleanup(spire.Close)

	for name, c := range map[string]struct {
		bundle registry.Bundle
		local  trust.Local
	}{
		"a document":                   {bundle: registry.Bundle{Document: document}},
		"an endpoint":                  {bundle: registry.Bundle{URL: web.URL + "/bundle"}},
		"an endpoint with a SPIFFE ID": {bundle: registry.Bundle{URL: spire.URL, EndpointID: corp + "/spire/server", Document: document}},

		"a file":       {local: trust.Local{BundleFile: file}},
		"Workload API": {local: trust.Local{WorkloadAPI: socket.Path()}},

		"Workload API, as the registry says": {bundle: registry.Bundle{WorkloadAPI: true}, local: trust.Local{WorkloadAPI: socket.Path()}},
	} {
		id := narrowcast.MustIssuer(corp)
		h := open(t, trust.Config{Roots: web.roots(), Local: map[narrowcast.Issuer]trust.Local{id: c.local}})
		if err := h.Use([]registry.Issuer{{Issuer: id, Profile: "spiffe", Bundle: c.bundle}}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		speaks(t, h.of(t, corp), a)
		if states := h.States(); len(states) != 1 || !states[0].Usable {
			t.Errorf("%s: %+v", name, states)
		}
	}
}

// One agent supplies two domains; it is let go when neither needs it.
func TestSharedAgent(t *testing.T) {
	a := authority(t, time.Now)
	partner, err := spiffetest.NewAuthority("partner.example", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "nc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket, err := spiffetest.NewAgent(a, partner).Listen(filepath.Join(dir, "a"), checkout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(socket.Stop)
	one, two := narrowcast.MustIssuer(corp), narrowcast.MustIssuer("spiffe://partner.example")
	local := trust.Local{WorkloadAPI: socket.Path()}
	h := open(t, trust.Config{Local: map[narrowcast.Issuer]trust.Local{one: local, two: local}})
	for _, use := range [][]registry.Issuer{{{Issuer: one}, {Issuer: two}}, {{Issuer: one}}, {}, {{Issuer: one}}} {
		if err := h.Use(use); err != nil {
			t.Fatal(err)
		}
		if len(use) > 0 {
			speaks(t, h.of(t, corp), a)
		}
	}
	gone := h.of(t, corp)
	if err := h.Use(nil); err != nil {
		t.Fatal(err)
	}
	wants(t, gone.Keys, "a", trust.ErrUnavailable) // closed: it refuses
}

// The bearer token for the API server goes there and nowhere else.
func TestReviewAndBearer(t *testing.T) {
	api, stranger := newSite(t), newSite(t)
	const review = "/apis/authentication.k8s.io/v1/tokenreviews"
	api.page("/keys", set(t, "a"))
	stranger.page("/keys", set(t, "b"))
	ca, token := api.files(t)
	one, two := narrowcast.MustIssuer(api.URL), narrowcast.MustIssuer(api.URL+"/two")
	h := open(t, trust.Config{Local: map[narrowcast.Issuer]trust.Local{
		one: {TokenReview: api.URL, ReviewCA: ca, TokenFile: token},
		two: {TokenReview: api.URL, CAFile: ca, ReviewCA: ca, TokenFile: token},
	}})
	if err := h.Use([]registry.Issuer{
		{Issuer: one, JWKSURL: api.URL + "/keys", TokenReview: true}, {Issuer: two, JWKSURL: stranger.URL + "/keys"},
	}); err != nil {
		t.Fatal(err)
	}
	wants(t, h.of(t, api.URL).Keys, "a", nil)
	wants(t, h.of(t, api.URL+"/two").Keys, "b", nil)
	if api.came("/keys") != "Bearer bearer-of-ours" || stranger.came("/keys") != "" {
		t.Errorf("the API server got %q, a stranger %q", api.came("/keys"), stranger.came("/keys"))
	}
	if h.of(t, api.URL+"/two").Review != nil {
		t.Error("a review that the registry does not demand")
	}
	answer := func(audience, username string) {
		api.handle(review, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusCreated)
			_ = json.NewEncoder(w).Encode(map[string]any{
				"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1", "status": map[string]any{
					"authenticated": true, "audiences": []string{audience}, "user": map[string]any{"username": username, "uid": "u"},
				},
			})
		})
	}
	const account = "system:serviceaccount:shop:checkout"
	part := base64.RawURLEncoding.EncodeToString
	pod := part([]byte(`{"alg":"ES256","kid":"a"}`)) + "." + part([]byte(`{"sub":"`+account+`"}`)) + "." + part(make([]byte, 64))
	answer(ours, account)
	if err := h.of(t, api.URL).Review(t.Context(), pod); err != nil {
		t.Errorf("a good token: %v", err)
	}
	if err := h.of(t, api.URL).Review(t.Context(), "a.b.c"); err == nil {
		t.Error("what is no token is vouched for")
	}
	for what, said := range map[string][2]string{
		"another audience": {"https://pay.example.test", account}, "another account": {ours, "system:serviceaccount:shop:ledger"},
	} {
		answer(said[0], said[1])
		if err := h.of(t, api.URL).Review(t.Context(), pod); err == nil || errors.Is(err, trust.ErrUnavailable) {
			t.Errorf("a token for %s: %v", what, err)
		}
	}
	api.Close()
	if err := h.of(t, api.URL).Review(t.Context(), pod); !errors.Is(err, trust.ErrUnavailable) {
		t.Errorf("without the API server: %v", err)
	}
}
