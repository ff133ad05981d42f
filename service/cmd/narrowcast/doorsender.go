package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/dpop"
	"github.com/narrowcast-io/narrowcast/guard"
	"github.com/narrowcast-io/narrowcast/service/internal/settings"
)

// nonceLife is how long a nonce of a guard is good.
const nonceLife = 5 * time.Minute

// sender sets what the guard demands of those who show tokens.
func (d *door) sender(c *guard.Config) error {
	s := d.settings
	c.Certificates = guard.Certificates{Asked: s.Clients.Ask, Header: certificateHeaders()[s.CertificateHeader.Dialect], From: s.CertificateHeader.From}
	c.Passthrough = served(s.Passthrough)
	switch s.Sender {
	case settings.SenderRequired:
		c.Sender = guard.SenderRequired
	case settings.SenderPreferred:
		c.Sender = guard.SenderPreferred
	default:
		c.Sender = guard.SenderBearer
		return nil
	}
	nonces, err := noncesOf(s.DPoP)
	if err != nil {
		return err
	}
	checker, err := dpop.New(dpop.Config{
		Algorithms: s.DPoP.Algorithms, Now: c.Now, Window: s.DPoP.Window, Capacity: s.DPoP.Memory, Nonces: nonces,
	})
	c.DPoP = guard.DPoP{Checker: checker, Origin: s.DPoP.Origin}
	return err
}

// served answers which audiences a presenter serves; nil when nobody is named.
func served(by []settings.Forwarder) func(guard.Presenter) []narrowcast.Audience {
	if len(by) == 0 {
		return nil
	}
	return func(p guard.Presenter) (all []narrowcast.Audience) {
		for _, f := range by {
			if f.SPIFFE != "" && f.SPIFFE == p.SPIFFEID || f.Certificate != "" && f.Certificate == p.Certificate || f.Key != "" && f.Key == p.Key {
				all = append(all, f.Audience)
			}
		}
		return all
	}
}

func noncesOf(s settings.GuardDPoP) (*dpop.Nonces, error) {
	if !s.Nonces {
		return nil, nil
	}
	var secret []byte
	if s.NonceSecretFile != "" {
		var err error
		if secret, err = readBounded(s.NonceSecretFile, 4<<10); err != nil {
			return nil, fmt.Errorf("dpop.nonce_secret_file: %w", err)
		}
		if len(secret) < 32 {
			return nil, errors.New("dpop.nonce_secret_file: needs 32 bytes or more")
		}
	}
	return dpop.NewNonces(secret, nonceLife)
}

// askCallers makes a listener ask for a certificate. Without a file of authorities
// any one will do, because it is the token that says whose it must be; those of the
// system are never used: nobody there knows our callers.
func (d *door) askCallers(c *tls.Config) error {
	callers := d.settings.Clients
	switch {
	case !callers.Ask:
		return nil
	case callers.CAFile == "":
		c.ClientAuth = tls.RequestClientCert
		return nil
	}
	text, err := readBounded(callers.CAFile, 1<<20)
	if err != nil {
		return fmt.Errorf("tls.client_ca_file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return errors.New("tls.client_ca_file: there is no certificate in it")
	}
	c.ClientAuth, c.ClientCAs = tls.VerifyClientCertIfGiven, pool
	return nil
}
