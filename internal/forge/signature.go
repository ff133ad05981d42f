package forge

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" // for a signature that must be refused
	"math/big"
	"strings"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/jose"
)

// signatures are tokens that their issuer did not sign as they stand.
func signatures() []wrong {
	const clause = "RFC 7515 §5.2"
	const psychic = "CVE-2022-21449: a signature of zeros verified"
	reason := narrowcast.SignatureInvalid
	return []wrong{
		bad("signature.stranger", "signed with a stranger's key under a known kid", reason, clause, edit(func(l *letter) {
			l.key = l.w.Keys.Stranger
			l.header.set("alg", `"ES256"`)
			l.header.set("kid", quoted(string(l.w.Keys.key(narrowcast.ES256).ID)))
		})).against("es256"),
		bad("signature.empty", "the signature is empty", narrowcast.Malformed, clause, finished(func(t string) string { return t[:strings.LastIndexByte(t, '.')+1] })),
		bad("signature.header-altered", "the header was altered after signing", reason, clause, altered(func(l *letter) { l.header.set("note", `"altered"`) })),
		bad("signature.payload-altered", "the payload was altered after signing", reason, clause, altered(func(l *letter) { l.payload.set("sub", `"admin"`) })),
		bad("signature.audience-altered", "the audience was altered after signing", reason, clause, func(l *letter) (string, error) {
			ours := l.payload.get("aud")
			l.payload.set("aud", quoted(l.w.Other.String()))
			return altered(func(l *letter) { l.payload.set("aud", ours) })(l)
		}),
		bad("signature.bit-flipped", "one bit of the signature is wrong", reason, clause, resigned(func(raw []byte) []byte {
			raw[len(raw)-1] ^= 1
			return raw
		})),
		bad("signature.truncated", "the last byte of the signature is missing", reason, clause, resigned(func(raw []byte) []byte { return raw[:len(raw)-1] })),
		bad("signature.extended", "a byte too many behind the signature", reason, clause, resigned(func(raw []byte) []byte { return append(raw, 0) })),
		bad("signature.one-byte", "the signature is one byte", reason, clause, resigned(func([]byte) []byte { return []byte{0} })),
		bad("signature.zeros", "the signature is nothing but zeros", reason, psychic, resigned(func(raw []byte) []byte { return make([]byte, len(raw)) })),
		bad("signature.order", "both halves of the signature are the order of the curve", reason, psychic, orders),
		bad("signature.halves-swapped", "r and s are swapped", reason, "RFC 7518 §3.4", onlyECDSA(resigned(func(raw []byte) []byte {
			return append(raw[len(raw)/2:], raw[:len(raw)/2]...)
		}))),
		bad("signature.der", "the signature is in DER form", reason, "RFC 7518 §3.4", onlyECDSA(resigned(der))),
		bad("signature.of-another-token", "the signature of another token", reason, clause, altered(func(l *letter) { l.payload.set("jti", `"another"`) })),
		bad("signature.of-payload-only", "only the payload was signed", reason, "RFC 7515 §5.1", func(l *letter) (string, error) {
			input := jose.Join(l.header.text(), l.payload.text())
			raw, err := l.sign(l.key.Algorithm, input[strings.IndexByte(input, '.')+1:])
			if err != nil {
				return "", err
			}
			return jose.Seal(input, raw), nil
		}),
		bad("signature.of-decoded-text", "the decoded text was signed", reason, "RFC 7515 §5.1", func(l *letter) (string, error) {
			raw, err := l.sign(l.key.Algorithm, l.header.text()+"."+l.payload.text())
			if err != nil {
				return "", err
			}
			return jose.Seal(jose.Join(l.header.text(), l.payload.text()), raw), nil
		}),
		bad("signature.rs256-of-sha1", "an RS256 signature over SHA-1", reason, "RFC 7518 §3.3", rsaSigned(narrowcast.RS256, crypto.SHA1)).against("rs256"),
		bad("signature.rs256-of-sha512", "an RS256 signature over SHA-512", reason, "RFC 7518 §3.3", rsaSigned(narrowcast.RS256, crypto.SHA512)).against("rs256"),
		bad("signature.ps256-short-salt", "a PS256 signature with a salt of 20 bytes", reason, "RFC 7518 §3.5", pssSalt(20)).against("ps256").strict(),
		bad("signature.ps256-longest-salt", "a PS256 signature with the longest salt that fits", reason, "RFC 7518 §3.5", pssSalt(rsa.PSSSaltLengthAuto)).against("ps256").strict(),
		bad("signature.ed25519-not-reduced", "an Ed25519 signature with s above the order", reason, "RFC 8032 §5.1.7", notReduced).against("ed25519"),
	}
}

