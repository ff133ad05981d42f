package issuer

import "github.com/narrowcast-io/narrowcast"

// The grants that the desk knows. In the last two a token of a foreign issuer
// says who asks.
const (
	ClientCredentials = "client_credentials"                              // RFC 6749 section 4.4
	JWTBearer         = "urn:ietf:params:oauth:grant-type:jwt-bearer"     // RFC 7523 section 2.1
	TokenExchange     = "urn:ietf:params:oauth:grant-type:token-exchange" // RFC 8693 section 2.1
)

// Grants returns the grants that the desk knows.
func Grants() []string { return []string{ClientCredentials, JWTBearer, TokenExchange} }

// Types of tokens in an exchange (RFC 8693 section 3).
const (
	AccessTokenType = "urn:ietf:params:oauth:token-type:access_token"
	IDTokenType     = "urn:ietf:params:oauth:token-type:id_token"
	JWTType         = "urn:ietf:params:oauth:token-type:jwt"
)

// shaped refuses a request that lacks what its grant works with, before anybody
// looks at who asks. A token that is no parameter of the grant is not looked at
// (RFC 6749 section 3.2: what is not known is ignored).
func (r *Request) shaped() *Refusal {
	switch r.GrantType {
	case JWTBearer:
		if r.Credentials.Token == "" {
			return &Refusal{Ground: TokenMissing, Detail: "the parameter assertion is missing"}
		}
	case TokenExchange:
		return r.exchangeShaped()
	default:
		r.Credentials.Token = ""
	}
	return nil
}

// exchangeShaped goes through the parameters of RFC 8693 section 2.1. Details
// name no value: a token may stand in the wrong field.
func (r *Request) exchangeShaped() *Refusal {
	switch {
	case r.Credentials.Token == "":
		return &Refusal{Ground: TokenMissing, Detail: "the parameter subject_token is missing"}
	case r.SubjectTokenType == "":
		return &Refusal{Ground: TokenMissing, Detail: "the parameter subject_token_type is missing"}
	case r.SubjectTokenType != JWTType && r.SubjectTokenType != IDTokenType && r.SubjectTokenType != AccessTokenType:
		return &Refusal{Ground: TokenTypeRefused, Detail: "subject_token_type is none of jwt, id_token and access_token"}
	case r.ActorToken != "":
		return &Refusal{Ground: ActorRefused, Detail: "there is an actor_token; the client that authenticated is the actor"}
	case r.ActorTokenType != "":
		return &Refusal{Ground: ActorRefused, Detail: "there is an actor_token_type without an actor_token"}
	case r.RequestedTokenType != "" && r.RequestedTokenType != AccessTokenType && r.RequestedTokenType != TransactionTokenType:
		return &Refusal{Ground: TokenTypeRefused, Detail: "requested_token_type is neither access_token nor txn_token"}
	}
	return nil
}

// foreign reports whether a token of a foreign issuer says who asks.
func (v *visit) foreign() bool {
	return v.request.GrantType == JWTBearer || v.request.GrantType == TokenExchange && !v.own
}

// vouched refuses unless the very token of the request was found to speak for
// the client. An authenticator that overlooks a token must not make a grant of
// it.
func (v *visit) vouched() *Refusal {
	token := v.request.Credentials.Token
	if !v.foreign() || token != "" && v.who.Assertion.Fingerprint == narrowcast.FingerprintOf(token) {
		return nil
	}
	return v.unaccepted("nobody vouched for the token")
}

// current refuses a proof of identity that ends now: authentication allows for
// clocks that differ, and a token is never based on what is over.
func (v *visit) current() *Refusal {
	if until := v.who.Until; !until.IsZero() && until.Sub(v.at) < minLife {
		return v.unaccepted("the proof of identity ended")
	}
	return nil
}

// unaccepted is the refusal of this visit's proof of identity. Beside a letter of
// our own the client proves itself as everywhere.
func (v *visit) unaccepted(detail string) *Refusal {
	if v.own {
		return &Refusal{Ground: Unauthenticated, Detail: detail}
	}
	return v.request.unaccepted(detail)
}

// unaccepted is the refusal of a proof of identity, under the code that its
// grant has for it (RFC 7523 section 3.1, RFC 8693 section 2.2.2).
func (r *Request) unaccepted(detail string) *Refusal {
	ground := Unauthenticated
	switch r.GrantType {
	case JWTBearer:
		ground = TokenRefused
	case TokenExchange:
		ground = SubjectTokenRefused
	}
	return &Refusal{Ground: ground, Detail: detail}
}

// inTermsOf gives the refusal of a foreign token the code that the grant has for
// it. The authenticator does not know the grant.
func (r *Refusal) inTermsOf(request *Request) *Refusal {
	if r.Ground == TokenRefused {
		r.Ground = request.unaccepted("").Ground
	}
	return r
}
