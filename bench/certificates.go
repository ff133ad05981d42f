package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"time"
)

// identity is a certificate with its key.
type identity struct {
	private     *ecdsa.PrivateKey
	certificate *x509.Certificate
}

// leaf says what a certificate is for. Without an authority it signs itself.
type leaf struct {
	dns, uri string
	loopback bool // for a server on this machine
}

// newAuthority makes an authority that lives as long as a benchmark. A failure
// of the random source is all that could go wrong, and that never happens.
func newAuthority(name string) *identity {
	a, err := sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}, nil)
	if err != nil {
		panic(err)
	}
	return a
}

func (a *identity) issue(l leaf) (*identity, error) {
	t := &x509.Certificate{
		Subject:  pkix.Name{CommonName: "bench"},
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	if l.dns != "" {
		t.DNSNames = []string{l.dns}
	}
	if l.loopback {
		t.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	if l.uri != "" {
		u, err := url.Parse(l.uri)
		if err != nil {
			return nil, err
		}
		t.URIs = []*url.URL{u}
	}
	return sign(t, a)
}

func sign(t *x509.Certificate, by *identity) (*identity, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	t.SerialNumber = new(big.Int).SetBytes([]byte(rand.Text())[:12])
	t.NotBefore, t.NotAfter = time.Now().Add(-time.Minute), time.Now().Add(time.Hour)
	parent, signer := t, private
	if by != nil {
		parent, signer = by.certificate, by.private
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent, &private.PublicKey, signer)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	return &identity{private, certificate}, err
}

// thumbprint is the x5t#S256 of RFC 8705.
func (i *identity) thumbprint() string {
	sum := sha256.Sum256(i.certificate.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (i *identity) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.certificate.Raw})
}

func (i *identity) writeKey(path string) error {
	der, err := x509.MarshalPKCS8PrivateKey(i.private)
	if err != nil {
		return err
	}
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}

func (i *identity) tls() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{i.certificate.Raw}, PrivateKey: i.private, Leaf: i.certificate}
}

// client is the TLS configuration of a caller that trusts one authority.
func (i *identity) client(authority *identity) *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(authority.certificate)
	c := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}
	if i != nil {
		c.Certificates = []tls.Certificate{i.tls()}
	}
	return c
}

func errStatus(status int) error { return fmt.Errorf("status %d", status) }