// altered signs the letter and changes it afterwards.
func altered(change func(l *letter)) forging {
	return func(l *letter) (string, error) {
		raw, err := l.sign(l.key.Algorithm, jose.Join(l.header.text(), l.payload.text()))
		if err != nil {
			return "", err
		}
		change(l)
		return jose.Seal(jose.Join(l.header.text(), l.payload.text()), raw), nil
	}
}

// resigned alters the bytes of the signature.
func resigned(change func(raw []byte) []byte) forging {
	return edit(func(l *letter) { l.signature = change })
}

// onlyECDSA is for faults that only an ECDSA signature can have.
func onlyECDSA(how forging) forging {
	return func(l *letter) (string, error) {
		if _, ok := l.key.Signer.Public().(*ecdsa.PublicKey); !ok {
			return "", ErrNotApplicable
		}
		return how(l)
	}
}

func orders(l *letter) (string, error) {
	public, ok := l.key.Signer.Public().(*ecdsa.PublicKey)
	if !ok {
		return "", ErrNotApplicable
	}
	order := public.Curve.Params().N.Bytes()
	return resigned(func([]byte) []byte { return append(append([]byte{}, order...), order...) })(l)
}

// der writes r||s as the ASN.1 sequence that X.509 and TLS use.
func der(raw []byte) []byte {
	var body []byte
	for _, half := range [][]byte{raw[:len(raw)/2], raw[len(raw)/2:]} {
		n := new(big.Int).SetBytes(half).Bytes()
		if n[0]&0x80 != 0 {
			n = append([]byte{0}, n...)
		}
		body = append(append(body, 0x02, byte(len(n))), n...)
	}
	return append([]byte{0x30, byte(len(body))}, body...)
}

func rsaSigned(alg narrowcast.Algorithm, hash crypto.Hash) forging {
	return withDigest(alg, hash, hash)
}

func pssSalt(length int) forging {
	return withDigest(narrowcast.PS256, crypto.SHA256, &rsa.PSSOptions{SaltLength: length, Hash: crypto.SHA256})
}

// withDigest signs the digest of another hash, or with other options.
func withDigest(alg narrowcast.Algorithm, hash crypto.Hash, opts crypto.SignerOpts) forging {
	return func(l *letter) (string, error) {
		l.useKey(l.w.Keys.key(alg))
		input := jose.Join(l.header.text(), l.payload.text())
		h := hash.New()
		h.Write([]byte(input))
		raw, err := l.key.Signer.Sign(rand.Reader, h.Sum(nil), opts)
		if err != nil {
			return "", err
		}
		return jose.Seal(input, raw), nil
	}
}

// notReduced adds the order of the group to s, which verifies when nobody looks.
func notReduced(l *letter) (string, error) {
	l.useKey(l.w.Keys.key(narrowcast.Ed25519))
	return resigned(func(raw []byte) []byte {
		const order = "7237005577332262213973186563042994240857116359379907606001950938285454250989"
		s := new(big.Int).SetBytes(reversed(raw[32:]))
		add, _ := new(big.Int).SetString(order, 10)
		sum := s.Add(s, add).FillBytes(make([]byte, 32))
		return append(raw[:32:32], reversed(sum)...)
	})(l)
}

func reversed(b []byte) []byte {
	out := make([]byte, len(b))
	for i := range b {
		out[len(b)-1-i] = b[i]
	}
	return out
}
