package httpapi_test

import (
	"slices"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/httpapi"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
)

func TestTooManyRequests(t *testing.T) {
	h := openWith(t, ours, func(c *issuer.Config) { c.Quota = full{} }, func(*httpapi.Config) {})
	w := h.post(h.form(t).Encode())
	if answer := object(t, w.Body); w.Code != 429 || w.Header().Get("Retry-After") != "1" || answer["error"] != "temporarily_unavailable" {
		t.Errorf("%d %v %v", w.Code, w.Header(), answer)
	}
	if w := h.post("grant_type=client_credentials"); w.Code != 401 {
		t.Errorf("a stranger: %d", w.Code)
	}
}

type full struct{}

func (full) Take(time.Time) bool { return false }

// The metadata says what this configuration does, and no more.
func TestMetadataIsTrue(t *testing.T) {
	const where = "/.well-known/oauth-authorization-server"
	plain := object(t, open(t, ours).get(where).Body)
	for _, name := range []string{"dpop_signing_alg_values_supported", "tls_client_certificate_bound_access_tokens", "mtls_endpoint_aliases"} {
		if plain[name] != nil {
			t.Errorf("a plain issuer says %s: %v", name, plain[name])
		}
	}
	if got := texts(plain["token_endpoint_auth_methods_supported"]); !slices.Equal(got, []string{"private_key_jwt", "client_secret_basic"}) {
		t.Errorf("methods = %v", got)
	}
	if got := texts(plain["grant_types_supported"]); !slices.Equal(got, issuer.Grants()) {
		t.Errorf("grants = %v", got)
	}
	h := openWith(t, ours, func(*issuer.Config) {}, func(c *httpapi.Config) {
		c.MTLSTokenEndpoint = "https://mtls.issuer.example.test/token"
		c.Offers = httpapi.Offers{AuthMethods: []string{"tls_client_auth", "self_signed_tls_client_auth"}, ProofAlgorithms: []string{"ES256", "EdDSA"}, CertificateBound: true}
	})
	m := object(t, h.get(where).Body)
	aliases, _ := m["mtls_endpoint_aliases"].(map[string]any)
	if m["tls_client_certificate_bound_access_tokens"] != true || len(aliases) != 1 || aliases["token_endpoint"] != "https://mtls.issuer.example.test/token" ||
		!slices.Equal(texts(m["dpop_signing_alg_values_supported"]), []string{"ES256", "EdDSA"}) || !slices.Contains(texts(m["token_endpoint_auth_methods_supported"]), "tls_client_auth") {
		t.Errorf("metadata = %v", m)
	}
}

func texts(v any) (all []string) {
	list, _ := v.([]any)
	for _, one := range list {
		all = append(all, one.(string))
	}
	return all
}

func TestFaultsAboutSenders(t *testing.T) {
	h := open(t, ours)
	for name, c := range map[string]struct {
		alias string
		edit  func(*httpapi.Config)
		ok    bool
	}{
		"control":        {alias: "https://mtls.issuer.example.test/token", ok: true},
		"another port":   {alias: "https://issuer.example.test:8443/token", ok: true},
		"no TLS":         {alias: "http://mtls.issuer.example.test/token"},
		"no host":        {alias: "/token"},
		"no path":        {alias: "https://mtls.issuer.example.test"},
		"the root":       {alias: "https://mtls.issuer.example.test/"},
		"a query":        {alias: "https://mtls.issuer.example.test/token?x=1"},
		"a wildcard":     {alias: "https://mtls.issuer.example.test/{x}"},
		"a dot segment":  {alias: "https://mtls.issuer.example.test/a/../token"},
		"white space":    {alias: "https://mtls.issuer.example.test/a b"},
		"a slash at end": {alias: "https://mtls.issuer.example.test/token/"},
		"not said so":    {alias: "https://mtls.issuer.example.test/token", edit: func(c *httpapi.Config) { c.Offers.CertificateBound = false }},
		"nonce for what": {edit: func(c *httpapi.Config) { c.Nonce = func() string { return "n" } }},
	} {
		config := h.config(ours)
		config.MTLSTokenEndpoint, config.Offers.CertificateBound = c.alias, true
		if c.edit != nil {
			c.edit(&config)
		}
		if _, err := httpapi.New(config); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	taken := h.config(ours)
	taken.MTLSTokenEndpoint, taken.Offers.CertificateBound = "https://mtls.issuer.example.test/jwks", true
	api, err := httpapi.New(taken)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := httpapi.Handler(api); err == nil {
		t.Error("the alias took the path of another endpoint")
	}
}
