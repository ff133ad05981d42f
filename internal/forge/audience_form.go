package forge

import (
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// aud sets the claim to JSON text made from the audience and another one.
func aud(value func(ours, other string) string) forging {
	return edit(func(l *letter) {
		l.payload.set("aud", value(l.w.Audience.String(), l.w.Other.String()))
	})
}

// audienceForms are audiences of a wrong form: absent, empty, of another JSON
// type, or several.
func audienceForms() []wrong {
	const clause = "RFC 7519 §4.1.3"
	missing, malformed, multiple := narrowcast.AudienceMissing, narrowcast.AudienceMalformed, narrowcast.AudienceMultiple
	return []wrong{
		bad("audience.missing", "there is no audience", missing, "RFC 9068 §4", noClaim("aud")),
		bad("audience.empty", "the audience is the empty string", missing, clause, claim("aud", `""`)),
		bad("audience.empty-list", "the audience is an empty list", missing, "CVE-2020-26160: an empty list was read as no demand", claim("aud", "[]")),
		bad("audience.list-of-empty", "the audience is a list with one empty string", malformed, "CVE-2020-26160: an empty audience passed", claim("aud", `[""]`)),
		bad("audience.number", "the audience is a number", malformed, clause, claim("aud", "1")),
		bad("audience.zero", "the audience is the number zero", malformed, clause, claim("aud", "0")),
		bad("audience.true", "the audience is true", malformed, clause, claim("aud", "true")),
		bad("audience.false", "the audience is false", malformed, clause, claim("aud", "false")),
		bad("audience.null", "the audience is null", malformed, clause, claim("aud", "null")),
		bad("audience.object", "the audience is an object with ours as a member name", malformed, clause,
			aud(func(ours, _ string) string { return `{` + quoted(ours) + `:true}` })),
		bad("audience.empty-object", "the audience is an empty object", malformed, clause, claim("aud", "{}")),
		bad("audience.nested-list", "the audience is a list inside a list", malformed, clause,
			aud(func(ours, _ string) string { return "[" + list(ours) + "]" })),
		bad("audience.list-with-null", "the list holds ours and null", malformed, clause,
			aud(func(ours, _ string) string { return "[" + quoted(ours) + ",null]" })),
		bad("audience.list-with-number", "the list holds ours and a number", malformed, clause,
			aud(func(ours, _ string) string { return "[" + quoted(ours) + ",1]" })),
		bad("audience.list-with-empty", "the list holds ours and the empty string", malformed, clause,
			aud(func(ours, _ string) string { return list(ours, "") })),
		bad("audience.list-in-string", "the audience is a string that looks like a list", narrowcast.AudienceMismatch, clause,
			aud(func(ours, _ string) string { return quoted(list(ours)) })),
		bad("audience.long-list", "the list is longer than anybody needs", malformed, "RFC 8725 §3",
			aud(func(ours, other string) string { return list(append(many(other, 16), ours)...) })).strict(),
		bad("audience.long", "the audience is longer than any identifier", malformed, "RFC 8725 §3",
			aud(func(ours, _ string) string { return quoted(ours + "/" + strings.Repeat("x", 2048)) })),
		bad("audience.list-ours-first", "the list holds ours and then another", multiple, "RFC 9700 §2.3", aud(func(ours, other string) string { return list(ours, other) })).strict(),
		bad("audience.list-ours-last", "the list holds another and then ours", multiple, "RFC 9700 §2.3", aud(func(ours, other string) string { return list(other, ours) })).strict(),
		bad("audience.list-twice-ours", "the list holds ours twice", multiple, clause, aud(func(ours, _ string) string { return list(ours, ours) })).strict(),
		bad("audience.list-with-userinfo", "the list holds ours and the issuer's user information endpoint", multiple, clause, edit(func(l *letter) {
			l.payload.set("aud", list(l.w.Audience.String(), l.w.Issuer.String()+"/userinfo"))
		})).strict(),
		bad("audience.list-of-others", "the list holds two others", narrowcast.AudienceMismatch, clause, aud(func(_, other string) string { return list(other, other+"/v2") })),
		bad("audience.list-of-other", "the list holds one other", narrowcast.AudienceMismatch, "CVE-2023-22482: any audience of the issuer passed", aud(func(_, other string) string { return list(other) })),
	}
}

func many(s string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = s
	}
	return all
}
