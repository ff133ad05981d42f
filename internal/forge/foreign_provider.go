package forge

import (
	"slices"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/profile"
)

const (
	ambientClause = "product documents of the issuer; RFC 9700 §2.3"
	tidNorth      = "11111111-2222-3333-4444-555555555555"
	tidSouth      = "66666666-7777-8888-9999-aaaaaaaaaaaa"
	appClient     = "0d5b3c2e-7c1b-4f38-9a51-2f6a0c7d9e10"
	person        = "4c1f2a7e-9b0d-4b6a-8a3e-5d7c6f8e9a01"
)

func providers() []land {
	return []land{keycloak(), keycloakWithAccount(), entra(), entraV1(), auth0(), okta(), cognito(), google()}
}

func keycloak() land {
	const realm = "https://keycloak.example.test/realms/acme"
	return land{
		name: "keycloak", options: profile.Options{Issuer: narrowcast.MustIssuer(realm)}, typ: "JWT", required: "charge",
		title: "an access token of a Keycloak realm",
		claims: func(w *World) object {
			iat, exp := span(w, 5)
			return object{
				{"exp", exp}, {"iat", iat}, {"jti", quoted("trrtcc:5f1f0d6e")}, {"iss", quoted(realm)}, {"aud", quoted(w.Audience.String())},
				{"sub", quoted(person)}, {"typ", `"Bearer"`}, {"azp", `"checkout"`}, {"acr", `"1"`},
				{"realm_access", `{"roles":["offline_access"]}`}, {"scope", `"charge refund"`},
			}
		},
		rights: []foreignRight{{"at-jwt", "a Keycloak token whose client asks for the type of RFC 9068", header("typ", `"at+jwt"`)}},
		wrongs: append(usual(),
			foreignWrong{"account-alone", "the audience is account, which every user token has", narrowcast.AmbientAudience, ambientClause, audOnly("account"), false},
			foreignWrong{"account-list", "the list holds account alone", narrowcast.AmbientAudience, ambientClause, edit(func(l *letter) { l.payload.set("aud", `["account"]`) }), false},
			foreignWrong{"realm", "the audience is the realm, as in a refresh token", narrowcast.AmbientAudience, ambientClause, audOnly(realm), false},
			foreignWrong{"account-beside", "the list holds ours and account, which nobody allowed", narrowcast.AudienceMultiple, "RFC 9700 §2.3", audWith("account"), true},
			foreignWrong{"account-and-other", "the list holds account and another resource", narrowcast.AudienceMismatch, "RFC 7519 §4.1.3", audOnly("account", "https://crm.example.test"), false},
			foreignWrong{"id-token", "an ID token that names us", narrowcast.ClaimMismatch, "RFC 8725 §3.12", claim("typ", `"ID"`), false},
			foreignWrong{"logout-token", "a logout token that names us", narrowcast.ClaimMismatch, "OpenID Connect Back-Channel Logout §2.4", claim("typ", `"Logout"`), false},
			foreignWrong{"no-claim-typ", "nothing says that it is an access token", narrowcast.ClaimMissing, "RFC 8725 §3.12", noClaim("typ"), false},
			foreignWrong{"typ-list", "the claim typ is a list with the right value inside", narrowcast.ClaimMismatch, "RFC 8725 §3.12", claim("typ", `["Bearer"]`), false},
			foreignWrong{"no-client", "no client is named", narrowcast.ClaimMissing, ambientClause, noClaim("azp"), true},
			foreignWrong{"scope-in-roles", "the scope stands in the roles of the realm only", narrowcast.InsufficientScope, "RFC 6749 §3.3", edit(func(l *letter) {
				l.payload.drop("scope")
				l.payload.set("realm_access", `{"roles":["charge"]}`)
			}), false},
			foreignWrong{"other-realm", "the token is of another realm", narrowcast.IssuerUnknown, "RFC 8414 §3.3", claim("iss", quoted("https://keycloak.example.test/realms/other")), false},
			foreignWrong{"spiffe-subject", "the subject is a SPIFFE ID, which only its trust domain can name", narrowcast.IssuerUnknown, "SPIFFE-ID §2.1", claim("sub", `"spiffe://corp.example/pay"`), true},
		),
	}
}

