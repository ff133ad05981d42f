package forge

import (
	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/profile"
)

func platforms() []land { return []land{kubernetes(), github(), gitlab(), generic(), spokesman()} }

func kubernetes() land {
	const issuer, server = "https://oidc.cluster.example.test/id/7F3A", "https://kubernetes.default.svc"
	return land{
		name: "kubernetes", title: "a token of a Kubernetes service account for us alone",
		options: profile.Options{Issuer: narrowcast.MustIssuer(issuer), Ambient: []narrowcast.Audience{narrowcast.MustAudience("https://api.cluster.example.test")}},
		claims: func(w *World) object {
			iat, exp := span(w, 10)
			return object{
				{"aud", list(w.Audience.String())}, {"exp", exp}, {"iat", iat}, {"iss", quoted(issuer)}, {"jti", quoted(appClient)},
				{"kubernetes.io", `{"namespace":"shop","node":{"name":"n1","uid":"` + tidNorth + `"},"pod":{"name":"checkout-7d","uid":"` + tidSouth + `"},"serviceaccount":{"name":"checkout","uid":"` + person + `"}}`},
				{"nbf", iat}, {"sub", `"system:serviceaccount:shop:checkout"`},
			}
		},
		wrongs: append(usual(),
			foreignWrong{"server-alone", "the only audience is the API server", narrowcast.AmbientAudience, ambientClause, audOnly(server), false},
			foreignWrong{"server-named", "the only audience is the API server under a name of its own", narrowcast.AmbientAudience, ambientClause, audOnly("https://api.cluster.example.test"), false},
			foreignWrong{"issuer-audience", "the only audience is the cluster's issuer, the default of the API server", narrowcast.AmbientAudience, ambientClause, audOnly(issuer), false},
			foreignWrong{"server-beside", "the list holds ours and the API server", narrowcast.AudienceMultiple, "Kubernetes TokenRequest: the receiver could act as the workload", audWith(server), true},
			foreignWrong{"no-expiry", "a token without expiry, as in a Secret", narrowcast.ClaimMissing, "RFC 8725 §3.8", noClaim("exp"), false},
			foreignWrong{"legacy-issuer", "the issuer of tokens in Secrets", narrowcast.IssuerUnknown, "RFC 8414 §3.3", claim("iss", `"kubernetes/serviceaccount"`), false},
			foreignWrong{"year", "a token that lives for a year", narrowcast.LifetimeExceeded, "RFC 6750 §5.3", edit(func(l *letter) {
				l.payload.set("exp", number(l.w.Now.Unix()+365*24*3600))
			}), true},
			foreignWrong{"access-token", "an RFC 9068 access token of the same issuer", narrowcast.TypeMismatch, "RFC 8725 §3.11", header("typ", `"at+jwt"`), true},
		),
	}
}

func github() land {
	const issuer, owner = "https://token.actions.example.test", "https://github.example.test/octo-org"
	return land{
		name: "github", typ: "JWT", title: "an ID token of a GitHub Actions job of the pinned repository",
		options: profile.Options{Issuer: narrowcast.MustIssuer(issuer), Ambient: []narrowcast.Audience{narrowcast.MustAudience(owner)},
			Require: map[string][]string{"repository_id": {"74"}, "event_name": {"push", "workflow_dispatch"}}},
		claims: func(w *World) object {
			iat, exp := span(w, 5)
			return object{
				{"jti", quoted(appClient)}, {"sub", `"repo:octo-org@65/octo-repo@74:environment:prod"`}, {"aud", quoted(w.Audience.String())},
				{"environment", `"prod"`}, {"ref", `"refs/heads/main"`}, {"repository", `"octo-org/octo-repo"`}, {"repository_id", `"74"`},
				{"repository_owner_id", `"65"`}, {"event_name", `"push"`}, {"runner_environment", `"github-hosted"`},
				{"iss", quoted(issuer)}, {"nbf", iat}, {"exp", exp}, {"iat", iat},
			}
		},
		wrongs: append(usual(),
			foreignWrong{"owner-alone", "the audience is the owner's URL, the default of every job", narrowcast.AmbientAudience, ambientClause, audOnly(owner), false},
			foreignWrong{"owner-beside", "the list holds ours and the owner's URL", narrowcast.AudienceMultiple, "RFC 9700 §2.3", audWith(owner), true},
			foreignWrong{"other-repository", "a job of another repository", narrowcast.ClaimMismatch, "RFC 8725 §3.8", claim("repository_id", `"75"`), false},
			foreignWrong{"renamed", "a repository of the same name with another id", narrowcast.ClaimMismatch, "RFC 8725 §3.8", claim("repository_id", `"7400"`), false},
			foreignWrong{"pull-request", "a job of a pull request, which may come from a fork", narrowcast.ClaimMismatch, "RFC 8725 §3.8", claim("event_name", `"pull_request"`), false},
			foreignWrong{"id-number", "the id is a number", narrowcast.ClaimMismatch, "RFC 8725 §3.8", claim("repository_id", "74"), true},
			foreignWrong{"no-id", "no repository id", narrowcast.ClaimMissing, "RFC 8725 §3.8", noClaim("repository_id"), false},
		),
	}
}

