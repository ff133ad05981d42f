package dpop

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/jose"
	"github.com/narrowcast-io/narrowcast/internal/strictjson"
)

// Check decides about the proof of a request by the list of RFC 9449 section
// 4.3 and returns the thumbprint of the key that made it (RFC 7638, base64url),
// which must then be compared with the cnf.jkt of the token. The error is a
// *Fault. A proof that passed is used up.
func (c *Checker) Check(s Shown) (thumbprint string, err error) {
	if c == nil || c.now == nil {
		return "", invalid("the checker was never configured")
	}
	if len(s.Proofs) != 1 {
		return "", invalid("%d DPoP header fields, and one is needed", len(s.Proofs))
	}
	p, fault := parse(s.Proofs[0])
	if fault == nil {
		fault = c.judge(p, s)
	}
	if fault != nil {
		return "", fault
	}
	if thumbprint, err = jose.Thumbprint(p.key.Public); err != nil {
		return "", invalid("the key has no thumbprint")
	}
	if fault := c.seen.use(thumbprint, p.id, c.now()); fault != nil {
		return "", fault
	}
	return thumbprint, nil
}

// proof is a proof taken apart.
type proof struct {
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

func parse(text string) (*proof, *Fault) {
	if len(text) > MaxProof {
		return nil, invalid("longer than %d bytes", MaxProof)
	}
	parts, err := jose.Split(text)
	if err != nil {
		return nil, invalid("not one JWS in compact form")
	}
	p := &proof{input: parts.Input, sig: parts.Signature}
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

func (p *proof) readHeader(name string, v strictjson.Value) error {
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

func (p *proof) readClaim(name string, v strictjson.Value) error {
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

// judge goes through the list. The signature comes before the claims, so that
// what is said of a claim is said of somebody's real proof.
func (c *Checker) judge(p *proof, s Shown) *Fault {
	switch {
	case !strings.EqualFold(strings.TrimPrefix(strings.ToLower(p.typ), "application/"), "dpop+jwt"):
		return invalid("typ is not dpop+jwt")
	case !slices.Contains(c.algorithms, narrowcast.Algorithm(p.alg)):
		return invalid("the algorithm is not allowed")
	case !p.hasKey:
		return invalid("there is no key in the header")
	case jose.Verify(p.alg, p.key.Public, p.input, p.sig) != nil:
		return invalid("the signature does not match")
	case p.id == "" || len(p.id) > 256:
		return invalid("jti is missing or too long")
	case p.method != s.Method:
		return invalid("htm is not the method of the request")
	case !sameAddress(p.uri, s.URI):
		return invalid("htu is not the address of the request")
	case !p.hasIssued:
		return invalid("iat is missing")
	}
	now, window := c.now().Unix(), int64(c.window.Seconds())
	if p.issued > now+window || p.issued < now-window {
		return invalid("iat is too far from now")
	}
	if fault := checkToken(p, s.Token); fault != nil {
		return fault
	}
	if c.nonces != nil && !c.nonces.valid(p.nonce, c.now()) {
		return &Fault{Kind: NonceNeeded, Detail: "the nonce is missing or not valid any more"}
	}
	return nil
}

// checkToken demands that the proof is about this very token (RFC 9449 section
// 4.3 item 12).
func checkToken(p *proof, token string) *Fault {
	if token == "" {
		return nil
	}
	if subtle.ConstantTimeCompare([]byte(p.tokenHash), []byte(hashOf(token))) != 1 {
		return invalid("ath is not the hash of the token")
	}
	return nil
}

func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// sameAddress compares two addresses without query and fragment, after the
// normalization of RFC 3986 section 6.2.2 and 6.2.3 that RFC 9449 section 4.3
// advises: case of scheme and host, default port, empty path.
func sameAddress(claimed, expected string) bool {
	a, okA := address(claimed)
	b, okB := address(expected)
	return okA && okB && a == b
}

func address(s string) (string, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || len(s) > 4096 {
		return "", false
	}
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	switch scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	default:
		return "", false
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	return scheme + "://" + host + path, true
}