// keycloakWithAccount is a realm whose operator tolerates account beside ours.
func keycloakWithAccount() land {
	l := keycloak()
	l.name, l.profile, l.title, l.rights = "keycloak-account", "keycloak", "a Keycloak token beside whose audience account is tolerated", nil
	l.options.Companions = []narrowcast.Audience{narrowcast.MustAudience("account")}
	base := l.claims
	l.claims = func(w *World) object {
		o := base(w)
		o.set("aud", list(w.Audience.String(), "account"))
		return o
	}
	l.wrongs = []foreignWrong{
		{"alone", "the companion stands alone", narrowcast.AmbientAudience, ambientClause, audOnly("account"), false},
		{"with-other", "the companion stands beside another resource", narrowcast.AudienceMismatch, "RFC 7519 §4.1.3", audOnly("account", "https://crm.example.test"), false},
		{"third", "ours, the companion and another resource", narrowcast.AudienceMultiple, "RFC 9700 §2.3", audWith("account", "https://crm.example.test"), true},
		{"prefix", "ours and something that begins like the companion", narrowcast.AudienceMultiple, "RFC 7519 §4.1.3", audWith("account-console"), true},
		{"ours-twice", "ours twice and the companion", narrowcast.AudienceMultiple, "RFC 7519 §4.1.3", edit(func(l *letter) {
			ours := l.w.Audience.String()
			l.payload.set("aud", list(ours, "account", ours))
		}), true},
	}
	return l
}

func entra() land {
	const host = "https://login.entra.example.test/"
	return land{
		name: "entra", typ: "JWT", tenant: "north", required: "charge",
		options: profile.Options{Issuer: narrowcast.MustIssuer(host + tidNorth + "/v2.0"), TenantID: tidNorth, Tenant: "north"},
		title:   "an access token of Entra, version 2",
		claims: func(w *World) object {
			iat, exp := span(w, 60)
			return object{
				{"aud", quoted(w.Audience.String())}, {"iss", quoted(host + tidNorth + "/v2.0")}, {"iat", iat}, {"nbf", iat}, {"exp", exp},
				{"azp", quoted(appClient)}, {"azpacr", `"2"`}, {"oid", quoted(person)}, {"sub", quoted(person)},
				{"tid", quoted(tidNorth)}, {"uti", `"AbCdEf"`}, {"ver", `"2.0"`}, {"scp", `"charge refund"`},
			}
		},
		wrongs: append(usual(),
			foreignWrong{"other-directory", "tid names another directory", narrowcast.TenantMismatch, "RFC 8725 §3.8", claim("tid", quoted(tidSouth)), false},
			foreignWrong{"no-directory", "there is no tid", narrowcast.ClaimMissing, "RFC 8725 §3.8", noClaim("tid"), false},
			foreignWrong{"empty-directory", "tid is empty", narrowcast.TenantMismatch, "RFC 8725 §3.8", claim("tid", `""`), false},
			foreignWrong{"directory-list", "tid is a list with ours inside", narrowcast.ClaimMalformed, "RFC 7519 §4.1", claim("tid", `["`+tidNorth+`"]`), false},
			foreignWrong{"our-name", "tid says what we call the directory", narrowcast.TenantMismatch, "RFC 8725 §3.8", claim("tid", `"north"`), false},
			foreignWrong{"other-issuer", "the issuer is that of another directory", narrowcast.IssuerUnknown, "RFC 8414 §3.3", claim("iss", quoted(host+tidSouth+"/v2.0")), false},
			foreignWrong{"common", "the issuer is the address common to all directories", narrowcast.IssuerUnknown, "RFC 8414 §3.3", claim("iss", quoted(host+"common/v2.0")), false},
			foreignWrong{"version-1", "the token is of version 1", narrowcast.ClaimMismatch, "RFC 8725 §3.12", claim("ver", `"1.0"`), false},
			foreignWrong{"id-token", "an ID token: nobody is named as client", narrowcast.ClaimMissing, "RFC 8725 §2.8", noClaim("azp"), false},
			foreignWrong{"scope-claim", "the scope stands in scope, which Entra does not write", narrowcast.InsufficientScope, "RFC 6749 §3.3", edit(func(l *letter) {
				l.payload.set("scope", l.payload.get("scp"))
				l.payload.drop("scp")
			}), false},
			foreignWrong{"roles-unasked", "the scope stands in roles, which nobody asked for", narrowcast.InsufficientScope, "RFC 6749 §3.3", edit(func(l *letter) {
				l.payload.drop("scp")
				l.payload.set("roles", `["charge"]`)
			}), false},
			foreignWrong{"no-type", "there is no typ", narrowcast.TypeMismatch, "RFC 8725 §3.11", edit(func(l *letter) { l.header.drop("typ") }), true},
		),
	}
}

