package httpapi

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// document is something that may be cached.
type document struct {
	kind string
	body []byte
	tag  string
}

func newDocument(kind string, body []byte) document {
	sum := sha256.Sum256(body)
	return document{kind, body, `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
}

func (d document) serve(w *reply, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("ETag", d.tag)
	h.Set("X-Content-Type-Options", "nosniff")
	if matches(r.Header.Values("If-None-Match"), d.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", d.kind)
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(d.body) // the other end is gone; the log has the status
	}
}

func matches(headers []string, tag string) bool {
	for _, header := range headers {
		for one := range strings.SplitSeq(header, ",") {
			one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
			if one == tag || one == "*" {
				return true
			}
		}
	}
	return false
}

// metadata is the document of RFC 8414 section 2.
type metadata struct {
	Issuer             string   `json:"issuer"`
	TokenEndpoint      string   `json:"token_endpoint"`
	KeySet             string   `json:"jwks_uri"`
	ResponseTypes      []string `json:"response_types_supported"` // required, and there are none
	Grants             []string `json:"grant_types_supported"`
	AuthMethods        []string `json:"token_endpoint_auth_methods_supported"`
	AssertionAlgorithm []string `json:"token_endpoint_auth_signing_alg_values_supported"`

	ProofAlgorithms  []string `json:"dpop_signing_alg_values_supported,omitempty"`          // RFC 9449 section 5.1
	CertificateBound bool     `json:"tls_client_certificate_bound_access_tokens,omitempty"` // RFC 8705 section 3.3
	Aliases          *aliases `json:"mtls_endpoint_aliases,omitempty"`                      // RFC 8705 section 5
	StatusLists      string   `json:"status_list_aggregation_endpoint,omitempty"`           // draft-ietf-oauth-status-list

	asking
}

type aliases struct {
	TokenEndpoint string `json:"token_endpoint"`
}

func (a *API) describe() (document, error) {
	m := metadata{
		Issuer:        a.config.Issuer.String(),
		TokenEndpoint: TokenEndpoint(a.config.Issuer),
		KeySet:        a.base + "/jwks",
		ResponseTypes: []string{},
		Grants:        a.grants(),
		AuthMethods:   append([]string{"private_key_jwt", "client_secret_basic"}, a.config.Offers.AuthMethods...),

		ProofAlgorithms:  a.config.Offers.ProofAlgorithms,
		CertificateBound: a.config.Offers.CertificateBound,
	}
	if a.config.Status != nil {
		m.StatusLists = a.StatusBase()
	}
	if a.config.MTLSTokenEndpoint != "" {
		m.Aliases = &aliases{a.config.MTLSTokenEndpoint}
	}
	for _, alg := range []narrowcast.Algorithm{narrowcast.ES256, narrowcast.ES384, narrowcast.RS256, narrowcast.PS256, narrowcast.Ed25519} {
		m.AssertionAlgorithm = append(m.AssertionAlgorithm, string(alg))
	}
	m.AssertionAlgorithm = append(m.AssertionAlgorithm, "EdDSA") // the older name, RFC 9864
	m.asking = a.asking(m.AuthMethods, m.AssertionAlgorithm)
	body, err := json.Marshal(m)
	return newDocument("application/json", body), err
}

// metadataPaths are the three forms in which clients look for the document:
// RFC 8414 section 3.1 inserts the well-known part before the path of the
// issuer, OpenID Connect Discovery appends it, and some insert that one too.
func (a *API) metadataPaths() []string {
	const oauth, openid = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"
	if a.path == "" {
		return []string{oauth, openid}
	}
	return []string{oauth + a.path, openid + a.path, a.path + openid}
}

// serveMetadata writes the document anew where the registry has a say in it.
func (a *API) serveMetadata(w *reply, r *http.Request) {
	document := a.metadata
	if a.config.Offers.DetailTypes != nil {
		if now, err := a.describe(); err == nil {
			document = now
		}
	}
	document.serve(w, r)
}

// keys serves the JWK Set (RFC 7517 section 8.5.2).
func (a *API) keys(w *reply, r *http.Request) {
	set, err := a.config.KeySet()
	if err != nil {
		w.detail = err.Error()
		w.Header().Set("Retry-After", "1")
		w.fail(http.StatusServiceUnavailable, "temporarily_unavailable", "The service cannot answer now. Try again later.")
		return
	}
	newDocument("application/jwk-set+json", set).serve(w, r)
}
