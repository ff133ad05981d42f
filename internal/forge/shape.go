package forge

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/jose"
)

// shapes are texts that are not a JWS in compact form in its one spelling.
func shapes() []wrong {
	const clause = "RFC 7515 §7.1"
	malformed := narrowcast.Malformed
	return []wrong{
		bad("shape.empty", "there is no token", narrowcast.TokenMissing, "RFC 6750 §3.1", finished(func(string) string { return "" }), RawText),
		bad("shape.word", "a word", malformed, clause, finished(func(string) string { return "garbage" })),
		bad("shape.dots", "nothing but dots", malformed, clause, finished(func(string) string { return ".." })),
		bad("shape.two-parts", "the signature and its dot are missing", malformed, clause, finished(func(t string) string { return t[:strings.LastIndexByte(t, '.')] })),
		bad("shape.four-parts", "a fourth part", malformed, clause, finished(func(t string) string { return t + ".e30" })),
		bad("shape.five-parts", "five parts, as in an encrypted token", malformed, "RFC 7516 §7.1", finished(func(t string) string { return t + ".e30.e30" })),
		bad("shape.trailing-dot", "a dot at the end", malformed, clause, finished(func(t string) string { return t + "." })),
		bad("shape.leading-dot", "a dot at the beginning", malformed, clause, finished(func(t string) string { return "." + t })),
		bad("shape.tilde", "a tilde at the end, as in a selective disclosure token", malformed, clause, finished(func(t string) string { return t + "~" })),
		bad("shape.scheme-repeated", "the scheme name stands inside the token", malformed, clause, finished(func(t string) string { return "Bearer " + t }), RawText),
		bad("shape.quoted", "quotes around the token", malformed, "RFC 6750 §2.1", finished(func(t string) string { return `"` + t + `"` })),
		bad("shape.percent-encoded", "the dots are percent-encoded", malformed, clause, finished(func(t string) string { return strings.ReplaceAll(t, ".", "%2e") })),
		bad("shape.space-before", "a space before the token", malformed, clause, finished(func(t string) string { return " " + t }), RawText),
		bad("shape.space-after", "a space after the token", malformed, clause, finished(func(t string) string { return t + " " }), RawText),
		bad("shape.line-break-inside", "a line break inside the payload", malformed, "RFC 7515 §2: no line breaks", finished(lineBreak), RawText),
		bad("shape.line-break-after", "a line break after the token", malformed, "RFC 7515 §2: no line breaks", finished(func(t string) string { return t + "\n" }), RawText),
		bad("shape.carriage-return", "a carriage return after the token", malformed, "RFC 7515 §2: no line breaks", finished(func(t string) string { return t + "\r" }), RawText),
		bad("shape.nul-byte", "a NUL after the token", malformed, clause, finished(func(t string) string { return t + "\x00" }), RawText),
		bad("shape.hexadecimal", "the signature is written in hexadecimal with an odd length", malformed, clause, hexSignature),
		bad("shape.padded-header", "the header has base64 padding", malformed, "RFC 7515 §2: no padding", padded(0)),
		bad("shape.padded-payload", "the payload has base64 padding", malformed, "RFC 7515 §2: no padding", padded(1)),
		bad("shape.padded-signature", "the signature has base64 padding", malformed, "RFC 7515 §2: no padding", finished(func(t string) string { return t + "==" })),
		bad("shape.loose-bits-payload", "unused bits of the payload's last character are set", malformed, "RFC 4648 §3.5", looseBits),
		bad("shape.loose-bits-signature", "unused bits of the signature's last character are set", malformed, "RFC 4648 §3.5", finished(setLooseBit)),
		bad("shape.standard-alphabet", "the payload is in the alphabet with plus and slash", malformed, "RFC 7515 §2", standardAlphabet),
		bad("shape.plain-payload", "the payload is not encoded", malformed, clause, func(l *letter) (string, error) {
			return l.sealInput(strings.TrimSuffix(jose.Join(l.header.text(), ""), ".") + "." + l.payload.text())
		}),
		bad("shape.json-flattened", "the flattened JSON serialization", malformed, "RFC 7515 §7.2.2", finished(func(t string) string {
			p := strings.SplitN(t, ".", 3)
			return fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, p[0], p[1], p[2])
		})),
		bad("shape.json-general", "the general JSON serialization", malformed, "RFC 7515 §7.2.1", finished(func(t string) string {
			p := strings.SplitN(t, ".", 3)
			return fmt.Sprintf(`{"payload":%q,"signatures":[{"protected":%q,"signature":%q}]}`, p[1], p[0], p[2])
		})),
		bad("shape.too-large", "longer than any honest token", narrowcast.TooLarge, "RFC 8725 §3", edit(func(l *letter) {
			l.payload.set("padding", quoted(strings.Repeat("x", 20<<10)))
		})).strict(),
	}
}

func lineBreak(t string) string {
	middle := strings.IndexByte(t, '.') + 5
	return t[:middle] + "\n" + t[middle:]
}

// partly makes header and payload of such a length that the base64 form of each
// has unused bits, by adding white space.
func partly(l *letter) (header, payload string) {
	header, payload = l.header.text(), l.payload.text()
	for len(header)%3 == 0 {
		header += " "
	}
	for len(payload)%3 == 0 {
		payload += " "
	}
	return header, payload
}

// padded signs an input whose part has the padding that JOSE leaves out.
func padded(part int) forging {
	return func(l *letter) (string, error) {
		header, payload := partly(l)
		parts := [2]string{}
		for i, text := range []string{header, payload} {
			enc := base64.RawURLEncoding
			if i == part {
				enc = base64.URLEncoding
			}
			parts[i] = enc.EncodeToString([]byte(text))
		}
		return l.sealInput(parts[0] + "." + parts[1])
	}
}

func looseBits(l *letter) (string, error) {
	return l.sealInput(setLooseBit(jose.Join(partly(l))))
}

// setLooseBit sets the lowest bit of the last character.
func setLooseBit(t string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, t[len(t)-1])
	return t[:len(t)-1] + string(alphabet[last|1])
}

func standardAlphabet(l *letter) (string, error) {
	l.payload.set("note", `"???~~~"`) // encodes to characters in which the alphabets differ
	input := jose.Join(l.header.text(), l.payload.text())
	return l.sealInput(strings.NewReplacer("-", "+", "_", "/").Replace(input))
}

func hexSignature(l *letter) (string, error) {
	input := jose.Join(l.header.text(), l.payload.text())
	raw, err := l.sign(l.key.Algorithm, input)
	if err != nil {
		return "", err
	}
	return input + "." + hex.EncodeToString(raw) + "0", nil
}
