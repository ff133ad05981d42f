package forge

import (
	"fmt"
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// jsonFaults are texts that two JSON readers might understand differently, and
// texts that are no JSON object.
func jsonFaults() []wrong { return append(duplicates(), syntax()...) }

func duplicates() []wrong {
	const clause = "RFC 7515 §4"
	dup := narrowcast.DuplicateMember
	return []wrong{
		bad("json.duplicate-header", "alg stands twice in the header", dup, clause, edit(func(l *letter) { l.header.add("alg", l.header.get("alg")) })).strict(),
		bad("json.duplicate-kid", "kid stands twice in the header", dup, clause, edit(func(l *letter) { l.header.add("kid", `"another"`) })).strict(),
		bad("json.duplicate-subject", "sub stands twice in the payload", dup, "RFC 7519 §4", edit(func(l *letter) { l.payload.add("sub", `"admin"`) })).strict(),
		bad("json.duplicate-issuer", "iss stands twice in the payload", dup, "RFC 7519 §4", edit(func(l *letter) { l.payload.add("iss", `"https://attacker.example"`) })).strict(),
		bad("json.duplicate-scope", "scope stands twice in the payload", dup, "RFC 7519 §4", edit(func(l *letter) {
			l.payload.set("scope", quoted(l.w.Scope.String()))
			l.payload.add("scope", `"admin"`)
		})).strict(),
		bad("json.duplicate-unknown", "a member that nobody knows stands twice", dup, clause, edit(func(l *letter) {
			l.payload.add("shoe_size", "42")
			l.payload.add("shoe_size", "43")
		})).strict(),
		bad("json.duplicate-escaped", "sub stands twice, once written with an escape", dup, clause, edit(func(l *letter) { l.payload.add(`s\u0075b`, `"admin"`) })).strict(),
		bad("json.duplicate-nested", "a member stands twice in a nested object", dup, clause, claim("act", `{"sub":"a","sub":"b"}`)).strict(),
		bad("json.duplicate-deep", "a member stands twice in an object inside a list", dup, clause, claim("details", `[1,[{"type":"a","type":"b"}]]`)).strict(),
	}
}

func syntax() []wrong {
	const clause = "RFC 8259 §2"
	const limits = "RFC 8725 §3; RFC 8259 §9: a reader may set limits"
	in := func(id, title, source string, how forging) wrong {
		return bad("json."+id, title, narrowcast.Malformed, source, how)
	}
	instead := func(text string) forging { return payloadText(func(string) string { return text }) }
	return []wrong{
		in("payload-empty", "the payload is empty", clause, instead("")),
		in("payload-list", "the payload is a list with the claims inside", "RFC 7519 §7.2", payloadText(func(t string) string { return "[" + t + "]" })),
		in("payload-string", "the payload is a string", "RFC 7519 §7.2", payloadText(quoted)),
		in("payload-null", "the payload is null", "RFC 7519 §7.2", instead("null")),
		in("payload-trailing", "something follows the payload object", clause, payloadText(func(t string) string { return t + "x" })),
		in("payload-two-objects", "a second object follows the payload", clause, payloadText(func(t string) string { return t + t })),
		in("payload-truncated", "the payload object is not closed", clause, payloadText(func(t string) string { return t[:len(t)-1] })),
		in("trailing-comma", "a comma after the last member", clause, payloadText(func(t string) string { return t[:len(t)-1] + ",}" })),
		in("comment", "a comment", clause, payloadText(func(t string) string { return "/**/" + t })),
		in("single-quotes", "names in single quotes", clause, payloadText(func(t string) string { return strings.ReplaceAll(t, `"`, "'") })),
		in("not-a-number", "a value is NaN", clause, claim("weight", "NaN")),
		in("leading-zero", "a number begins with zero", "RFC 8259 §6", claim("weight", "01")),
		in("control-character", "a raw control character inside a string", "RFC 8259 §7", claim("note", "\"a\x01b\"")),
		in("invalid-utf8", "the payload is not UTF-8", "RFC 8259 §8.1", claim("note", "\"\xff\"")),
		in("lone-surrogate", "half of a surrogate pair", "RFC 8259 §8.2", claim("note", `"\ud800"`)).strict(),
		in("byte-order-mark", "a byte order mark before the payload", "RFC 8259 §8.1", payloadText(func(t string) string { return "\ufeff" + t })),
		in("utf16", "the payload is in UTF-16", "RFC 8259 §8.1", payloadText(utf16)),
		in("deep", "the payload is nested more deeply than any honest one", limits, claim("deep", strings.Repeat("[", 500)+strings.Repeat("]", 500))).strict(),
		in("many-members", "the payload has more members than any honest one", limits, edit(func(l *letter) {
			for i := range 300 {
				l.payload.add(fmt.Sprintf("m%d", i), "1")
			}
		})).strict(),
		in("header-list", "the header is a list", "RFC 7515 §4", headerText(func(t string) string { return "[" + t + "]" })),
		in("header-trailing", "something follows the header object", clause, headerText(func(t string) string { return t + "{}" })),
		in("header-byte-order-mark", "a byte order mark before the header", "RFC 8259 §8.1", headerText(func(t string) string { return "\ufeff" + t })),
		in("header-deep", "the header is nested more deeply than any honest one", limits, header("deep", strings.Repeat("[", 500)+strings.Repeat("]", 500))).strict(),
	}
}

func utf16(t string) string {
	var b strings.Builder
	for _, c := range []byte(t) {
		b.Write([]byte{0, c})
	}
	return b.String()
}
