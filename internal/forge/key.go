package forge

import (
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// keyFaults are tokens whose kid leads nowhere or to the wrong key.
func keyFaults() []wrong {
	const clause = "RFC 7515 §4.1.4"
	unknown, malformed := narrowcast.KeyUnknown, narrowcast.Malformed
	second := func(i int) forging {
		return func(l *letter) (string, error) {
			if len(l.w.Keys.Second) <= i {
				return "", ErrNotApplicable
			}
			l.useKey(l.w.Keys.Second[i])
			return l.seal()
		}
	}
	byID := func(id narrowcast.KeyID) forging {
		return func(l *letter) (string, error) {
			key := l.w.Keys.named(id)
			if key.Signer == nil {
				return "", ErrNotApplicable
			}
			l.useKey(key)
			return l.seal()
		}
	}
	return []wrong{
		bad("key.absent", "no kid", unknown, clause, edit(func(l *letter) { l.header.drop("kid") })).strict(),
		bad("key.empty", "the kid is empty", unknown, clause, header("kid", `""`)),
		bad("key.unknown", "a kid that the issuer does not have", unknown, clause, header("kid", `"nobody"`)),
		bad("key.upper-case", "the kid in capitals", unknown, "RFC 7515 §4.1.4: case-sensitive", func(l *letter) (string, error) {
			upper := strings.ToUpper(string(l.key.ID))
			if upper == string(l.key.ID) {
				return "", ErrNotApplicable
			}
			l.header.set("kid", quoted(upper))
			return l.seal()
		}),
		bad("key.path", "the kid is a path out of a directory", unknown, "RFC 8725 §3.10", header("kid", `"../../../dev/null"`)),
		bad("key.statement", "the kid is a piece of SQL", unknown, "RFC 8725 §3.10", header("kid", `"x' UNION SELECT 'key"`)),
		bad("key.address", "the kid is an address", unknown, "RFC 8725 §3.10", header("kid", `"https://attacker.example/key"`)),
		bad("key.number", "the kid is a number", malformed, clause, header("kid", "1")),
		bad("key.null", "the kid is null", malformed, clause, header("kid", "null")),
		bad("key.list", "the kid is a list", malformed, clause, edit(func(l *letter) { l.header.set("kid", list(string(l.key.ID))) })),
		bad("key.long", "the kid is longer than any", malformed, clause, header("kid", quoted(strings.Repeat("k", 1000)))),
		bad("key.of-another-algorithm", "the kid of the issuer's key for another algorithm", narrowcast.AlgorithmMismatch, "RFC 8725 §3.1", func(l *letter) (string, error) {
			other := narrowcast.ES384
			if l.key.Algorithm == other {
				other = narrowcast.ES256
			}
			l.header.set("kid", quoted(string(l.w.Keys.key(other).ID)))
			return l.seal()
		}),
		bad("key.of-second-issuer", "the second issuer's key, under a kid that both have", narrowcast.IssuerKeyMismatch, "RFC 8725 §3.8", second(0), SecondIssuer),
		bad("key.only-of-second-issuer", "the second issuer's key, under a kid that only it has", narrowcast.IssuerKeyMismatch, "RFC 8725 §3.8", second(1), SecondIssuer),
		bad("key.retired", "a key that is past its window", narrowcast.KeyWindow, "RFC 8725 §3.8", byID("es256-retired"), KeyWindow),
		bad("key.future", "a key before its window", narrowcast.KeyWindow, "RFC 8725 §3.8", byID("es256-future"), KeyWindow),
		bad("key.unavailable", "the issuer's keys cannot be had", narrowcast.KeyUnavailable, "RFC 7517 §5", edit(plain), KeysUnreachable),
	}
}
