package forge

import (
	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/jose"
)

// headers are headers that demand an extension, bring a key or say where to
// fetch one.
func headers() []wrong { return append(critical(), embedded()...) }

func critical() []wrong {
	const clause = "RFC 7515 §4.1.11"
	reason := narrowcast.CriticalHeader
	return []wrong{
		bad("header.crit-unknown", "an extension that nobody knows is critical", reason, clause, edit(func(l *letter) {
			l.header.set("crit", `["https://attacker.example/ext"]`)
			l.header.set("https://attacker.example/ext", "true")
		})),
		bad("header.crit-absent-member", "a critical extension is not in the header", reason, clause, header("crit", `["ext"]`)),
		bad("header.crit-empty", "the list of critical extensions is empty", reason, clause, header("crit", "[]")),
		bad("header.crit-registered", "a registered header name is listed as critical", reason, clause, header("crit", `["alg"]`)),
		bad("header.crit-string", "crit is a string", reason, clause, header("crit", `"ext"`)),
		bad("header.crit-null", "crit is null", reason, clause, header("crit", "null")),
		bad("header.b64-false", "the payload is said not to be encoded", reason, "RFC 7797 §6", edit(func(l *letter) {
			l.header.set("b64", "false")
			l.header.set("crit", `["b64"]`)
		})),
		bad("header.b64-not-critical", "b64 without being critical", reason, "RFC 7797 §6", header("b64", "false")),
		bad("header.b64-true", "b64 with its default value", reason, "RFC 7797 §7: not in a JWT", header("b64", "true")).strict(),
		bad("header.zip", "the payload is said to be compressed", narrowcast.Malformed, "RFC 8725 §3.6", header("zip", `"DEF"`)).strict(),
		bad("header.enc", "the payload is said to be encrypted", narrowcast.Malformed, "RFC 7516 §9", header("enc", `"A256GCM"`)).strict(),
	}
}

func embedded() []wrong {
	const clause = "RFC 8725 §3.10"
	reason := narrowcast.EmbeddedKey
	return []wrong{
		bad("header.jwk", "a stranger's key in the header, and signed with it", reason, "CVE-2018-0114: the embedded key was trusted", edit(func(l *letter) {
			l.key = l.w.Keys.Stranger
			l.header.set("alg", `"ES256"`)
			l.header.set("jwk", publicJWK(l.key))
		})).against("es256"),
		bad("header.jwk-own", "the issuer's own key in the header", reason, clause, edit(func(l *letter) { l.header.set("jwk", publicJWK(l.key)) })).strict(),
		bad("header.jwk-null", "a null in place of a key in the header", reason, clause, header("jwk", "null")).strict(),
		bad("header.jku", "a stranger's address to fetch keys from", reason, clause, byStranger("jku", `"https://attacker.example/keys"`)).against("es256"),
		bad("header.jku-own", "an address of the issuer's to fetch keys from", reason, clause, edit(func(l *letter) {
			l.header.set("jku", quoted(l.w.Issuer.String()+"/jwks"))
		})).strict(),
		bad("header.x5u", "a stranger's address to fetch a certificate from", reason, clause, byStranger("x5u", `"https://attacker.example/cert"`)).against("es256"),
		bad("header.x5c", "a certificate chain in the header", reason, clause, byStranger("x5c", `["MIIB"]`)).against("es256"),
		bad("header.x5c-empty", "an empty certificate chain in the header", reason, clause, header("x5c", "[]")).strict(),
	}
}

// byStranger adds a header member that leads to a stranger's key, which signs.
func byStranger(name, value string) forging {
	return edit(func(l *letter) {
		l.key = l.w.Keys.Stranger
		l.header.set("alg", `"ES256"`)
		l.header.set(name, value)
	})
}

// publicJWK writes the public half of a key as one JWK.
func publicJWK(k Key) string {
	set, err := jose.MarshalSet([]jose.JWK{{KeyID: string(k.ID), Alg: jose.Alg(k.Algorithm), Public: k.Signer.Public()}})
	if err != nil {
		return "null"
	}
	const before, after = `{"keys":[`, `]}`
	return string(set[len(before) : len(set)-len(after)])
}
