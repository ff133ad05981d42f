package forge

import (
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// tenants are tokens of another tenant or environment, or of an unclear one.
func tenants() []wrong {
	return append(
		belongs("tenant", "RFC 9068 §5", narrowcast.TenantMismatch, Tenant, NoTenant),
		belongs("environment", "OWASP NHI8", narrowcast.EnvironmentMismatch, Environment, NoEnvironment)...)
}

// belongs makes the faults of a claim that says where a token belongs.
func belongs(name, clause string, reason narrowcast.Reason, expected, unexpected Need) []wrong {
	in := func(id, title string, reason narrowcast.Reason, how forging, need Need) wrong {
		return bad(name+"."+id, "the "+name+" "+title, reason, clause, how, need).strict()
	}
	varied := func(vary func(s string) string) forging {
		return edit(func(l *letter) {
			own := strings.Trim(l.payload.get(name), `"`)
			l.payload.set(name, quoted(vary(own)))
		})
	}
	malformed := narrowcast.ClaimMalformed
	return []wrong{
		in("other", "is another", reason, varied(func(string) string { return "elsewhere" }), expected),
		in("absent", "is not named", reason, noClaim(name), expected),
		in("empty", "is empty", reason, claim(name, `""`), expected),
		in("upper-case", "is in capitals", reason, varied(strings.ToUpper), expected),
		in("prefix", "is only the beginning of ours", reason, varied(func(s string) string { return s[:len(s)-1] }), expected),
		in("extended", "begins with ours and goes on", reason, varied(func(s string) string { return s + "-2" }), expected),
		in("wildcard", "is an asterisk", reason, varied(func(string) string { return "*" }), expected),
		in("list", "is a list with ours inside", malformed, edit(func(l *letter) {
			l.payload.set(name, "["+l.payload.get(name)+`,"elsewhere"]`)
		}), expected),
		in("null", "is null", malformed, claim(name, "null"), expected),
		in("unexpected", "is named where none is expected", reason, claim(name, `"elsewhere"`), unexpected),
	}
}
