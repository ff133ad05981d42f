// Package policy decides who may ask for which door. It is pure: rules in,
// decision with reasons out. Nothing in it widens.
package policy

import (
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// Door is what policy knows of a resource.
type Door struct {
	Audience narrowcast.Audience
	Disabled bool
	Scopes   narrowcast.Scope // every scope the resource knows
	TTL      time.Duration    // the life of a token when the request does not say
	MaxTTL   time.Duration    // the ceiling
	Binding  Binding
	Position string // file:line of the rule, for explanations
}

// Grant is one caller entry: this client may ask for this door with these scopes.
type Grant struct {
	Client   narrowcast.ClientID
	Audience narrowcast.Audience
	Scope    narrowcast.Scope
	Position string
}

// Alias is another name of a door that requests may use until a date. It is
// never stamped into a token.
type Alias struct {
	Name     string
	Audience narrowcast.Audience
	Until    time.Time // required; the alias ends at this instant
	Position string
}

// Request is what a client asks for.
type Request struct {
	Client   narrowcast.ClientID
	Resource string           // as it was sent; aliases and the root slash are resolved here
	Scope    narrowcast.Scope // empty: everything granted
	Lifetime time.Duration    // 0: the door's TTL
	Shown    Shown            // the keys that the client proved
	// Until bounds the life of the token: what it is based on ends then. Zero:
	// nothing does.
	Until time.Time
	// At is the time of the request. It ends aliases; at the zero time no alias
	// resolves.
	At time.Time
}

// Decision is the answer, with all its reasons. The zero Decision refuses.
type Decision struct {
	Allowed  bool
	Refusal  string // OAuth error code when not allowed: invalid_target, invalid_scope, invalid_request
	Alias    string // the alias that was asked for, when one was resolved
	Edge     bool   // refused for want of a caller entry: worth an event of its own
	Audience narrowcast.Audience
	Scope    narrowcast.Scope
	Lifetime time.Duration
	Cut      bool  // the lifetime asked for was above the ceiling
	Bind     Shown // what the token is to be bound to: one of them, or none
	Reasons  []Reason
}

// Reason is one step of a decision.
type Reason struct {
	Text     string
	Position string // file:line, when a rule decided
	Refusal  string // the error code of a step that refuses; empty for one that does not
}

// Error codes of refusals (RFC 6749 section 5.2, RFC 8707 section 2).
const (
	InvalidTarget  = "invalid_target"
	InvalidScope   = "invalid_scope"
	InvalidRequest = "invalid_request"
)
