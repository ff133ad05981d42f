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

	Servers    []narrowcast.ClientID // who are this door: they alone exchange tokens addressed to it
	Delegation int                   // how often a token for this door may have been handed on; 0: it takes none that was
	SingleUse  bool                  // its tokens are good for one request
	StatusList bool                  // its tokens have a place in a status list
	Stale      Stale
	Details    []string // types of authorization_details that it understands, besides [RequestDetail]

	Position string // file:line of the rule, for explanations
}

// Client is somebody who may ask.
type Client struct {
	ID       narrowcast.ClientID
	Disabled bool
	Names    []narrowcast.Subject // what tokens call it, besides its id
	Position string
}

// Grant is one caller entry: this client may ask for this door with these scopes.
type Grant struct {
	Client   narrowcast.ClientID
	Audience narrowcast.Audience
	Scope    narrowcast.Scope
	// MayAct is who alone may exchange the tokens that the client gets; empty:
	// every server of the door.
	MayAct   narrowcast.ClientID
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
	Details  []string         // the types of authorization_details asked for
	// Parent is the token that is exchanged; nil when the client asks in its own
	// name.
	Parent *Parent
	// Actor is whom the new token names as the one who acts: the subject of the
	// client. Empty: its id. It counts only with a Parent.
	Actor narrowcast.Subject
	// Until bounds the life of the token: what it is based on ends then. Zero:
	// nothing does.
	Until time.Time
	// At is the time of the request. It ends aliases; at the zero time no alias
	// resolves.
	At time.Time
}

// Decision is the answer, with all its reasons. The zero Decision refuses.
type Decision struct {
	Allowed bool
	Refusal string // OAuth error code when not allowed: one of those below
	Alias   string // the alias that was asked for, when one was resolved
	Edge    bool   // refused for want of a caller entry: worth an event of its own
	// NotAddressee: the client holds a token that is addressed to somebody else.
	// Somebody lost it, or hands it round.
	NotAddressee bool
	// KeyMissing: refused because no key was proved that the door could bind to.
	KeyMissing bool
	Audience   narrowcast.Audience
	Scope      narrowcast.Scope
	Lifetime   time.Duration
	Cut        bool  // the lifetime asked for was above the ceiling
	Bind       Shown // what the token is to be bound to: one of them, or none

	Actors     []narrowcast.Subject // of an exchange: who acts for the subject, the current one first
	MayAct     narrowcast.Subject   // who alone may act next, when the edge says so
	SingleUse  bool
	StatusList bool
	Stale      Stale // of the door; not cleared by a refusal

	Reasons []Reason
}

// Reason is one step of a decision.
type Reason struct {
	Text     string
	Position string // file:line, when a rule decided
	Refusal  string // the error code of a step that refuses; empty for one that does not
}

// RequestDetail is the type of authorization_details that every door
// understands: one exact request.
const RequestDetail = "urn:narrowcast:request"

// Error codes of refusals (RFC 6749 section 5.2, RFC 8707 section 2, RFC 9396
// section 5).
const (
	InvalidTarget  = "invalid_target"
	InvalidScope   = "invalid_scope"
	InvalidRequest = "invalid_request"
	InvalidGrant   = "invalid_grant"
	InvalidDetails = "invalid_authorization_details"
)
