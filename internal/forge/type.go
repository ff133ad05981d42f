package forge

import "github.com/narrowcast-io/narrowcast"

// types are tokens of another class, signed by the same key for the same
// audience (RFC 8725 section 3.11).
func types() []wrong {
	const clause = "RFC 9068 §4; RFC 8725 §3.11"
	const nuts = "CVE-2026-41164: another class of the same key passed as an access token"
	reason := narrowcast.TypeMismatch
	class := func(id, title, typ, source string) wrong {
		return bad("type."+id, title, reason, source, header("typ", quoted(typ)))
	}
	return []wrong{
		bad("type.absent", "no typ", reason, clause, edit(func(l *letter) { l.header.drop("typ") })),
		bad("type.number", "typ is a number", narrowcast.Malformed, "RFC 7515 §4.1.9", header("typ", "1")),
		bad("type.null", "typ is null", narrowcast.Malformed, "RFC 7515 §4.1.9", header("typ", "null")),
		bad("type.list", "typ is a list", narrowcast.Malformed, "RFC 7515 §4.1.9", header("typ", `["at+jwt"]`)),
		bad("type.id-token", "an ID token", reason, "OpenID Connect Core §2; RFC 8725 §2.8", edit(func(l *letter) {
			l.header.set("typ", `"JWT"`)
			l.payload.set("nonce", `"n-0S6_WzA2Mj"`)
			l.payload.set("auth_time", l.payload.get("iat"))
		})),
		class("empty", "typ is empty", "", clause),
		class("jwt", "a JWT of no class", "JWT", clause),
		class("refresh", "a refresh token", "rt+jwt", nuts),
		class("logout", "a logout token", "logout+jwt", "OpenID Connect Back-Channel Logout §2.4"),
		class("dpop", "a proof of possession", "dpop+jwt", "RFC 9449 §4.2"),
		class("secevent", "a security event", "secevent+jwt", "RFC 8417 §2.3"),
		class("introspection", "an introspection response", "token-introspection+jwt", "RFC 9701 §5"),
		class("request-object", "an authorization request", "oauth-authz-req+jwt", "RFC 9101 §10.8"),
		class("client-assertion", "a client's assertion", "client-authentication+jwt", "RFC 7523 §3"),
		class("transaction", "a transaction token", "txntoken+jwt", nuts),
		class("status-list", "a status list", "statuslist+jwt", nuts),
		class("jag", "a grant for another authorization server", "oauth-id-jag+jwt", nuts),
		class("suffix-only", "the end of the right type", "t+jwt", clause),
		class("extended", "the right type with something behind it", "at+jwt+x", clause),
		class("space", "a space behind the right type", "at+jwt ", clause),
		class("parameter", "the right type with a parameter", "application/at+jwt; charset=utf-8", clause).strict(),
		class("tree-twice", "the media type tree written twice", "application/application/at+jwt", clause),
		class("other-tree", "the right subtype in another tree", "text/at+jwt", clause),
	}
}