func gitlab() land {
	const issuer = "https://gitlab.example.test"
	return land{
		name: "gitlab", typ: "JWT", title: "an ID token of a GitLab job of the pinned project",
		options: profile.Options{Issuer: narrowcast.MustIssuer(issuer), Require: map[string][]string{"project_id": {"20"}, "ref_protected": {"true"}}},
		claims: func(w *World) object {
			iat, exp := span(w, 5)
			return object{
				{"namespace_id", `"72"`}, {"namespace_path", `"shop"`}, {"project_id", `"20"`}, {"project_path", `"shop/checkout"`},
				{"pipeline_source", `"push"`}, {"ref", `"main"`}, {"ref_protected", `"true"`}, {"jti", quoted(appClient)}, {"iss", quoted(issuer)},
				{"iat", iat}, {"nbf", iat}, {"exp", exp}, {"sub", `"project_path:shop/checkout:ref_type:branch:ref:main"`}, {"aud", quoted(w.Audience.String())},
			}
		},
		wrongs: append(usual(),
			foreignWrong{"instance-alone", "the audience is the instance", narrowcast.AmbientAudience, ambientClause, audOnly(issuer), false},
			foreignWrong{"instance-slash", "the audience is the instance with the slash of an empty path", narrowcast.AmbientAudience, ambientClause, audOnly(issuer + "/"), false},
			foreignWrong{"other-project", "a job of another project", narrowcast.ClaimMismatch, "RFC 8725 §3.8", claim("project_id", `"21"`), false},
			foreignWrong{"unprotected", "a job on a branch that is not protected", narrowcast.ClaimMismatch, "RFC 8725 §3.8", claim("ref_protected", `"false"`), false},
			foreignWrong{"protected-boolean", "the protection is a boolean", narrowcast.ClaimMismatch, "RFC 8725 §3.8", claim("ref_protected", "true"), true},
		),
	}
}

