// Package registry knows the resources, clients, callers and trusted issuers.
// Its source is a directory of YAML files; what it gives out is an immutable
// snapshot.
package registry

import (
	"time"

	"github.com/narrowcast-io/narrowcast"
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
	Binding     []string // dpop, mtls; empty means bearer is allowed
	Callers     []Caller
	Verifiers   []narrowcast.ClientID // who may report for this door
	Aliases     []Alias
	BuiltIn     bool // a door of the issuer itself, see [Snapshot.WithHouse]
	Position    string
}

// BindingRequired reports whether tokens for the resource must be bound to a
// key of the sender.
func (r Resource) BindingRequired() bool { return r.Criticality == High || len(r.Binding) > 0 }

// Caller is a client that may ask for tokens for a resource.
type Caller struct {
	Client   narrowcast.ClientID
	Scopes   narrowcast.Scope
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
)

// Credential is one way in which a client may prove who it is.
type Credential struct {
	Kind     string           // private_key_jwt or client_secret_basic
	Keys     []narrowcast.Key // of private_key_jwt
	Secret   string           // of client_secret_basic: the argon2id hash, never the secret
	Position string
}

// Issuer is a foreign issuer that resources may trust.
type Issuer struct {
	Issuer   narrowcast.Issuer
	Profile  string
	Position string
}
