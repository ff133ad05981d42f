package profile

import (
	"slices"

	"github.com/narrowcast-io/narrowcast"
)

// Profiles of standards rather than products.
const (
	// RFC9068 is an issuer of access tokens as in RFC 9068, such as Narrowcast: one
	// audience, typ at+jwt. It takes no option of its own.
	RFC9068 = "rfc9068"
	// JWTSVID is a SPIFFE trust domain: Issuer is spiffe://DOMAIN, the keys are
	// those of its bundle with use jwt-svid (JWT-SVID sections 2 to 4). It takes no
	// option of its own. The second audience that the specification allows is
	// refused here (section 3.2 recommends one).
	JWTSVID = "jwt-svid"
	// OIDC is any issuer whose access tokens are JWTs without a type of their own
	// and name the resource in aud (OpenID Connect Core section 2 has the claims).
	// Its own identifier is no audience. An ID token that names the resource is
	// accepted too, unless Require has a claim that tells the two apart. Options:
	// Companions, Ambient, ScopeClaims, TenantClaim, ClientClaim.
	OIDC = "oidc"
)

func rfc9068(*Options, *narrowcast.TrustedIssuer) []error { return nil }

func jwtSVID(o *Options, ti *narrowcast.TrustedIssuer) []error {
	ti.Class = narrowcast.JWTSVID
	ti.Dialect.OwnWords = true
	if o.Issuer.IsZero() {
		return nil
	}
	if _, err := narrowcast.ParseTrustDomain(o.Issuer.String()); err != nil {
		return []error{err}
	}
	return nil
}

func oidc(o *Options, ti *narrowcast.TrustedIssuer) []error {
	ti.Class = narrowcast.DangerouslyUntyped
	d := &ti.Dialect
	d.IssuerIsAmbient = true
	d.Companions, d.Ambient = slices.Clone(o.Companions), slices.Clone(o.Ambient)
	d.ScopeClaims = slices.Clone(o.ScopeClaims)
	d.TenantClaim, d.ClientClaim = o.TenantClaim, o.ClientClaim
	d.Require = present("sub")
	return nil
}
