package forge

import "github.com/narrowcast-io/narrowcast"

// claimFaults lack a claim that RFC 9068 requires, or have one of a wrong type.
func claimFaults() []wrong {
	const required, typed = "RFC 9068 §2.2", "RFC 7519 §4.1"
	missing, malformed := narrowcast.ClaimMissing, narrowcast.ClaimMalformed
	return []wrong{
		bad("claim.no-subject", "no subject", missing, required, noClaim("sub")).strict(),
		bad("claim.empty-subject", "the subject is empty", missing, "CVE-2026-23990: empty claims became another identity", claim("sub", `""`)).strict(),
		bad("claim.null-subject", "the subject is null", malformed, typed, claim("sub", "null")).strict(),
		bad("claim.number-subject", "the subject is a number", malformed, typed, claim("sub", "1")).strict(),
		bad("claim.list-subject", "the subject is a list", malformed, typed, claim("sub", `["checkout"]`)).strict(),
		bad("claim.no-client", "no client_id", missing, required, noClaim("client_id")).strict(),
		bad("claim.number-client", "the client_id is a number", malformed, required, claim("client_id", "1")).strict(),
		bad("claim.no-id", "no jti", missing, required, noClaim("jti")).strict(),
		bad("claim.number-id", "the jti is a number", malformed, typed, claim("jti", "1")).strict(),
	}
}
