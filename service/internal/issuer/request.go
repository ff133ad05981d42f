package issuer

import (
	"crypto/x509"
	"time"

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

	// SubjectTokenType, ActorToken, ActorTokenType and RequestedTokenType are
	// parameters of an exchange (RFC 8693 section 2.1). The subject token itself
	// is Credentials.Token.
	SubjectTokenType   string
	ActorToken         string
	ActorTokenType     string
	RequestedTokenType string

	// Task is the task that the token shall belong to; our own parameter.
	Task string
	// Details is the parameter authorization_details (RFC 9396 section 2).
	Details string

	// DraftRequestDetails and DraftRequestContext are the parameters
	// request_details and request_context of a request for a transaction token.
	DraftRequestDetails, DraftRequestContext string

	// Proofs are the values of all DPoP headers (RFC 9449 section 4.1).
	Proofs []string

	Credentials Credentials
}

// String hides the request: the actor token and the proofs are secrets, and any
// other field may hold one by mistake.
func (Request) String() string { return "request" }

// GoString hides the request.
func (Request) GoString() string { return "request" }

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

	// Token is a token of a foreign issuer that says who asks: the assertion of a
	// jwt-bearer grant (RFC 7523 section 2.1) or the subject token of an exchange
	// (RFC 8693 section 2.1). Another proof beside it must name the same client. A
	// subject token of our own says nothing about who asks: an Authenticator does
	// not get to see it.
	Token string
	// Certificates is the chain of the connection, the client's own first. It is
	// what was shown; nobody has verified it.
	Certificates []*x509.Certificate
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
	// Subject is who the token will speak of: the SPIFFE ID of a workload, or the
	// client itself when it is empty.
	Subject narrowcast.Subject
	Method  string // how it was proved: a kind of registry.Credential
	// Until is when the proof ends; zero when it does not.
	Until time.Time
	// Once are the ids that this proof uses up. They are consumed together with
	// the record of the decision.
	Once []store.Once
	// Assertion are the facts of the assertion, for the record: of
	// Credentials.Token when there is one, otherwise of the client assertion. A
	// grant that works with a token is refused when they are not that token's.
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
	// Type is Bearer, DPoP (RFC 9449 section 5), or N_A for what is no access token.
	Type string
	// IssuedType is the type of what was issued in an exchange (RFC 8693 section
	// 2.2.1), empty otherwise.
	IssuedType string
	// Exchanged: the request was an exchange.
	Exchanged bool
	// Details are the authorization_details that the token holds (RFC 9396 section
	// 7), a JSON array, or empty.
	Details string
	// Survival is how long the token may outlive its death.
	Survival Survival
}

// String names the answer without the token.
func (a Answer) String() string { return "answer " + string(a.ID) + " for " + a.Resource.String() }

// GoString is String.
func (a Answer) GoString() string { return a.String() }