func entraV1() land {
	const issuer = "https://sts.entra.example.test/" + tidNorth + "/"
	l := entra()
	l.name, l.profile, l.title, l.tenant = "entra-v1", "entra", "an access token of Entra, version 1, with roles", ""
	l.options = profile.Options{Issuer: narrowcast.MustIssuer(issuer), TenantID: tidNorth, ScopeClaims: []string{"scp", "roles"}}
	base := l.claims
	l.claims = func(w *World) object {
		o := base(w)
		o.set("iss", quoted(issuer))
		o.set("ver", `"1.0"`)
		o.set("appid", o.get("azp"))
		o.drop("azp")
		o.drop("scp")
		o.set("roles", `["charge","refund"]`)
		return o
	}
	l.wrongs = []foreignWrong{
		{"other-directory", "tid names another directory", narrowcast.TenantMismatch, "RFC 8725 §3.8", claim("tid", quoted(tidSouth)), false},
		{"version-2", "the token is of version 2", narrowcast.ClaimMismatch, "RFC 8725 §3.12", claim("ver", `"2.0"`), false},
		{"azp-instead", "the client stands in azp, as in version 2", narrowcast.ClaimMissing, "RFC 8725 §3.12", rename("appid", "azp"), false},
		{"roles-string", "roles is a string that only contains the scope", narrowcast.InsufficientScope, "RFC 6749 §3.3", claim("roles", `"charge-all"`), false},
		{"roles-space", "a role has a space inside", narrowcast.ClaimMalformed, "RFC 6749 §3.3", claim("roles", `["charge refund"]`), true},
	}
	return l
}

