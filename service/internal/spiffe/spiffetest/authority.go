// Package spiffetest is a stand-in for a SPIFFE agent and its server: trust
// domains that issue SVIDs, and the Workload API over Unix sockets. It is for
// tests and demonstrations. Its keys are made anew each time and live in memory.
package spiffetest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"sync"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/jwtbundle"
	"github.com/spiffe/go-spiffe/v2/bundle/spiffebundle"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
)

// Lives of what an Authority issues.
const (
	authorityLife = 24 * time.Hour
	svidLife      = time.Hour
	tokenLife     = 5 * time.Minute
)

// Authority is one trust domain. It may be used by many goroutines.
type Authority struct {
	domain spiffeid.TrustDomain
	now    func() time.Time

	mu       sync.Mutex
	signer   *ecdsa.PrivateKey // of X.509-SVIDs
	cert     *x509.Certificate
	tokenKey *ecdsa.PrivateKey // of JWT-SVIDs
	tokenKid string
	bundle   *spiffebundle.Bundle
	serial   int64
	told     []func() // called at every change
}

// NewAuthority makes a trust domain with an authority and a key of its own.
func NewAuthority(domain string, now func() time.Time) (*Authority, error) {
	td, err := spiffeid.TrustDomainFromString(domain)
	if err != nil {
		return nil, fmt.Errorf("spiffetest: %w", err)
	}
	if now == nil {
		return nil, errors.New("spiffetest: give a clock")
	}
	a := &Authority{domain: td, now: now, bundle: spiffebundle.New(td)}
	a.bundle.SetRefreshHint(10 * time.Second)
	return a, errors.Join(a.RotateX509(), a.RotateJWT())
}

// Domain returns the name of the trust domain.
func (a *Authority) Domain() string { return a.domain.Name() }

// RotateX509 adds a new authority, which signs from now on.
func (a *Authority) RotateX509() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.serial++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(a.serial), Subject: pkix.Name{CommonName: a.domain.Name()}, URIs: []*url.URL{a.domain.ID().URL()},
		NotBefore: a.now().Add(-time.Minute), NotAfter: a.now().Add(authorityLife),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return err
	}
	a.signer = key
	a.bundle.AddX509Authority(a.cert)
	a.tell()
	return nil
}

// RotateJWT adds a new key of JWT-SVIDs, which signs from now on.
func (a *Authority) RotateJWT() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.serial++
	a.tokenKey, a.tokenKid = key, fmt.Sprintf("%s-%d", a.domain.Name(), a.serial)
	defer a.tell()
	return a.bundle.AddJWTAuthority(a.tokenKid, key.Public())
}

// Retire takes out of the bundle whatever does not sign any more.
func (a *Authority) Retire() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.bundle.SetX509Authorities([]*x509.Certificate{a.cert})
	a.bundle.SetJWTAuthorities(map[string]crypto.PublicKey{a.tokenKid: a.tokenKey.Public()})
	a.tell()
}

// Revoke takes everything out of the bundle.
func (a *Authority) Revoke() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.bundle.SetX509Authorities(nil)
	a.bundle.SetJWTAuthorities(nil)
	a.tell()
}

// Publish adds to the bundle what a careless or hostile domain may publish: it
// need not be an authority, nor strong.
func (a *Authority) Publish(cert *x509.Certificate, keys map[string]crypto.PublicKey) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if cert != nil {
		a.bundle.AddX509Authority(cert)
	}
	var errs []error
	for id, key := range keys {
		errs = append(errs, a.bundle.AddJWTAuthority(id, key))
	}
	a.tell()
	return errors.Join(errs...)
}

// tell counts the sequence of the bundle up and wakes the streams of the agents.
func (a *Authority) tell() {
	number, _ := a.bundle.SequenceNumber()
	a.bundle.SetSequenceNumber(number + 1)
	for _, told := range a.told {
		told()
	}
}

func (a *Authority) subscribe(told func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.told = append(a.told, told)
}

// Document returns the SPIFFE bundle document of the domain.
func (a *Authority) Document() ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.bundle.Marshal()
}

func (a *Authority) jwtBundle() *jwtbundle.Bundle { return a.bundle.JWTBundle() }

// certificates returns the authorities, DER, one after the other.
func (a *Authority) certificates() []byte {
	var der []byte
	for _, cert := range a.bundle.X509Authorities() {
		der = append(der, cert.Raw...)
	}
	return der
}
