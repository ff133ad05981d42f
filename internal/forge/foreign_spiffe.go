package forge

import (
	"slices"
	"strings"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/profile"
)

const svidClause = "SPIFFE JWT-SVID §3"

// domains is the trust domain corp.example, beside an issuer of another kind.
func domains() []land {
	idp := narrowcast.TrustedIssuer{Issuer: narrowcast.MustIssuer("https://idp.example.test"), Class: narrowcast.DangerouslyUntyped}
	return []land{{
		name: "jwt-svid", typ: "JWT", alg: narrowcast.ES256, title: "a JWT-SVID for us alone",
		options: profile.Options{Issuer: narrowcast.MustIssuer("spiffe://corp.example")}, second: &idp,
		claims: func(w *World) object {
			_, exp := span(w, 5)
			return object{{"sub", `"spiffe://corp.example/ns/shop/sa/checkout"`}, {"aud", list(w.Audience.String())}, {"exp", exp}}
		},
		rights: []foreignRight{
			{"jose", "a JWT-SVID of type JOSE", header("typ", `"JOSE"`)},
			{"no-type", "a JWT-SVID without type", edit(func(l *letter) { l.header.drop("typ") })},
			{"issuer", "a JWT-SVID that names an issuer, which says nothing", claim("iss", `"https://oidc.corp.example"`)},
			{"rs256", "a JWT-SVID signed with RS256", edit(func(l *letter) {
				l.useKey(l.w.Keys.key(narrowcast.RS256))
				l.header.drop("typ")
			})},
		},
		wrongs: slices.Concat(svidTokens(), svidSubjects(), svidKeys()),
	}}
}

// svidTokens are of a wrong form or audience.
func svidTokens() []foreignWrong {
	typ := func(id, title, typ string) foreignWrong {
		return foreignWrong{id, title, narrowcast.TypeMismatch, "SPIFFE JWT-SVID §2.3", header("typ", quoted(typ)), false}
	}
	return []foreignWrong{
		{"other", "the token is for another resource", narrowcast.AudienceMismatch, svidClause, aud(func(_, other string) string { return quoted(other) }), false},
		{"second-audience", "the list holds ours and another", narrowcast.AudienceMultiple, "SPIFFE JWT-SVID §3.2", aud(func(ours, other string) string { return list(ours, other) }), true},
		{"no-audience", "there is no audience", narrowcast.AudienceMissing, "SPIFFE JWT-SVID §3.2", noClaim("aud"), false},
		{"empty-audience", "the list of audiences is empty", narrowcast.AudienceMissing, "SPIFFE JWT-SVID §3.2", claim("aud", "[]"), false},
		{"no-expiry", "there is no expiry", narrowcast.ClaimMissing, "SPIFFE JWT-SVID §3.3", noClaim("exp"), false},
		{"expired", "the token has expired", narrowcast.Expired, "SPIFFE JWT-SVID §3.3", edit(func(l *letter) { l.payload.set("exp", number(l.w.Now.Unix()-60)) }), false},
		{"day", "a token without iat that lives for a day from now", narrowcast.LifetimeExceeded, "RFC 6750 §5.3", edit(func(l *letter) {
			l.payload.set("exp", number(l.w.Now.Unix()+24*3600))
		}), true},
		typ("access-token-type", "the type of an access token", "at+jwt"),
		typ("wit", "the type of a WIT-SVID, which is never a bearer token", "wit+jwt"),
		typ("lower-case-type", "the type in small letters", "jwt"),
		{"header", "a header parameter that a JWT-SVID does not have", narrowcast.Malformed, "SPIFFE JWT-SVID §2", header("shoe_size", "43"), false},
		{"thumbprint-header", "a certificate thumbprint in the header", narrowcast.Malformed, "SPIFFE JWT-SVID §2", header("x5t", `"dGh1bWI"`), false},
		{"ed25519", "signed with Ed25519, which a JWT-SVID does not know", narrowcast.AlgorithmNotAllowed, "SPIFFE JWT-SVID §2.1", edit(func(l *letter) {
			l.useKey(l.w.Keys.key(narrowcast.Ed25519))
			l.header.set("typ", `"JWT"`)
		}), false},
		{"no-kid", "there is no kid", narrowcast.KeyUnknown, "RFC 7515 §4.1.4", edit(func(l *letter) { l.header.drop("kid") }), true},
	}
}