func auth0() land {
	const issuer = "https://acme.auth0.example.test/"
	return land{
		name: "auth0", options: profile.Options{Issuer: narrowcast.MustIssuer(issuer)}, typ: "JWT", required: "charge",
		title: "an access token of Auth0 with the user information endpoint beside the audience",
		claims: func(w *World) object {
			iat, exp := span(w, 60)
			return object{
				{"iss", quoted(issuer)}, {"sub", `"auth0|507f1f77bcf8"`}, {"aud", list(w.Audience.String(), issuer+"userinfo")},
				{"iat", iat}, {"exp", exp}, {"azp", `"my_client_id"`}, {"scope", `"openid charge"`}, {"permissions", `["refund"]`},
			}
		},
		rights: []foreignRight{
			{"alone", "an access token of Auth0 for our audience alone", edit(func(l *letter) { l.payload.set("aud", quoted(l.w.Audience.String())) })},
			{"userinfo-first", "an access token of Auth0 with the user information endpoint first", edit(func(l *letter) {
				l.payload.set("aud", list(issuer+"userinfo", l.w.Audience.String()))
			})},
		},
		wrongs: append(usual(),
			foreignWrong{"userinfo-alone", "the only audience is the user information endpoint", narrowcast.AmbientAudience, ambientClause, audOnly(issuer + "userinfo"), false},
			foreignWrong{"userinfo-and-other", "the user information endpoint beside another resource", narrowcast.AudienceMismatch, "RFC 7519 §4.1.3", audOnly("https://crm.example.test", issuer+"userinfo"), false},
			foreignWrong{"three", "ours, the user information endpoint and another resource", narrowcast.AudienceMultiple, "RFC 9700 §2.3", audWith(issuer+"userinfo", "https://crm.example.test"), true},
			foreignWrong{"other-userinfo", "the user information endpoint of another tenant beside ours", narrowcast.AudienceMultiple, "RFC 9700 §2.3", audWith("https://other.auth0.example.test/userinfo"), true},
			foreignWrong{"management", "the Management API beside ours", narrowcast.AudienceMultiple, "RFC 9700 §2.3", audWith(issuer + "api/v2/"), true},
			foreignWrong{"management-alone", "the only audience is the Management API", narrowcast.AmbientAudience, ambientClause, audOnly(issuer + "api/v2/"), false},
			foreignWrong{"no-client", "nobody is named as client", narrowcast.ClaimMissing, ambientClause, noClaim("azp"), true},
			foreignWrong{"permissions-unasked", "the scope stands in permissions, which nobody asked for", narrowcast.InsufficientScope, "RFC 6749 §3.3", edit(func(l *letter) {
				l.payload.set("scope", `"openid"`)
				l.payload.set("permissions", `["charge"]`)
			}), false},
		),
	}
}

func okta() land {
	const issuer = "https://acme.okta.example.test/oauth2/aus1pay"
	return land{
		name: "okta", options: profile.Options{Issuer: narrowcast.MustIssuer(issuer)}, required: "charge",
		title: "an access token of an Okta authorization server",
		claims: func(w *World) object {
			iat, exp := span(w, 60)
			return object{
				{"ver", "1"}, {"jti", `"AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE"`}, {"iss", quoted(issuer)},
				{"aud", quoted(w.Audience.String())}, {"sub", `"checkout@acme.example"`}, {"iat", iat}, {"exp", exp},
				{"cid", `"0oabv6kx4qq6"`}, {"uid", `"00ujmkLgagxeRrAg20g3"`}, {"scp", `["charge","refund"]`},
			}
		},
		wrongs: append(usual(),
			foreignWrong{"default-audience", "the audience is the default that every organization has", narrowcast.AmbientAudience, ambientClause, audOnly("api://default"), false},
			foreignWrong{"issuer-audience", "the audience is the issuer, as the organization's own server writes it", narrowcast.AmbientAudience, ambientClause, audOnly(issuer), false},
			foreignWrong{"id-token", "an ID token: nobody is named as client", narrowcast.ClaimMissing, "RFC 8725 §2.8", noClaim("cid"), false},
			foreignWrong{"scope-number", "a number among the scopes", narrowcast.ClaimMalformed, "RFC 6749 §3.3", claim("scp", `["charge",1]`), false},
		),
	}
}

