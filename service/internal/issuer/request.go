package issuer

import (
	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Request is what came to the token endpoint, as it was sent. An empty field is
// an absent parameter.
type Request struct {
	GrantType string
	Resources []string // every value of the parameter resource (RFC 8707 section 2)
	Audiences []string // every value of the parameter audience (RFC 8693 section 2.1)
	Scope     string
	Lifetime  string // seconds; our own parameter
	From      event.Request

	Credentials Credentials
}

// Credentials are what a client showed to prove who it is. They are secrets:
// printing them gives nothing away.
type Credentials struct {
	ClientID      string // parameter client_id
	AssertionType string // parameter client_assertion_type
	Assertion     string // parameter client_assertion
	Secret        string // parameter client_secret, which is not offered
	Basic         *Basic // the Authorization header, when its scheme is Basic
	Header        bool   // there was an Authorization header, of any scheme
	Peer          string // the address they came from; the desk sets it from Request.From
}

// Basic is the user and the password of HTTP Basic authentication, as they
// stood in the header: still form-encoded (RFC 6749 section 2.3.1).
type Basic struct{ User, Password string }

// String hides the credentials.
func (Credentials) String() string { return "credentials" }

// GoString hides the credentials.
func (Credentials) GoString() string { return "credentials" }

// String hides the user and the password.
func (Basic) String() string { return "basic credentials" }

// GoString hides the user and the password.
func (Basic) GoString() string { return "basic credentials" }

// Identity is who asked, and how that is known.
type Identity struct {
	Client narrowcast.ClientID
	Method string // private_key_jwt or client_secret_basic
	// Once are the ids that this proof uses up. They are consumed together with
	// the record of the decision.
	Once []store.Once
	// Assertion are the facts of the assertion, for the record of a replay.
	Assertion narrowcast.Claimed
}

// Answer is a token and what is said with it. It holds a secret: printing it
// gives nothing away.
type Answer struct {
	Token     string
	ExpiresIn int64 // seconds
	Scope     narrowcast.Scope
	Resource  narrowcast.Audience
	Cut       bool // the lifetime asked for was above the ceiling
	ID        narrowcast.TokenID
	Client    narrowcast.ClientID
	Decision  string
}

// String names the answer without the token.
func (a Answer) String() string { return "answer " + string(a.ID) + " for " + a.Resource.String() }

// GoString is String.
func (a Answer) GoString() string { return a.String() }
