package dpop

import (
	"crypto"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/jose"
)

// Prover makes proofs with one key. It does not print its key. The zero Prover
// makes none.
type Prover struct {
	alg        jose.Alg
	signer     crypto.Signer
	header     string
	thumbprint string
}

// NewProver makes a Prover for a signer, which may live elsewhere.
func NewProver(alg narrowcast.Algorithm, signer crypto.Signer) (*Prover, error) {
	if signer == nil {
		return nil, errors.New("dpop: a signer is required")
	}
	known, err := narrowcast.ParseAlgorithm(string(alg))
	if err != nil {
		return nil, fmt.Errorf("dpop: %w", err)
	}
	if !jose.Fits(jose.Alg(known), signer.Public()) {
		return nil, fmt.Errorf("dpop: the key of the signer does not fit %s, or is too weak", known)
	}
	key, err := jose.MarshalKey(signer.Public())
	if err != nil {
		return nil, fmt.Errorf("dpop: %w", err)
	}
	thumbprint, err := jose.Thumbprint(signer.Public())
	if err != nil {
		return nil, fmt.Errorf("dpop: %w", err)
	}
	header := `{"typ":"dpop+jwt","alg":"` + string(known) + `","jwk":` + string(key) + `}`
	return &Prover{alg: jose.Alg(known), signer: signer, header: header, thumbprint: thumbprint}, nil
}

// Thumbprint is the cnf.jkt of tokens that are bound to the key; "" for the zero
// Prover.
func (p *Prover) Thumbprint() string {
	if p == nil {
		return ""
	}
	return p.thumbprint
}

// Format names the prover by its thumbprint for every verb.
func (p *Prover) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "prover "+p.Thumbprint()) }

// Prove makes the proof for one request: its method, its address without query
// and fragment, the token that goes along ("" at a token endpoint) and the nonce
// that the server demanded ("" if it did not).
func (p *Prover) Prove(method, uri, token, nonce string, now time.Time) (string, error) {
	if p == nil || p.signer == nil {
		return "", errors.New("dpop: the prover was never configured")
	}
	uri, _, _ = strings.Cut(uri, "#")
	uri, _, _ = strings.Cut(uri, "?")
	claims := struct {
		ID     string `json:"jti"`
		Method string `json:"htm"`
		URI    string `json:"htu"`
		Issued int64  `json:"iat"`
		Hash   string `json:"ath,omitempty"`
		Nonce  string `json:"nonce,omitempty"`
	}{ID: rand.Text(), Method: method, URI: uri, Issued: now.Unix(), Nonce: nonce}
	if token != "" {
		claims.Hash = hashOf(token)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("dpop: %w", err)
	}
	input := jose.Join(p.header, string(payload))
	signature, err := jose.Sign(p.alg, p.signer, input)
	if err != nil {
		return "", fmt.Errorf("dpop: signing: %w", err)
	}
	return jose.Seal(input, signature), nil
}
