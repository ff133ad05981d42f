package issuer

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"time"

	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Proofs checks proofs of possession (RFC 9449 section 4.3). Its error is a
// *Refusal with ProofInvalid, ProofReplayed, NonceNeeded or Unavailable when the
// answer is no, and any other error when the answer could not be found out.
type Proofs interface {
	// Check takes the values of all DPoP headers of a request, of which there is
	// at least one. A proof that passed is used up.
	Check(proofs []string) (Proof, error)
}

// Proof is a proof of possession that was found good.
type Proof struct {
	Thumbprint string    // of the key, base64url: cnf.jkt (RFC 9449 section 6.1)
	ID         string    // the jti
	Until      time.Time // from here on it would be too old
}

// minLife is the shortest life of a token, and of what one is based on.
const minLife = time.Second

// possess checks the proof of possession. It comes after authentication: the
// memory of proofs is not for strangers to fill.
func (d *Desk) possess(v *visit) *Refusal {
	if d.config.Proofs == nil || len(v.request.Proofs) == 0 {
		return nil
	}
	proof, err := d.config.Proofs.Check(v.request.Proofs)
	switch {
	case err != nil:
		return refusalOf(err, "checking the proof of possession")
	case proof.Thumbprint == "" || proof.ID == "" || proof.Until.IsZero():
		return &Refusal{Ground: Broken, Detail: "a proof of possession was accepted that names no key, no id or no end"}
	}
	v.proof = proof
	return nil
}

// once are the ids that this visit uses up. Replicas share the memory of proofs
// through the book. The id of a proof is the choice of its sender, so the book
// gets its hash.
func (v *visit) once() []store.Once {
	if v.proof.Thumbprint == "" {
		return v.who.Once
	}
	return append(v.who.Once[:len(v.who.Once):len(v.who.Once)], store.Once{
		Space: "dpop " + v.proof.Thumbprint, ID: thumbprint([]byte(v.proof.ID)), Until: v.proof.Until,
	})
}

// certificate is the certificate that a token may be bound to, or nil. Whoever
// shows one has proved its key by the handshake; the binding needs no more than
// that (RFC 8705 sections 3 and 4). One that is not in force names nobody.
func (v *visit) certificate() *x509.Certificate {
	chain := v.request.Credentials.Certificates
	if len(chain) == 0 || chain[0] == nil || v.at.Before(chain[0].NotBefore) || chain[0].NotAfter.Sub(v.at) < minLife {
		return nil
	}
	return chain[0]
}

// confirmation is what the rules bind the token to. A binding without its key
// would be a bearer token.
func (v *visit) confirmation() (mint.Confirmation, *Refusal) {
	var cnf mint.Confirmation
	if v.rule.Bind.DPoP {
		cnf.Key = v.proof.Thumbprint
	}
	if certificate := v.certificate(); v.rule.Bind.MTLS && certificate != nil {
		cnf.Certificate = thumbprint(certificate.Raw)
	}
	if v.rule.Bind.DPoP && cnf.Key == "" || v.rule.Bind.MTLS && cnf.Certificate == "" {
		return cnf, &Refusal{Ground: Broken, Detail: "the rules bind the token to a key that nobody proved"}
	}
	return cnf, nil
}

func thumbprint(b []byte) string {
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