func cognito() land {
	const issuer = "https://cognito-idp.example.test/eu-north-1_pay"
	const client, otherClient = "1example23456789", "9other87654321"
	pay, crm := narrowcast.MustAudience("https://pay.example.test"), narrowcast.MustAudience("https://crm.example.test")
	return land{
		name: "cognito", required: "charge", title: "an access token of a Cognito user pool, whose client stands for us",
		options: profile.Options{Issuer: narrowcast.MustIssuer(issuer), Clients: map[narrowcast.ClientID]narrowcast.Audience{client: pay, otherClient: crm}},
		claims: func(w *World) object {
			iat, exp := span(w, 60)
			return object{
				{"sub", quoted(person)}, {"iss", quoted(issuer)}, {"client_id", quoted(client)}, {"token_use", `"access"`}, {"scope", `"charge refund"`},
				{"auth_time", iat}, {"iat", iat}, {"exp", exp}, {"jti", quoted(appClient)}, {"username", `"checkout"`},
			}
		},
		rights: []foreignRight{{"with-aud", "an access token of Cognito that names us in aud too", edit(func(l *letter) { l.payload.set("aud", quoted(l.w.Audience.String())) })}},
		wrongs: []foreignWrong{
			{"other-client", "the client stands for another resource", narrowcast.AudienceMismatch, ambientClause, claim("client_id", quoted(otherClient)), false},
			{"unlisted-client", "the client stands for nobody", narrowcast.AudienceMismatch, ambientClause, claim("client_id", `"7nobody"`), false},
			{"client-is-resource", "the client is called like our resource", narrowcast.AudienceMismatch, ambientClause, edit(func(l *letter) { l.payload.set("client_id", quoted(l.w.Audience.String())) }), false},
			{"no-client", "no client is named", narrowcast.AudienceMissing, "RFC 8725 §3.9", noClaim("client_id"), false},
			{"client-prefix", "the client begins like one that stands for us", narrowcast.AudienceMismatch, ambientClause, claim("client_id", quoted(client+"0")), false},
			{"client-list", "two clients, one of which stands for us", narrowcast.ClaimMalformed, "RFC 8693 §4.3", claim("client_id", list(client, otherClient)), false},
			{"id-token", "an ID token", narrowcast.ClaimMismatch, "RFC 8725 §2.8", claim("token_use", `"id"`), false},
			{"no-use", "nothing says what the token is for", narrowcast.ClaimMissing, "RFC 8725 §3.12", noClaim("token_use"), false},
			{"other-aud", "the client stands for us and aud names another resource", narrowcast.AudienceMismatch, "RFC 7519 §4.1.3", audOnly("https://crm.example.test"), false},
			{"two-aud", "aud names us and another resource", narrowcast.AudienceMultiple, "RFC 9700 §2.3", audWith("https://crm.example.test"), true},
			{"other-pool", "the token is of another pool", narrowcast.IssuerUnknown, "RFC 8414 §3.3", claim("iss", quoted("https://cognito-idp.example.test/eu-north-1_crm")), false},
		},
	}
}

func google() land {
	const issuer, subject = "https://accounts.google.example.test", "112233445566778899000"
	return land{
		name: "google", typ: "JWT", title: "an ID token of a Google service account that is pinned",
		options: profile.Options{Issuer: narrowcast.MustIssuer(issuer), Subjects: []narrowcast.Subject{subject}},
		claims: func(w *World) object {
			iat, exp := span(w, 60)
			return object{
				{"iss", quoted(issuer)}, {"aud", quoted(w.Audience.String())}, {"azp", quoted(subject)}, {"sub", quoted(subject)},
				{"email", `"checkout@acme.iam.example"`}, {"email_verified", "true"}, {"iat", iat}, {"exp", exp},
			}
		},
		wrongs: slices.Concat(usual(), []foreignWrong{
			{"other-subject", "somebody else's token for our audience", narrowcast.ClaimMismatch, "RFC 8725 §3.8", claim("sub", `"998877665544332211000"`), false},
			{"subject-prefix", "a subject that begins like the pinned one", narrowcast.ClaimMismatch, "RFC 8725 §3.8", claim("sub", quoted(subject+"1")), false},
			{"no-subject", "nobody is named as subject", narrowcast.ClaimMissing, "RFC 8725 §3.8", noClaim("sub"), false},
			{"email-as-subject", "the address stands in sub", narrowcast.ClaimMismatch, "RFC 8725 §3.8", claim("sub", `"checkout@acme.iam.example"`), false},
			{"issuer-audience", "the audience is the issuer", narrowcast.AmbientAudience, ambientClause, audOnly(issuer), false},
		}),
	}
}
