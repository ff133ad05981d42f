package dpop

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/jose"
)

// Check decides about the proof of a request by the list of RFC 9449 section
// 4.3 and returns the thumbprint of the key that made it (RFC 7638, base64url),
// which must then be compared with the cnf.jkt of the token. The error is a
// *Fault. A proof that passed is used up. It is Examine and Use at once, for a
// desk that has nothing else to ask first.
func (c *Checker) Check(s Shown) (thumbprint string, err error) {
	p, err := c.Examine(s)
	if err != nil {
		return "", err
	}
	return p.thumbprint, c.Use(p)
}

// Examine decides about everything in a proof that does not depend on what was
// shown before: the list of RFC 9449 section 4.3 but for the nonce. The error is
// a *Fault. Nothing is remembered, so nobody can fill the memory with proofs by
// keys that no token is bound to, or learn from a demand for a nonce that a
// token which is not his is good.
func (c *Checker) Examine(s Shown) (*Proof, error) {
	if c == nil || c.now == nil {
		return nil, invalid("the checker was never configured")
	}
	if len(s.Proofs) != 1 {
		return nil, invalid("%d DPoP header fields, and one is needed", len(s.Proofs))
	}
	p, fault := parse(s.Proofs[0])
	if fault == nil {
		fault = c.judge(p, s)
	}
	if fault != nil {
		return nil, fault
	}
	thumbprint, err := jose.Thumbprint(p.key.Public)
	if err != nil {
		return nil, invalid("the key has no thumbprint")
	}
	p.thumbprint = thumbprint
	return p, nil
}

// Use uses up a proof that Examine returned: its nonce must be good, if nonces
// are demanded, and it must not have been used before. Ask when all else about
// the request is right. The error is a *Fault.
func (c *Checker) Use(p *Proof) error {
	if c == nil || c.now == nil || p == nil || p.thumbprint == "" {
		return invalid("the checker was never configured, or the proof did not pass")
	}
	now := c.now()
	if c.nonces != nil && !c.nonces.valid(p.nonce, now) {
		return &Fault{Kind: NonceNeeded, Detail: "the nonce is missing or not valid any more", Claim: "nonce"}
	}
	if fault := c.seen.use(p.thumbprint, p.id, now); fault != nil {
		return fault
	}
	return nil
}

// ID returns the jti, which the sender chose.
func (p *Proof) ID() string { return p.id }

// Until returns when the proof will be too old for any checker with this window.
// Checkers that share a memory elsewhere keep ID and Thumbprint until then.
func (p *Proof) Until(window time.Duration) time.Time {
	return time.Unix(p.issued, 0).Add(window + time.Second)
}

// NextNonce returns the nonce that the answer to a request should carry in the
// DPoP-Nonce header (RFC 9449 section 8.2): a new one when the one of p is past
// half its life or p is nil, and "" when there is no need or nonces are not
// demanded.
func (c *Checker) NextNonce(p *Proof) string {
	if c == nil || c.nonces == nil {
		return ""
	}
	now := c.now()
	if p != nil && c.nonces.young(p.nonce, now) {
		return ""
	}
	return c.nonces.New(now)
}

// Algorithms returns the names of the algorithms that a proof may use, for
// metadata and challenges. Ed25519 has both its names (RFC 9864 section 2.2).
func (c *Checker) Algorithms() []string {
	if c == nil {
		return nil
	}
	var names []string
	for _, alg := range c.algorithms {
		names = append(names, string(alg))
		if alg == narrowcast.Ed25519 {
			names = append(names, string(jose.EdDSA))
		}
	}
	return names
}

// judge goes through the list. The signature comes before the claims, so that
// what is said of a claim is said of somebody's real proof.
func (c *Checker) judge(p *Proof, s Shown) *Fault {
	switch {
	case strings.TrimPrefix(strings.ToLower(p.typ), "application/") != "dpop+jwt":
		return invalid("typ is not dpop+jwt")
	case !slices.Contains(c.algorithms, narrowcast.Algorithm(p.alg)):
		return invalid("the algorithm is not allowed")
	case !p.hasKey:
		return invalid("there is no key in the header")
	case p.key.Alg != "" && p.key.Alg != p.alg: // one key, one algorithm (RFC 8725 section 3.1)
		return invalid("the key in the header is for another algorithm")
	case jose.Verify(p.alg, p.key.Public, p.input, p.sig) != nil:
		return invalid("the signature does not match")
	case p.id == "" || len(p.id) > 256:
		return invalid("jti is missing or too long")
	case p.method != s.Method:
		return about("htm", "htm is not the method of the request")
	case !sameAddress(p.uri, s.URI):
		return about("htu", "htu is not the address of the request")
	case !p.hasIssued:
		return about("iat", "iat is missing")
	}
	now, window := c.now().Unix(), int64(c.window.Seconds())
	if p.issued > now+window || p.issued < now-window {
		return about("iat", "iat is too far from now")
	}
	return checkToken(p, s.Token)
}

// checkToken demands that the proof is about this very token (RFC 9449 section
// 4.3 item 12).
func checkToken(p *Proof, token string) *Fault {
	if token == "" {
		return nil
	}
	if subtle.ConstantTimeCompare([]byte(p.tokenHash), []byte(hashOf(token))) != 1 {
		return about("ath", "ath is not the hash of the token")
	}
	return nil
}

func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
