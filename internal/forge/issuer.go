package forge

import (
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// issuers are tokens of an issuer that is not trusted, or of none. The
// signature is right in all of them but says nothing, because a key belongs to
// its issuer.
func issuers() []wrong {
	const clause = "RFC 9068 §4"
	reason := narrowcast.IssuerUnknown
	varied := func(id, title, source string, vary func(iss string) string) wrong {
		return bad("issuer."+id, title, reason, source, func(l *letter) (string, error) {
			name := vary(l.w.Issuer.String())
			if name == l.w.Issuer.String() {
				return "", ErrNotApplicable
			}
			l.payload.set("iss", quoted(name))
			return l.seal()
		})
	}
	return []wrong{
		bad("issuer.absent", "no issuer", reason, clause, noClaim("iss")),
		bad("issuer.null", "the issuer is null", reason, clause, claim("iss", "null")),
		bad("issuer.number", "the issuer is a number", reason, clause, claim("iss", "1")),
		bad("issuer.list", "the issuer is a list", reason, "RFC 7519 §4.1.1: one string", edit(func(l *letter) {
			l.payload.set("iss", list(l.w.Issuer.String(), "https://attacker.example"))
		})),
		bad("issuer.object", "the issuer is an object", reason, clause, edit(func(l *letter) {
			l.payload.set("iss", "{"+quoted(l.w.Issuer.String())+":1}")
		})),
		varied("empty", "the issuer is empty", clause, func(string) string { return "" }),
		varied("other", "an issuer that is not trusted", clause, func(string) string { return "https://attacker.example" }),
		varied("upper-case", "the issuer in capitals", "RFC 8414 §3.3", strings.ToUpper),
		varied("slash", "a slash behind the issuer", "RFC 8414 §3.3", func(s string) string { return s + "/" }),
		varied("path", "a path below the issuer", "RFC 8414 §3.3", func(s string) string { return s + "/tenant" }),
		varied("prefix", "only the beginning of the issuer", clause, func(s string) string { return s[:len(s)-1] }),
		varied("extended", "a stranger's host that begins with the issuer", clause, func(s string) string { return s + ".attacker.example" }),
		varied("scheme", "the issuer with another scheme", clause, func(s string) string { return strings.Replace(s, "https://", "http://", 1) }),
		varied("port", "the issuer with its default port", clause, func(s string) string { return s + ":443" }),
		varied("space", "a space behind the issuer", clause, func(s string) string { return s + " " }),
		varied("homoglyph", "a Cyrillic letter in the issuer", clause, func(s string) string { return strings.Replace(s, "e", "\u0435", 1) }),
		bad("issuer.not-trusted-second", "an issuer that others trust, with its own key", reason, clause, edit(func(l *letter) {
			l.payload.set("iss", quoted(l.w.Second.String()))
			l.key = l.w.Keys.Stranger
			l.header.set("alg", `"ES256"`)
		})).against("es256"),
	}
}
