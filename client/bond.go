package client

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast/dpop"
)

// Bounds on what is remembered of servers that demand nonces.
const (
	maxNonces = 256
	maxNonce  = 1024 // bytes
)

// bond is the key that the tokens of a Source are bound to (RFC 9449), and the
// nonces that servers want to see with it. A nil bond binds nothing.
type bond struct {
	prover *dpop.Prover
	now    func() time.Time

	mu     sync.Mutex
	nonces map[string]string
}

func newBond(c Config) *bond {
	if c.DPoP == nil {
		return nil
	}
	return &bond{prover: c.DPoP, now: c.Now, nonces: make(map[string]string)}
}

// atIssuer is the name under which the nonce of the issuer is kept. A nonce of an
// issuer is none of a resource server, even at the same origin (RFC 9449 section
// 9).
const atIssuer = "issuer"

// proof makes the proof for one request. server names whose nonce is put in.
func (b *bond) proof(method string, u *url.URL, token, server string) (string, error) {
	if u == nil || u.Host == "" {
		return "", errors.New("the request has no address that a proof could name")
	}
	if method == "" {
		method = http.MethodGet
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	b.mu.Lock()
	nonce := b.nonces[server]
	b.mu.Unlock()
	return b.prover.Prove(method, origin(u)+path, token, nonce, b.now())
}

// learn keeps the nonce of an answer and reports whether there was one that can
// be used.
func (b *bond) learn(server string, h http.Header) bool {
	values := h.Values("DPoP-Nonce")
	if b == nil || len(values) != 1 || !isNonce(values[0]) {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, known := b.nonces[server]; !known && len(b.nonces) >= maxNonces {
		for any := range b.nonces {
			delete(b.nonces, any)
			break
		}
	}
	b.nonces[server] = values[0]
	return true
}

// isNonce checks the characters of RFC 9449 section 8.1.
func isNonce(s string) bool {
	if s == "" || len(s) > maxNonce {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// wantsNonce reports whether a resource server asks for a nonce (RFC 9449 section
// 9).
func wantsNonce(resp *http.Response) bool {
	if resp.StatusCode != http.StatusUnauthorized {
		return false
	}
	for _, challenge := range resp.Header.Values("WWW-Authenticate") {
		if strings.Contains(challenge, "use_dpop_nonce") {
			return true
		}
	}
	return false
}
