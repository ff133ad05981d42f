package forge

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/jose"
)

// algorithms are headers that name an algorithm nobody should accept, or one
// that the key is not for.
func algorithms() []wrong { return append(forbiddenAlgorithms(), swappedAlgorithms()...) }

func forbiddenAlgorithms() []wrong {
	const clause = "RFC 8725 §3.1"
	const confusion = "CVE-2026-33322: a public key served as a shared secret; RFC 8725 §2.1"
	reason := narrowcast.AlgorithmNotAllowed
	all := []wrong{
		bad("algorithm.none-unsigned", "alg none and no signature", narrowcast.Malformed, "RFC 8725 §2.1", func(l *letter) (string, error) {
			l.header.set("alg", `"none"`)
			return jose.Join(l.header.text(), l.payload.text()) + ".", nil
		}),
		bad("algorithm.absent", "no alg", reason, "RFC 7515 §4.1.1", edit(func(l *letter) { l.header.drop("alg") })),
		bad("algorithm.empty", "alg is empty", reason, "RFC 7515 §4.1.1", header("alg", `""`)),
		bad("algorithm.number", "alg is a number", narrowcast.Malformed, "RFC 7515 §4.1.1", header("alg", "256")),
		bad("algorithm.null", "alg is null", narrowcast.Malformed, "RFC 7515 §4.1.1", header("alg", "null")),
		bad("algorithm.list", "alg is a list", narrowcast.Malformed, "RFC 7515 §4.1.1", header("alg", `["ES256"]`)),
		bad("algorithm.hs256-pem", "HS256 keyed with the public key in PEM form", reason, confusion, hs256(publicPEM)).against("rs256"),
		bad("algorithm.hs256-der", "HS256 keyed with the public key in DER form", reason, confusion, hs256(publicDER)).against("rs256"),
		bad("algorithm.hs256-jwk", "HS256 keyed with the public key in JWK form", reason, confusion, hs256(func(k Key) []byte { return []byte(publicJWK(k)) })).against("rs256"),
		bad("algorithm.hs256-empty", "HS256 with an empty secret", reason, clause, hs256(func(Key) []byte { return nil })).against("rs256"),
		bad("algorithm.lower-case", "the algorithm in small letters", reason, "RFC 7515 §4.1.1: case-sensitive", edit(func(l *letter) { l.header.set("alg", `"es256"`) })),
		bad("algorithm.space", "a space behind the algorithm", reason, clause, header("alg", `"ES256 "`)),
		bad("algorithm.not-listed", "an algorithm that is safe and not on the list", reason, clause, signedBy(narrowcast.RS256), OneAlgorithm),
	}
	for _, n := range unfitNames() {
		all = append(all, bad("algorithm."+n.id, "alg says "+n.name+" over a right signature", reason, clause, header("alg", quoted(n.name))))
	}
	return all
}

type unfit struct{ id, name string }

// unfitNames are names of algorithms that sign nothing here. An id is part of
// a file name and differs from the others in more than letter case.
func unfitNames() []unfit {
	return []unfit{
		{"none", "none"}, {"none-title-case", "None"}, {"none-upper-case", "NONE"}, {"none-mixed-case", "noNE"},
		{"hs384", "HS384"}, {"hs512", "HS512"}, {"rs1", "RS1"}, {"rs384", "RS384"}, {"ps512", "PS512"}, {"es512", "ES512"},
		{"es256k", "ES256K"}, {"ed448", "Ed448"}, {"dir", "dir"}, {"rsa-oaep", "RSA-OAEP"},
	}
}

// swappedAlgorithms use a key with an algorithm that it is not published for.
func swappedAlgorithms() []wrong {
	const clause = "RFC 8725 §3.1: one key, one algorithm"
	swap := func(id, title string, key, alg narrowcast.Algorithm, control string) wrong {
		return bad("algorithm."+id, title, narrowcast.AlgorithmMismatch, clause, func(l *letter) (string, error) {
			l.useKey(l.w.Keys.key(key))
			l.header.set("alg", quoted(string(alg)))
			input := jose.Join(l.header.text(), l.payload.text())
			if !jose.Fits(jose.Alg(alg), l.key.Signer.Public()) {
				alg = key
			}
			raw, err := l.sign(alg, input)
			if err != nil {
				return "", err
			}
			return jose.Seal(input, raw), nil
		}).against(control)
	}
	return []wrong{
		swap("es256-key-es384-header", "a key for ES256 and a header that says ES384", narrowcast.ES256, narrowcast.ES384, "es256"),
		swap("es384-key-es256-header", "a key for ES384 and a header that says ES256", narrowcast.ES384, narrowcast.ES256, "es384"),
		swap("rs256-key-ps256", "a key for RS256 that signed with PS256", narrowcast.RS256, narrowcast.PS256, "rs256"),
		swap("ps256-key-rs256", "a key for PS256 that signed with RS256", narrowcast.PS256, narrowcast.RS256, "ps256"),
		swap("es256-key-eddsa-header", "a key for ES256 and a header that says EdDSA", narrowcast.ES256, "EdDSA", "es256"),
		swap("ed25519-key-es256-header", "a key for Ed25519 and a header that says ES256", narrowcast.Ed25519, narrowcast.ES256, "ed25519"),
		swap("rs256-key-es256-header", "a key for RS256 and a header that says ES256", narrowcast.RS256, narrowcast.ES256, "rs256"),
	}
}

// hs256 makes a token whose secret anybody can know. The key it names is the
// issuer's for RS256, where this confusion was found first.
func hs256(secret func(Key) []byte) forging {
	return func(l *letter) (string, error) {
		l.useKey(l.w.Keys.key(narrowcast.RS256))
		l.header.set("alg", `"HS256"`)
		input := jose.Join(l.header.text(), l.payload.text())
		mac := hmac.New(sha256.New, secret(l.key))
		mac.Write([]byte(input))
		return jose.Seal(input, mac.Sum(nil)), nil
	}
}

func publicDER(k Key) []byte {
	der, err := x509.MarshalPKIXPublicKey(k.Signer.Public())
	if err != nil {
		return nil
	}
	return der
}

func publicPEM(k Key) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: publicDER(k)})
}
