package forge

import (
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// audienceNames are audiences that are not ours, or ours in the wrong place.
func audienceNames() []wrong {
	const clause = "RFC 7519 §4.1.3"
	mismatch, missing, duplicate := narrowcast.AudienceMismatch, narrowcast.AudienceMissing, narrowcast.DuplicateMember
	return []wrong{
		bad("audience.other", "the token is for another resource", mismatch, "CVE-2023-22482, CVE-2025-62610, CVE-2026-30223, CVE-2026-40946, CVE-2026-55689: any audience of the issuer passed",
			aud(func(_, other string) string { return quoted(other) })),
		bad("audience.ambient-account", "the audience is the default that an issuer gives every token", mismatch, clause, claim("aud", `"account"`)),
		bad("audience.issuer", "the audience is the issuer", mismatch, "RFC 7523 §3", edit(func(l *letter) { l.payload.set("aud", l.payload.get("iss")) })),
		bad("audience.client", "the audience is the client, as in an ID token", mismatch, "RFC 8725 §2.8", claim("aud", `"some-client"`)),
		bad("audience.wildcard", "the audience is an asterisk", mismatch, clause, claim("aud", `"*"`)),
		bad("audience.slash", "the audience is a slash", mismatch, clause, claim("aud", `"/"`)),
		bad("audience.space", "the audience is a space", mismatch, clause, claim("aud", `" "`)),
		bad("audience.prefix", "the audience is only the beginning of ours", mismatch, clause, named(func(a string) string { return a[:len(a)-1] })),
		bad("audience.suffix", "the audience is only the end of ours", mismatch, clause, named(func(a string) string { return a[len(a)/2:] })),
		bad("audience.substring", "the audience is a part from the middle of ours", mismatch, clause, named(func(a string) string { return a[len(a)/3 : len(a)-len(a)/3] })),
		bad("audience.extended", "the audience begins with ours and goes on", mismatch, clause, named(func(a string) string { return a + "x" })),
		bad("audience.preceded", "the audience ends with ours", mismatch, clause, named(func(a string) string { return "x" + a })),
		bad("audience.surrounded", "the audience contains ours", mismatch, clause, named(func(a string) string { return "x" + a + "x" })),
		bad("audience.upper-case", "the audience is ours in capitals", mismatch, clause, named(strings.ToUpper)),
		bad("audience.space-before", "white space before the audience", mismatch, clause, named(func(a string) string { return " " + a })),
		bad("audience.space-after", "white space after the audience", mismatch, clause, named(func(a string) string { return a + " " })),
		bad("audience.line-break", "a line break after the audience", mismatch, clause, named(func(a string) string { return a + "\n" })),
		bad("audience.nul-byte", "a NUL after the audience and then more", mismatch, clause, named(func(a string) string { return a + "\x00.attacker.example" })),
		bad("audience.zero-width", "an invisible character after the audience", mismatch, "RFC 8725 §3.7", named(func(a string) string { return a + "\u200b" })),
		bad("audience.space-separated", "two audiences in one string, separated by a space", mismatch, clause, aud(func(ours, other string) string { return quoted(ours + " " + other) })),
		bad("audience.comma-separated", "two audiences in one string, separated by a comma", mismatch, clause, aud(func(ours, other string) string { return quoted(ours + "," + other) })),
		bad("audience.other-case-name", "the member is named AUD", missing, "RFC 7515 §4: names compare by case", rename("aud", "AUD")),
		bad("audience.spaced-name", "the member name has a space at its end", missing, clause, rename("aud", "aud ")),
		bad("audience.resource-instead", "the resource is named in resource instead of aud", missing, "RFC 8707 §2", rename("aud", "resource")),
		bad("audience.azp-instead", "the resource is named in azp instead of aud", missing, "RFC 9068 §2.2", rename("aud", "azp")),
		bad("audience.in-header", "the audience stands in the header only", missing, "RFC 7519 §5.3", edit(func(l *letter) {
			l.header.set("aud", l.payload.get("aud"))
			l.payload.drop("aud")
		})),
		bad("audience.nested", "the audience stands in a nested object only", missing, clause, edit(func(l *letter) {
			l.payload.set("claims", `{"aud":`+l.payload.get("aud")+`}`)
			l.payload.drop("aud")
		})),
		bad("audience.duplicate-ours-last", "two audiences, the last is ours", duplicate, "RFC 7515 §4", twice(func(ours, other string) (string, string) { return other, ours }, "aud")).strict(),
		bad("audience.duplicate-ours-first", "two audiences, the first is ours", duplicate, "RFC 7515 §4", twice(func(ours, other string) (string, string) { return ours, other }, "aud")).strict(),
		bad("audience.duplicate-escaped", "two audiences, one member name written with an escape", duplicate, "RFC 7515 §4", twice(func(ours, other string) (string, string) { return other, ours }, `\u0061ud`)).strict(),
	}
}

// rename gives a claim another name.
func rename(from, to string) forging {
	return edit(func(l *letter) {
		l.payload.add(to, l.payload.get(from))
		l.payload.drop(from)
	})
}

// twice writes the audience two times, the second time under the given spelling
// of its name.
func twice(order func(ours, other string) (first, second string), second string) forging {
	return edit(func(l *letter) {
		a, b := order(l.w.Audience.String(), l.w.Other.String())
		l.payload.set("aud", quoted(a))
		l.payload.add(second, quoted(b))
	})
}
