package guard

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

const wellKnown = "/.well-known/oauth-protected-resource"

// document is the protected resource metadata of RFC 9728 section 2. Its
// resource is the audience of the verifier, so what clients ask for and what the
// door expects cannot drift apart.
type document struct {
	Resource             narrowcast.Audience `json:"resource"`
	AuthorizationServers []string            `json:"authorization_servers,omitempty"`
	ScopesSupported      []string            `json:"scopes_supported,omitempty"`
	BearerMethods        []string            `json:"bearer_methods_supported"`
	DPoPAlgorithms       []string            `json:"dpop_signing_alg_values_supported,omitempty"`
	DPoPRequired         bool                `json:"dpop_bound_access_tokens_required,omitempty"`
	CertificateBound     bool                `json:"tls_client_certificate_bound_access_tokens,omitempty"`
}

func (c *Config) document() document {
	servers := c.AuthorizationServers
	if servers == nil {
		servers = slices.DeleteFunc(c.Verifier.Issuers(), func(i narrowcast.Issuer) bool { return !isWeb(i.String()) })
	}
	d := document{
		Resource: c.Verifier.Audience(), BearerMethods: []string{"header"},
		DPoPAlgorithms: c.DPoP.Checker.Algorithms(), CertificateBound: c.Certificates.come(),
	}
	d.DPoPRequired = d.DPoPAlgorithms != nil && c.sender() == SenderRequired && !d.CertificateBound
	for _, server := range servers {
		d.AuthorizationServers = append(d.AuthorizationServers, server.String())
	}
	d.ScopesSupported = slices.Collect(c.ScopesSupported.Tokens())
	return d
}

func (c *Config) metadataURL() string {
	if c.MetadataURL != "" {
		return c.MetadataURL
	}
	audience := c.Verifier.Audience().String()
	if !isWeb(audience) {
		return ""
	}
	scheme, rest, _ := strings.Cut(audience, "://")
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host + metadataPath(audience)
}

// metadataPath inserts the well-known path between host and path (RFC 9728
// section 3.1).
func metadataPath(audience string) string {
	u, err := url.Parse(audience)
	if err != nil || !isWeb(audience) {
		return wellKnown
	}
	return wellKnown + u.EscapedPath()
}

func isWeb(s string) bool {
	return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")
}

// MetadataPath is where Metadata is to be mounted: the well-known path with the
// path of the audience after it.
func (g *Guard) MetadataPath() string { return metadataPath(g.metadata.Resource.String()) }

// Metadata serves the protected resource metadata (RFC 9728 section 3.2). It
// asks for no token.
func (g *Guard) Metadata() http.Handler {
	body, err := json.Marshal(g.metadata)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case err != nil || g.metadata.Resource.IsZero():
			http.NotFound(w, r)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "use GET", http.StatusMethodNotAllowed)
		default:
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Cache-Control", "max-age=300")
			_, _ = w.Write(body)
		}
	})
}
