package incident

import (
	"slices"
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// ambient are audiences that so many parties accept that they name nobody.
func ambient(audience string) bool {
	return slices.Contains([]string{"account", "api", "default", "*",
		"https://kubernetes.default.svc", "https://kubernetes.default.svc.cluster.local"}, audience)
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
	note(said.Issuer == "", "it names no issuer")
	note(strings.HasPrefix(said.Issuer, "http://"), "its issuer is not an https address")
	note(len(said.Audience) == 0, "it names no audience: every verifier that does not insist accepts it")
	note(len(said.Audience) > 1, "it names several audiences: each of them can show it to the others")
	for _, aud := range said.Audience {
		note(ambient(aud), "the audience "+aud+" is accepted by so many that it names nobody")
	}
	noteLife(said, note)
	note(said.TokenID == "", "it has no jti, so it can only be found by its fingerprint")
	note(!isAccessToken(said.Type), "its type is not at+jwt: another kind of token may be taken for it")
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
