package guard

import (
	"net/http"
	"strings"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/dpop"
)

// Presenter is who shows a token, as far as that is proved. Each field may be empty.
type Presenter struct {
	SPIFFEID    string // in the certificate of the connection, when the listener verified it
	Certificate string // SHA-256 thumbprint of the certificate (RFC 8705 section 3.1)
	Key         string // thumbprint of the key of a proof of possession (RFC 9449 section 6.1)
}

// passedThrough begins the Detail of a token that its own addressee showed elsewhere.
const passedThrough = "passthrough: shown by the party that it is addressed to"

// namePassthrough tells a service that forwards the tokens it gets from somebody who
// stole one.
func (g *Guard) namePassthrough(k *knock, token string, rej *narrowcast.Rejection) {
	if g.passthrough == nil || !rej.Genuine || !rej.OffTarget() {
		return
	}
	who := Presenter{SPIFFEID: k.spiffe, Certificate: k.certificate, Key: g.keyOf(k, token)}
	if who == (Presenter{}) {
		return
	}
	for _, own := range g.passthrough(who) {
		for _, received := range rej.Received {
			if !own.Names(received) {
				continue
			}
			if rej.Detail != "" {
				rej.Detail = "; " + rej.Detail
			}
			rej.Detail = passedThrough + rej.Detail
			return
		}
	}
}

// keyOf returns the thumbprint of the key of a proof. The verifier has asked for it
// when the token is bound, and not otherwise.
func (g *Guard) keyOf(k *knock, token string) string {
	switch {
	case k.shown.proof != nil:
		return k.shown.proof.Thumbprint()
	case g.possession.checker == nil || k.shown.fault != nil || len(k.shown.proofs) == 0:
		return ""
	}
	proof, err := g.possession.checker.Examine(dpop.Shown{
		Proofs: k.shown.proofs, Method: k.method, URI: g.possession.origin + k.shown.received, Token: token,
	})
	if err != nil {
		return ""
	}
	return proof.Thumbprint()
}

// spiffeOf returns the SPIFFE ID of the certificate of the connection, when the
// listener found it to be in order. Without that anybody could write any name.
func spiffeOf(r *http.Request) string {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 || len(r.TLS.PeerCertificates) == 0 {
		return ""
	}
	uris := r.TLS.PeerCertificates[0].URIs
	if len(uris) != 1 || !strings.EqualFold(uris[0].Scheme, "spiffe") { // X509-SVID section 2
		return ""
	}
	return uris[0].String()
}
