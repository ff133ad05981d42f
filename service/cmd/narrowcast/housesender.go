package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/dpop"
	"github.com/narrowcast-io/narrowcast/guard"
	"github.com/narrowcast-io/narrowcast/service/internal/httpapi"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
	"github.com/narrowcast-io/narrowcast/service/internal/settings"
)

// makeProofs makes the checker of proofs of possession. The secret of the nonces
// comes from the master key, so that all replicas know each other's.
func (h *house) makeProofs() error {
	s := h.settings.DPoP
	if !s.Offered {
		return nil
	}
	var nonces *dpop.Nonces
	if s.Nonces {
		master, err := readMasterKey(h.settings.MasterKeyFile)
		if err != nil {
			return err
		}
		mac := hmac.New(sha256.New, master)
		mac.Write([]byte("narrowcast dpop nonces"))
		if nonces, err = dpop.NewNonces(mac.Sum(nil), nonceLife); err != nil {
			return err
		}
	}
	var err error
	h.proofs, err = dpop.New(dpop.Config{
		Algorithms: []narrowcast.Algorithm{narrowcast.ES256, narrowcast.ES384, narrowcast.Ed25519, narrowcast.PS256, narrowcast.RS256},
		Now:        h.now, Window: s.Window, Capacity: s.Memory, Nonces: nonces,
	})
	return err
}

// proofs checks what comes to the token endpoint. The address that a proof must
// name is that of the settings.
type proofs struct {
	checker *dpop.Checker
	address string
	window  time.Duration
}

// Check uses a proof up.
func (p proofs) Check(shown []string) (issuer.Proof, error) {
	proof, err := p.checker.Examine(dpop.Shown{Proofs: shown, Method: http.MethodPost, URI: p.address})
	if err == nil {
		err = p.checker.Use(proof)
	}
	if err != nil {
		return issuer.Proof{}, unproved(err)
	}
	return issuer.Proof{Thumbprint: proof.Thumbprint(), ID: proof.ID(), Until: proof.Until(p.window)}, nil
}

func unproved(err error) error {
	var fault *dpop.Fault
	if !errors.As(err, &fault) {
		return err
	}
	ground := map[dpop.Kind]issuer.Ground{
		dpop.Replayed: issuer.ProofReplayed, dpop.NonceNeeded: issuer.NonceNeeded, dpop.Full: issuer.Unavailable,
	}
	refusal := &issuer.Refusal{Ground: issuer.ProofInvalid, Detail: fault.Error()}
	if g, known := ground[fault.Kind]; known {
		refusal.Ground = g
	}
	return refusal
}

// portOfProofs is nil when proofs are not offered.
func (h *house) portOfProofs() issuer.Proofs {
	if h.proofs == nil {
		return nil
	}
	window := h.settings.DPoP.Window
	if window == 0 {
		window = dpop.DefaultWindow
	}
	return proofs{h.proofs, httpapi.TokenEndpoint(h.settings.Issuer), window}
}

// senders tells the wire how keys of senders arrive.
func (h *house) senders(c *httpapi.Config) {
	c.DoorProofs = guard.DPoP{Checker: h.proofs}
	c.Offers.ProofAlgorithms = h.proofs.Algorithms()
	if h.settings.DPoP.Nonces && h.proofs != nil {
		c.Nonce = func() string { return h.proofs.NextNonce(nil) }
	}
	header := certificateHeaders()[h.settings.CertificateHeader.Dialect]
	arrive := guard.Certificates{Asked: h.settings.ClientCertificates, Header: header, From: h.settings.CertificateHeader.From}
	if !arrive.Asked && header == guard.NoCertificateHeader {
		return
	}
	c.DoorCertificates = arrive
	c.Offers.CertificateBound = true
	c.Offers.AuthMethods = []string{registry.TLSClientAuth, registry.SelfSignedTLS}
	c.Certificates = func(r *http.Request) []*x509.Certificate {
		chain, err := arrive.Chain(r)
		if err != nil {
			h.log.Warn("a certificate that a proxy handed on cannot be read", "error", err.Error())
		}
		return chain
	}
}

// certificateHeaders are the ways of the settings.
func certificateHeaders() map[string]guard.CertificateHeader {
	return map[string]guard.CertificateHeader{
		settings.ClientCert: guard.ClientCert, settings.SSLClientCert: guard.SSLClientCert, settings.XForwardedClientCert: guard.XForwardedClientCert,
	}
}

// askClients makes the listener ask for a certificate. Any will do there: the
// registry says which one is whose, and no authority of the system has a say.
func (h *house) askClients(c *tls.Config) error {
	if h.settings.ClientCertificates {
		c.ClientAuth = tls.RequestClientCert
	}
	return nil
}
