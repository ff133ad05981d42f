// Package narrowcast checks access tokens that have an audience of one.
//
// The laws:
//
//  1. A token names exactly one resource. There is no token without one and no way to ask for two.
//  2. A verifier cannot be made without one audience, at least one issuer and an explicit list of algorithms. Its zero value rejects. No setting turns the audience check off.
//  3. Signature first, claims second: only a genuine token can be called off-target.
//  4. Nothing widens. Exchange narrows resource, scope, time and depth, and only the token's addressee may ask for it.
//  5. What is not recorded did not happen: the record is durable before the token leaves.
//  6. A token dies with its task, and the worst case of its survival is printed when it is minted.
//  7. Absence is not evidence: every answer about the past is yes, no (with coverage) or not established.
//
// A resource server makes one [Verifier] with [NewVerifier] and asks it about
// every request. The answer is a [Token] or a [Rejection] that carries a
// [Reason] from a closed catalogue. The package opens no socket, reads no file
// and asks no clock but the one it is given; package guard puts it in front of
// an http.Handler, package jwks brings it keys.
package narrowcast
