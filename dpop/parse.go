package dpop

import (
	"fmt"
	"io"

	"github.com/narrowcast-io/narrowcast/internal/jose"
	"github.com/narrowcast-io/narrowcast/internal/strictjson"
)

// Proof is a proof that was taken apart. Examine returns it, Use uses it up.
type Proof struct {
	thumbprint string // of a proof that passed
	alg        jose.Alg
	typ        string
	key        jose.JWK
	hasKey     bool
	id         string
	method     string
	uri        string
	tokenHash  string
	nonce      string
	issued     int64
	hasIssued  bool
	input, sig []byte
}

// Thumbprint is that of the key which made the proof (RFC 7638), base64url.
func (p *Proof) Thumbprint() string { return p.thumbprint }

// Format names a proof by the thumbprint of its key for every verb: its parts
// were chosen by whoever sent it.
func (p *Proof) Format(f fmt.State, _ rune) {
	if p == nil {
		_, _ = io.WriteString(f, "no proof")
		return
	}
	_, _ = io.WriteString(f, "proof by "+p.thumbprint)
}

func parse(text string) (*Proof, *Fault) {
	if len(text) > MaxProof {
		return nil, invalid("longer than %d bytes", MaxProof)
	}
	parts, err := jose.Split(text)
	if err != nil {
		return nil, invalid("not one JWS in compact form")
	}
	p := &Proof{input: parts.Input, sig: parts.Signature}
	if err := strictjson.Object(parts.Header, p.readHeader); err != nil {
		return nil, asFault(err, "the header cannot be read")
	}
	if err := strictjson.Object(parts.Payload, p.readClaim); err != nil {
		return nil, asFault(err, "the claims cannot be read")
	}
	return p, nil
}

func asFault(err error, otherwise string) *Fault {
	if f, ok := err.(*Fault); ok { //nolint:errorlint // the walk returns it as it is
		return f
	}
	return invalid("%s", otherwise)
}

func (p *Proof) readHeader(name string, v strictjson.Value) error {
	ok := true
	switch name {
	case "typ":
		p.typ, ok = v.Text()
	case "alg":
		var text string
		if text, ok = v.Text(); ok {
			p.alg, ok = jose.Known(text)
		}
	case "jwk":
		key, ours, err := jose.ParseKey(v)
		if err != nil || !ours {
			return invalid("the key in the header cannot be used")
		}
		p.key, p.hasKey = key, true
	case "crit", "b64", "jku", "x5u", "x5c", "kid":
		ok = name == "kid" // harmless: the key is in the header
	}
	if !ok {
		return invalid("header member %s is not allowed or has the wrong form", name)
	}
	return nil
}

func (p *Proof) readClaim(name string, v strictjson.Value) error {
	ok := true
	switch name {
	case "jti":
		p.id, ok = v.Text()
	case "htm":
		p.method, ok = v.Text()
	case "htu":
		p.uri, ok = v.Text()
	case "ath":
		p.tokenHash, ok = v.Text()
	case "nonce":
		p.nonce, ok = v.Text()
	case "iat":
		p.issued, p.hasIssued = v.Date()
		ok = p.hasIssued
	}
	if !ok {
		return invalid("claim %s has the wrong form", name)
	}
	return nil
}
