// Package registry knows the resources, clients, callers and trusted issuers.
// Its source is a directory of YAML files; what it gives out is an immutable
// snapshot.
package registry

import (
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/federation"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
)

// Criticality of a resource.
type Criticality string

// The criticalities. High demands tokens that are bound to their sender.
const (
	High   Criticality = "high"
	Medium Criticality = "medium"
	Low    Criticality = "low"
)

// Resource is one door.
type Resource struct {
	Audience    narrowcast.Audience
	Name        string
	Owner       string
	Environment string
	Criticality Criticality
	Data        []string
	Tenant      string
	Scopes      narrowcast.Scope
	Disabled    bool
	TTL, MaxTTL time.Duration
	Binding     policy.Binding
	Callers     []Caller
	Verifiers   []narrowcast.ClientID // who may report for this door
	Servers     []narrowcast.ClientID // who are this door: they may exchange and introspect tokens addressed to it
	Delegation  int                   // how often a token for it may have been handed on
	SingleUse   bool                  // its tokens are good for one request
	StatusList  bool                  // its tokens have a place in a status list
	Stale       policy.Stale          // when news of revocations is too old, and what then
	Details     []string              // types of authorization_details (RFC 9396) that it understands, besides policy.RequestDetail
	Aliases     []Alias
	BuiltIn     bool // a door of the issuer itself, see [Snapshot.WithHouse]
	Position    string
}

// Caller is a client that may ask for tokens for a resource.
type Caller struct {
	Client   narrowcast.ClientID
	Scopes   narrowcast.Scope
	MayAct   narrowcast.ClientID // who alone may exchange the tokens that it gets; empty: every server of the resource
	Position string
}

// Alias is another name of a resource that requests may use until a date. It
// is never stamped into a token.
type Alias struct {
	Name     string
	Until    time.Time
	Position string
}

// Kinds of clients.
const (
	Workload = "workload"
	Job      = "job"
	Agent    = "agent"
	Service  = "service"
	Admin    = "admin" // may use the administration door of the issuer
)

// Client is somebody who asks for tokens.
type Client struct {
	ID           narrowcast.ClientID
	Owner        string
	Kind         string // workload, job, agent, service, admin
	Disabled     bool
	Authenticate []Credential
	Position     string
}

// Kinds of credentials.
const (
	PrivateKeyJWT     = "private_key_jwt"
	ClientSecretBasic = "client_secret_basic"
	TLSClientAuth     = "tls_client_auth"             // RFC 8705 section 2.1
	SelfSignedTLS     = "self_signed_tls_client_auth" // RFC 8705 section 2.2
	SPIFFE            = "spiffe"                      // an X.509-SVID or a JWT-SVID
	Federated         = "token"                       // a token of a foreign issuer
)

// Credential is one way in which a client may prove who it is. Kind decides
// which of the other fields is set.
type Credential struct {
	Kind        string
	Keys        []narrowcast.Key // of private_key_jwt
	Secret      string           // of client_secret_basic: the argon2id hash, never the secret
	Certificate CertificateRule  // of tls_client_auth
	Thumbprints []string         // of self_signed_tls_client_auth: x5t#S256 of each certificate
	SPIFFE      string           // of spiffe: the SPIFFE ID
	Rule        federation.Rule  // of token
	Position    string
}

// CertificateRule says which certificate of which authority names a client
// (RFC 8705 section 2.1.2). Exactly one of the names is set.
type CertificateRule struct {
	Authorities [][]byte // the certificates that may vouch, DER
	SubjectDN   string   // to compare with federation.CertificateDN, byte by byte
	DNS         string   // in lower case
	URI         string
	IP          string // as netip.Addr writes it
	Email       string
}

// Issuer is a foreign issuer whose tokens, or certificates, may say who a
// client is.
type Issuer struct {
	Issuer  narrowcast.Issuer // of a trust domain: spiffe://corp.example
	Profile string            // one of the platforms of the room federation

	// Where its keys come from; exactly one is set. Nothing said in the file means
	// Discovery.
	JWKSURL   string           // https, or http on loopback
	Discovery bool             // OpenID discovery below the identifier
	Keys      []narrowcast.Key // a key set among the files of the registry
	Bundle    Bundle           // of a trust domain

	MaxAge      time.Duration // the longest time since iat, or to exp, of a token that is taken; 0: [federation.DefaultMaxAge]
	OneTime     bool          // a token with a jti is taken once
	TokenReview bool          // Kubernetes: the API server is asked as well; the settings say where it is
	Disabled    bool          // nothing of this issuer is taken
	Position    string
}

// Bundle is where the keys of a SPIFFE trust domain come from; exactly one of
// Document, URL and WorkloadAPI is set, but for a Document with an EndpointID.
type Bundle struct {
	Document    []byte // a SPIFFE bundle document among the files of the registry; with EndpointID it vouches for the endpoint at first
	URL         string // a bundle endpoint, https
	EndpointID  string // with it the endpoint is of the profile https_spiffe: the SPIFFE ID that its certificate must have
	WorkloadAPI bool   // the Workload API of the machine supplies it
}

// IsZero reports whether no place is named.
func (b Bundle) IsZero() bool { return len(b.Document) == 0 && b.URL == "" && !b.WorkloadAPI }
