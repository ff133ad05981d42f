// Package jose is the part of JOSE that access tokens need and nothing else:
// the compact serialization of JWS (RFC 7515 section 7.1), six signature
// algorithms (RFC 7518, RFC 8037, RFC 9864) and public keys as JWK (RFC 7517).
// There is no encryption, no JSON serialization, no symmetric algorithm and no
// "none": code that is absent cannot be confused.
package jose

import (
	"encoding/base64"
	"errors"
	"strings"
)

// MaxCompact bounds the length of a compact serialization in bytes. Proxies
// refuse header lines far below it.
const MaxCompact = 16 << 10

// Errors of Split.
var (
	ErrTooLarge = errors.New("longer than the limit")
	ErrShape    = errors.New("not three parts of base64url without padding")
)

// Compact is a JWS cut into its parts. Header and Payload are decoded, nothing
// is checked yet.
type Compact struct {
	Header    string // the decoded JOSE header
	Payload   string // the decoded payload
	Text      []byte // the whole serialization as it was received
	Input     []byte // what was signed: the first two parts of Text
	Signature []byte
}

// Split cuts a compact serialization apart. It accepts one spelling of the bytes:
// no padding, no white space, no line breaks, no loose trailing bits. Otherwise
// one token would have many fingerprints. An ECDSA signature still has a twin.
func Split(text string) (Compact, error) {
	if len(text) > MaxCompact {
		return Compact{}, ErrTooLarge
	}
	first := strings.IndexByte(text, '.')
	last := strings.LastIndexByte(text, '.')
	if first <= 0 || last <= first+1 || last == len(text)-1 {
		return Compact{}, ErrShape
	}
	// The decoder of the standard library skips line breaks; we do not.
	if strings.IndexByte(text, '\n') >= 0 || strings.IndexByte(text, '\r') >= 0 {
		return Compact{}, ErrShape
	}
	// One copy of the text, with room for the signature behind it.
	whole := append(make([]byte, 0, len(text)+len(text)-last), text...)
	signature, err := decode(whole, whole[last+1:])
	if err != nil {
		return Compact{}, ErrShape
	}
	var scratch [2048]byte
	header, err := decode(scratch[:0], whole[:first])
	if err != nil {
		return Compact{}, ErrShape
	}
	both, err := decode(header, whole[first+1:last])
	if err != nil {
		return Compact{}, ErrShape
	}
	decoded := string(both)
	return Compact{
		Header: decoded[:len(header)], Payload: decoded[len(header):],
		Text: whole, Input: whole[:last], Signature: signature[len(whole):],
	}, nil
}

func decode(dst, part []byte) ([]byte, error) {
	return base64.RawURLEncoding.Strict().AppendDecode(dst, part)
}

// Join makes the signing input of a header and a payload.
func Join(header, payload string) string {
	enc := base64.RawURLEncoding
	b := make([]byte, 0, enc.EncodedLen(len(header))+1+enc.EncodedLen(len(payload)))
	b = enc.AppendEncode(b, []byte(header))
	b = append(b, '.')
	b = enc.AppendEncode(b, []byte(payload))
	return string(b)
}

// Seal appends a signature to its signing input.
func Seal(input string, signature []byte) string {
	enc := base64.RawURLEncoding
	b := make([]byte, 0, len(input)+1+enc.EncodedLen(len(signature)))
	b = append(b, input...)
	b = append(b, '.')
	return string(enc.AppendEncode(b, signature))
}