// svidSubjects name no workload of the trust domain.
func svidSubjects() []foreignWrong {
	sub := func(id, title string, reason narrowcast.Reason, value string) foreignWrong {
		return foreignWrong{id, title, reason, "SPIFFE-ID §2", claim("sub", quoted(value)), false}
	}
	unknown := narrowcast.IssuerUnknown
	return []foreignWrong{
		sub("other-domain", "a workload of another trust domain, signed with this one's key", unknown, "spiffe://other.example/ns/shop/sa/checkout"),
		sub("domain-prefix", "a trust domain that begins like ours", unknown, "spiffe://corp.example.evil.example/x"),
		sub("domain-suffix", "a trust domain that ends like ours", unknown, "spiffe://evil-corp.example/x"),
		sub("subdomain", "a trust domain below ours", unknown, "spiffe://shop.corp.example/x"),
		sub("upper-case", "the trust domain in capitals", unknown, "spiffe://CORP.example/x"),
		sub("port", "a port behind the trust domain", unknown, "spiffe://corp.example:443/x"),
		sub("user", "user information before the trust domain", unknown, "spiffe://corp.example@evil.example/x"),
		sub("query", "a query", unknown, "spiffe://corp.example/x?y"),
		sub("dots", "a path with dot segments", unknown, "spiffe://corp.example/a/../b"),
		sub("encoded", "percent-encoding in the path", unknown, "spiffe://corp.example/%70ay"),
		sub("trailing-slash", "a slash at the end", unknown, "spiffe://corp.example/x/"),
		sub("long", "longer than any SPIFFE ID", unknown, "spiffe://corp.example/"+strings.Repeat("x", 2048)),
		sub("https", "the same name as a web address", unknown, "https://corp.example/ns/shop/sa/checkout"),
		sub("no-path", "the trust domain itself, which is no workload", narrowcast.ClaimMalformed, "spiffe://corp.example"),
		{"no-subject", "nobody is named as subject", unknown, "SPIFFE JWT-SVID §3.1", noClaim("sub"), false},
	}
}

// svidKeys mix the trust domain with the issuer beside it.
func svidKeys() []foreignWrong {
	const source = "RFC 8725 §3.8; SPIFFE JWT-SVID §3.1"
	return []foreignWrong{
		{"key-of-issuer", "the key of another trusted issuer, under a kid that both have", narrowcast.IssuerKeyMismatch, source, edit(func(l *letter) {
			l.useKey(l.w.Keys.Second[0])
			l.header.set("typ", `"JWT"`)
		}), false},
		{"issuer-speaks", "another trusted issuer names a workload of the trust domain", narrowcast.IssuerUnknown, source, edit(func(l *letter) {
			l.useKey(l.w.Keys.Second[0])
			l.header.set("typ", `"JWT"`)
			l.payload.set("iss", `"https://idp.example.test"`)
			l.payload.set("iat", number(l.w.Now.Unix()))
		}), true},
		{"domain-speaks", "the trust domain names somebody of the other issuer", narrowcast.IssuerKeyMismatch, source, edit(func(l *letter) {
			l.payload.set("iss", `"https://idp.example.test"`)
			l.payload.set("sub", `"checkout"`)
			l.payload.set("iat", number(l.w.Now.Unix()))
		}), false},
		{"both", "iss is the other issuer, sub and key are the trust domain's", narrowcast.IssuerUnknown, source, claim("iss", `"https://idp.example.test"`), true},
		{"other-domain-in-iss", "iss is another trust domain", narrowcast.IssuerUnknown, source, claim("iss", `"spiffe://other.example"`), true},
	}
}
