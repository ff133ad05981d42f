package forge

import (
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// scopes are tokens that do not allow the call: the only fault of the catalogue
// whose bearer is authenticated.
func scopes() []wrong {
	const clause = "RFC 6750 §3.1"
	const form = "RFC 6749 §3.3; RFC 9068 §2.2.3"
	narrow, malformed := narrowcast.InsufficientScope, narrowcast.ClaimMalformed
	varied := func(vary func(required string) string) forging {
		return edit(func(l *letter) { l.payload.set("scope", quoted(vary(l.w.Required.String()))) })
	}
	instead := func(value func(scope string) string) forging {
		return edit(func(l *letter) { l.payload.set("scope", value(l.w.Scope.String())) })
	}
	return []wrong{
		bad("scope.absent", "no scope", narrow, clause, noClaim("scope"), Scope),
		bad("scope.empty", "the scope is empty", narrow, clause, claim("scope", `""`), Scope),
		bad("scope.other", "another scope", narrow, clause, claim("scope", `"other"`), Scope),
		bad("scope.prefix", "only the beginning of the required scope", narrow, clause, varied(func(s string) string { return s[:len(s)-1] }), Scope),
		bad("scope.extended", "a scope that begins with the required one", narrow, clause, varied(func(s string) string { return s + "back" }), Scope),
		bad("scope.preceded", "a scope that ends with the required one", narrow, clause, varied(func(s string) string { return "dis" + s }), Scope),
		bad("scope.upper-case", "the required scope in capitals", narrow, "RFC 6749 §3.3: case-sensitive", varied(strings.ToUpper), Scope),
		bad("scope.wildcard", "an asterisk", narrow, clause, claim("scope", `"*"`), Scope),
		bad("scope.comma-separated", "the scopes are separated by commas", narrow, form, varied(func(s string) string { return s + ",other" }), Scope),
		bad("scope.other-claim", "the scope stands in scp", narrow, form, rename("scope", "scp"), Scope),
		bad("scope.list", "the scope is a list", malformed, form, instead(func(s string) string { return list(strings.Split(s, " ")...) }), Scope),
		bad("scope.object", "the scope is an object", malformed, form, instead(func(s string) string { return "{" + quoted(s) + ":true}" }), Scope),
		bad("scope.number", "the scope is a number", malformed, form, claim("scope", "1"), Scope),
		bad("scope.null", "the scope is null", malformed, form, claim("scope", "null"), Scope),
		bad("scope.two-spaces", "two spaces between scopes", malformed, form, instead(func(s string) string { return quoted(s + "  other") }), Scope).strict(),
		bad("scope.tab-separated", "the scopes are separated by tabs", malformed, form, varied(func(s string) string { return s + "\tother" }), Scope),
	}
}
