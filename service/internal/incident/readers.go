package incident

import "github.com/narrowcast-io/narrowcast"

// readersOf lists the ways in which a token can be meant. The issuer of a
// JWT-SVID is the trust domain of its subject, whatever it says beside (JWT-SVID
// section 3); an access token has a type of its own, so that a SPIFFE ID is a
// subject like any other there.
func readersOf(said narrowcast.Claimed) (all []narrowcast.TrustedIssuer) {
	if domain, svid := domainOf(said); svid {
		return []narrowcast.TrustedIssuer{{Issuer: domain, Class: narrowcast.JWTSVID}}
	}
	issuer, err := narrowcast.ParseIssuer(said.Issuer)
	if err != nil {
		return nil
	}
	classes := []narrowcast.Class{narrowcast.DangerouslyUntyped, narrowcast.ClientAssertion}
	if isAccessToken(said.Type) {
		classes = []narrowcast.Class{narrowcast.AccessToken}
	}
	for _, class := range classes {
		all = append(all, narrowcast.TrustedIssuer{Issuer: issuer, Class: class})
	}
	return all
}

// domainOf returns the trust domain that a JWT-SVID is of.
func domainOf(said narrowcast.Claimed) (domain narrowcast.Issuer, svid bool) {
	if isAccessToken(said.Type) {
		return narrowcast.Issuer{}, false
	}
	id, err := narrowcast.ParseSPIFFEID(said.Subject)
	if err != nil {
		id, err = narrowcast.ParseTrustDomain(said.Issuer)
	}
	assertion := said.Issuer == said.Subject && id.Path() != "" // of who a client is (RFC 7523 section 3)
	if err != nil || assertion {
		return narrowcast.Issuer{}, false
	}
	return id.Issuer(), true
}