func generic() land {
	const issuer = "https://idp.example.test"
	return land{
		name: "oidc", typ: "JWT", tenant: "north", required: "charge", title: "an access token of some issuer whose tokens have no type",
		options: profile.Options{
			Issuer: narrowcast.MustIssuer(issuer), Tenant: "north", TenantClaim: "org", ClientClaim: "azp", ScopeClaims: []string{"scope"},
			Ambient: []narrowcast.Audience{narrowcast.MustAudience("default")}, Companions: []narrowcast.Audience{narrowcast.MustAudience("urn:idp:userinfo")},
			Require: map[string][]string{"token_type": {"access"}},
		},
		claims: func(w *World) object {
			iat, exp := span(w, 5)
			return object{
				{"iss", quoted(issuer)}, {"sub", `"checkout"`}, {"aud", quoted(w.Audience.String())}, {"azp", `"checkout"`}, {"org", `"north"`},
				{"token_type", `"access"`}, {"scope", `["charge","refund"]`}, {"iat", iat}, {"exp", exp},
			}
		},
		rights: []foreignRight{
			{"no-type", "an access token of some issuer without typ", edit(func(l *letter) { l.header.drop("typ") })},
			{"no-tenant", "no tenant is named, and the issuer speaks for one only", noClaim("org")},
			{"scope-string", "the scope is a string", claim("scope", `"charge refund"`)},
			{"companion", "a companion that is allowed stands beside ours", audWith("urn:idp:userinfo")},
		},
		wrongs: append(usual(),
			foreignWrong{"default-alone", "the audience is one that everybody gets", narrowcast.AmbientAudience, ambientClause, audOnly("default"), false},
			foreignWrong{"default-and-companion", "nothing but an audience that everybody gets and a companion", narrowcast.AmbientAudience, ambientClause, audOnly("default", "urn:idp:userinfo"), false},
			foreignWrong{"issuer-audience", "the audience is the issuer", narrowcast.AmbientAudience, ambientClause, audOnly(issuer), false},
			foreignWrong{"other-tenant", "the token claims a tenant for which its issuer may not speak", narrowcast.TenantMismatch, "RFC 8725 §3.8", claim("org", `"south"`), false},
			foreignWrong{"empty-tenant", "the tenant is empty", narrowcast.TenantMismatch, "RFC 8725 §3.8", claim("org", `""`), true},
			foreignWrong{"id-token", "an ID token", narrowcast.ClaimMismatch, "RFC 8725 §3.12", claim("token_type", `"id"`), false},
			foreignWrong{"refresh-token", "a refresh token", narrowcast.TypeMismatch, "RFC 8725 §3.11", header("typ", `"rt+jwt"`), false},
			foreignWrong{"scope-object", "the scope is an object", narrowcast.ClaimMalformed, "RFC 6749 §3.3", claim("scope", `{"charge":true}`), false},
		),
	}
}

// spokesman is an issuer as in RFC 9068 that may speak for one tenant.
func spokesman() land {
	const issuer = "https://issuer.example.test/t/north"
	south := narrowcast.TrustedIssuer{Issuer: narrowcast.MustIssuer("https://issuer.example.test/t/south"), Tenant: "south"}
	return land{
		name: "rfc9068", typ: "at+jwt", alg: narrowcast.ES256, tenant: "north", title: "an access token of an issuer that may speak for one tenant",
		options: profile.Options{Issuer: narrowcast.MustIssuer(issuer), Tenant: "north"}, second: &south,
		claims: func(w *World) object {
			iat, exp := span(w, 5)
			return object{
				{"iss", quoted(issuer)}, {"sub", `"checkout"`}, {"aud", quoted(w.Audience.String())}, {"client_id", `"checkout"`}, {"tenant", `"north"`},
				{"iat", iat}, {"exp", exp}, {"jti", `"t-1"`},
			}
		},
		rights: []foreignRight{{"unnamed", "no tenant is named, and the issuer may speak for one only", noClaim("tenant")}},
		wrongs: []foreignWrong{
			{"other-tenant", "the issuer claims a tenant for which it may not speak", narrowcast.TenantMismatch, "RFC 8725 §3.8", claim("tenant", `"south"`), false},
			{"empty-tenant", "the tenant is empty", narrowcast.TenantMismatch, "RFC 8725 §3.8", claim("tenant", `""`), true},
			{"other-issuer", "the issuer of another tenant, genuine, for our audience", narrowcast.TenantMismatch, "RFC 8725 §3.8", asSouth("south"), false},
			{"other-issuer-unnamed", "the same, and the token names no tenant", narrowcast.TenantMismatch, "RFC 8725 §3.8", asSouth(""), false},
			{"other-issuer-our-tenant", "the issuer of another tenant claims ours", narrowcast.TenantMismatch, "RFC 8725 §3.8", asSouth("north"), false},
			{"other-key", "the key of another tenant's issuer under the name of ours", narrowcast.IssuerKeyMismatch, "RFC 8725 §3.8", edit(func(l *letter) { l.useKey(l.w.Keys.Second[1]) }), false},
		},
	}
}

// asSouth writes a genuine token of the second tenant's issuer.
func asSouth(tenant string) forging {
	return edit(func(l *letter) {
		l.useKey(l.w.Keys.Second[0])
		l.payload.set("iss", quoted("https://issuer.example.test/t/south"))
		l.payload.drop("tenant")
		if tenant != "" {
			l.payload.set("tenant", quoted(tenant))
		}
	})
}
