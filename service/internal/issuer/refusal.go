package issuer

import "github.com/narrowcast-io/narrowcast"

// Ground is why a request was refused. The list is closed: each ground has one
// OAuth error code and one sentence, and nothing else is told to the caller.
type Ground uint8

// The grounds.
const (
	Unavailable         Ground = iota // the book, the press or a verifier could not answer
	Broken                            // a fault of ours
	Unauthenticated                   // the proof of identity is wrong
	ProofMissing                      // there is no proof of identity
	SeveralProofs                     // there is more than one
	Malformed                         // the request cannot be read
	TooLarge                          // the request is longer than the limit
	Repeated                          // a parameter occurs twice
	GrantMissing                      // there is no grant_type
	GrantUnsupported                  // the grant type is not offered
	TargetMissing                     // no resource is named
	TargetMany                        // more than one resource is named
	TargetRefused                     // unknown, disabled, or not for this client: one answer for all
	ScopeMalformed                    // the scope cannot be read
	ScopeRefused                      // the resource does not know it, or the client may not have it
	LifetimeMalformed                 // the lifetime cannot be read
	ProofOfKeyMissing                 // the resource demands tokens that are bound to their sender
	ProofInvalid                      // the proof of possession is wrong
	ProofReplayed                     // the proof of possession was used before
	NonceNeeded                       // the proof of possession needs our nonce
	TokenMissing                      // the grant works with a token of a foreign issuer, and none came
	TokenRefused                      // the token of a foreign issuer is not accepted
	SubjectTokenRefused               // the same, in an exchange: RFC 8693 has another code for it
	TokenTypeRefused                  // a type of token that an exchange does not take or give
	ActorRefused                      // an exchange on behalf of somebody else
	TooMany                           // the quota is used up
	NotAddressed                      // the subject token is a letter to somebody else
	DelegationRefused                 // the client may not act on it: a loop, a limit of the token
	TaskRefused                       // no task that this token can belong to
	DetailsRefused                    // authorization_details that cannot be granted
	LifetimeRefused                   // what the token would be based on ends too soon
)

type groundEntry struct{ code, sentence string }

var grounds = [...]groundEntry{
	Unavailable:       {"temporarily_unavailable", "The service cannot answer now. Try again later."},
	Broken:            {"server_error", "The service failed. The fault is not in the request."},
	Unauthenticated:   {"invalid_client", "Client authentication failed."},
	ProofMissing:      {"invalid_client", "Client authentication is required."},
	SeveralProofs:     {"invalid_request", "Use exactly one way of client authentication."},
	Malformed:         {"invalid_request", "The request cannot be read."},
	TooLarge:          {"invalid_request", "The request is too large."},
	Repeated:          {"invalid_request", "A parameter is repeated."},
	GrantMissing:      {"invalid_request", "Name the grant in the parameter grant_type."},
	GrantUnsupported:  {"unsupported_grant_type", "This grant type is not offered."},
	TargetMissing:     {"invalid_target", "Name one resource in the parameter resource."},
	TargetMany:        {"invalid_target", "A token names exactly one resource. Ask for one."},
	TargetRefused:     {"invalid_target", "No token is issued for this resource."},
	ScopeMalformed:    {"invalid_scope", "The scope cannot be read."},
	ScopeRefused:      {"invalid_scope", "The scope is not granted for this resource."},
	LifetimeMalformed: {"invalid_request", "The lifetime must be a whole number of seconds above zero."},
	ProofOfKeyMissing: {"invalid_request", "This resource demands a token that is bound to its sender, and no proof of a key came."},

	ProofInvalid:        {"invalid_dpop_proof", "The proof of possession is not accepted."},
	ProofReplayed:       {"invalid_dpop_proof", "The proof of possession was used before. Make a new one for each request."},
	NonceNeeded:         {"use_dpop_nonce", "Put the nonce of the DPoP-Nonce header into the proof of possession."},
	TokenMissing:        {"invalid_request", "This grant needs the parameter assertion, or subject_token with subject_token_type."},
	TokenRefused:        {"invalid_grant", "The assertion is not accepted."},
	SubjectTokenRefused: {"invalid_request", "The subject token is not accepted."},
	TokenTypeRefused:    {"invalid_request", "This type of token is not offered."},
	ActorRefused:        {"invalid_request", "An actor token is not taken."},
	NotAddressed:        {"invalid_grant", "The token is not accepted from this client."},
	DelegationRefused:   {"invalid_grant", "The subject token is not accepted from this client."},
	TaskRefused:         {"invalid_request", "The token cannot belong to this task."},
	DetailsRefused:      {"invalid_authorization_details", "The authorization_details are not granted for this resource."},
	LifetimeRefused:     {"invalid_request", "The lifetime asked for cannot be granted."},
	TooMany:             {"temporarily_unavailable", "Too many requests. Try again later."},
}

func (g Ground) entry() groundEntry {
	if int(g) < len(grounds) {
		return grounds[g]
	}
	return grounds[Broken]
}

// Code is the OAuth error code (RFC 6749 section 5.2, RFC 8707 section 2, RFC
// 9396 section 5, RFC 9449 section 5). No standard has one for a quota.
func (g Ground) Code() string { return g.entry().code }

// Sentence is what the caller is told besides the code.
func (g Ground) Sentence() string { return g.entry().sentence }

// Refusal is the error of a request that was refused.
type Refusal struct {
	Ground Ground
	// Detail is for the operator: the event and the log, never the wire.
	Detail string
	// Decision finds the record of the refusal again.
	Decision string
	// Client is who asked, as far as it is known.
	Client narrowcast.ClientID
	// Assertion is why a client assertion was not accepted, when that is it.
	Assertion *narrowcast.Rejection
	// Edge: there is no caller entry for this client at this door.
	Edge bool
}

// Error names the code and the detail. It is for operators.
func (r *Refusal) Error() string {
	if r.Detail == "" {
		return "refused: " + r.Ground.Code()
	}
	return "refused: " + r.Ground.Code() + ": " + r.Detail
}

// Unwrap returns the rejection of the client assertion, if there is one.
func (r *Refusal) Unwrap() error {
	if r.Assertion == nil {
		return nil
	}
	return r.Assertion
}

// later reports whether the request may come again as it is, or nearly so:
// nothing that it brought is used up then.
func (g Ground) later() bool { return g == TooMany || g == NonceNeeded || g == Unavailable }

func (r *Refusal) signed() bool { return r.Assertion != nil && r.Assertion.Genuine }
