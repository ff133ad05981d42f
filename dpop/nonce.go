package dpop

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// Nonces makes and recognizes the nonces that a server demands in proofs. They
// hold a time and a keyed hash of it, so nothing is stored; servers that share
// the secret recognize each other's.
type Nonces struct {
	secret []byte
	life   time.Duration
}

// NewNonces makes Nonces. The secret has 32 bytes or more, or is nil for one of
// this process alone; a nonce is good for life, at most an hour.
func NewNonces(secret []byte, life time.Duration) (*Nonces, error) {
	if life <= 0 || life > time.Hour {
		return nil, errors.New("dpop: the life of a nonce must be positive and at most an hour")
	}
	if secret == nil {
		secret = make([]byte, 32)
		_, _ = rand.Read(secret) // never fails
	}
	if len(secret) < 32 {
		return nil, errors.New("dpop: the secret of nonces needs 32 bytes")
	}
	return &Nonces{secret: append([]byte(nil), secret...), life: life}, nil
}

// New returns the nonce to send in the DPoP-Nonce header now.
func (n *Nonces) New(now time.Time) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(max(0, now.Unix())))
	return base64.RawURLEncoding.EncodeToString(append(b[:], n.seal(b[:])...))
}

func (n *Nonces) seal(b []byte) []byte {
	h := hmac.New(sha256.New, n.secret)
	h.Write([]byte("narrowcast dpop nonce 1\n"))
	h.Write(b)
	return h.Sum(nil)[:16]
}

// Format hides the secret for every verb.
func (n *Nonces) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "nonces") }

func (n *Nonces) valid(nonce string, now time.Time) bool {
	age, ours := n.age(nonce, now)
	return ours && age <= int64(n.life.Seconds())
}

// young reports a nonce that need not be replaced yet.
func (n *Nonces) young(nonce string, now time.Time) bool {
	age, ours := n.age(nonce, now)
	return ours && 2*age <= int64(n.life.Seconds())
}

// maxAhead is how far the clock of another server that shares the secret may be
// ahead, in seconds.
const maxAhead = 5

// age is how many seconds ago a nonce was made.
func (n *Nonces) age(nonce string, now time.Time) (seconds int64, ours bool) {
	if len(nonce) != base64.RawURLEncoding.EncodedLen(8+16) {
		return 0, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(nonce)
	if err != nil || len(raw) != 8+16 || !hmac.Equal(n.seal(raw[:8]), raw[8:]) {
		return 0, false
	}
	seconds = now.Unix() - int64(binary.BigEndian.Uint64(raw[:8])) //nolint:gosec // G115: we wrote it
	return seconds, seconds >= -maxAhead
}
