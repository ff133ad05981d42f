package incident

import (
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// ambient reports audiences that so many parties accept that they name nobody:
// those that widespread issuers give to everybody (docs/issuers.md).
func ambient(said narrowcast.Claimed, audience string) bool {
	issuer := strings.TrimSuffix(said.Issuer, "/")
	switch audience = strings.TrimSuffix(audience, "/"); audience {
	case "account", "api", "default", "*", "api://default",
		"https://kubernetes.default", "https://kubernetes.default.svc", "https://kubernetes.default.svc.cluster.local":
		return true
	case issuer, issuer + "/userinfo", issuer + "/api/v2":
		return issuer != "" && !isAccessToken(said.Type) // an issuer of access tokens can have doors of its own
	}
	return ownerOfJobs(audience)
}

// ownerOfJobs reports whether an audience is the address of an account, which is
// what every job there gets unless it asks for another.
func ownerOfJobs(audience string) bool {
	account, found := strings.CutPrefix(audience, "https://github.com/")
	return found && account != "" && !strings.Contains(account, "/")
}

// oddities are what a careful reader would frown at, worst first.
func oddities(said narrowcast.Claimed) []string {
	odd := []string{}
	note := func(when bool, what string) {
		if when {
			odd = append(odd, what)
		}
	}
	noteAlgorithm(said.Algorithm, note)
	_, svid := domainOf(said) // who speaks for it stands in sub, and so it is told apart
	note(said.Issuer == "" && !svid, "it names no issuer")
	note(strings.HasPrefix(said.Issuer, "http://"), "its issuer is not an https address")
	note(len(said.Audience) == 0, "it names no audience: every verifier that does not insist accepts it")
	note(len(said.Audience) > 1, "it names several audiences: each of them can show it to the others")
	for _, aud := range said.Audience {
		note(ambient(said, aud), "the audience "+word(aud)+" is accepted by so many that it names nobody")
	}
	noteLife(said, note)
	note(said.TokenID == "", "it has no jti, so it can only be found by its fingerprint")
	note(!isAccessToken(said.Type) && !svid, "its type is not at+jwt: another kind of token may be taken for it")
	note(!said.Bound, "it is a bearer token: whoever holds it can use it")
	return odd
}

func noteAlgorithm(alg string, note func(when bool, what string)) {
	note(strings.EqualFold(alg, "none") || alg == "", "it is not signed")
	note(len(alg) == 5 && strings.HasPrefix(alg, "HS"), "it is signed with a shared secret: whoever can check it can also make it")
}

func noteLife(said narrowcast.Claimed, note func(when bool, what string)) {
	bounded := !said.Expires.IsZero() && !said.IssuedAt.IsZero()
	life := said.Expires.Sub(said.IssuedAt)
	note(said.Expires.IsZero(), "it has no expiry")
	note(said.IssuedAt.IsZero(), "it does not say when it was issued")
	note(bounded && life <= 0, "it ends before it begins")
	note(bounded && life > narrowcast.DefaultMaxLifetime, "it lives for "+life.String())
}

// isAccessToken reports whether a type is that of RFC 9068 section 2.1.
func isAccessToken(typ string) bool {
	return strings.TrimPrefix(strings.ToLower(typ), "application/") == "at+jwt"
}
