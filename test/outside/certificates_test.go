package outside_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// papers are a certificate and its key in files, as curl and the command take
// them.
type papers struct {
	certificate, key string // file names, PEM
	parsed           *x509.Certificate
	signer           *ecdsa.PrivateKey
}

// template is a certificate for both ends of a connection on this machine.
func template(name string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
}

// selfSigned makes a certificate that nobody vouches for.
func selfSigned(t *testing.T, name string, change func(*x509.Certificate)) papers {
	t.Helper()
	return certify(t, nil, name, change)
}

// authority makes a certificate that may vouch for others.
func authority(t *testing.T, name string) papers {
	t.Helper()
	return certify(t, nil, name, func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
		c.DNSNames, c.IPAddresses, c.ExtKeyUsage = nil, nil, nil
	})
}

// vouch makes a certificate with the word of an authority.
func (p papers) vouch(t *testing.T, name string, change func(*x509.Certificate)) papers {
	t.Helper()
	return certify(t, &p, name, change)
}

func certify(t *testing.T, by *papers, name string, change func(*x509.Certificate)) papers {
	t.Helper()
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	c := template(name)
	c.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62))
	must(t, err)
	if change != nil {
		change(c)
	}
	parent, key := c, signer
	if by != nil {
		parent, key = by.parsed, by.signer
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, signer.Public(), key)
	must(t, err)
	parsed, err := x509.ParseCertificate(der)
	must(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(signer)
	must(t, err)
	dir := t.TempDir()
	p := papers{filepath.Join(dir, "certificate.pem"), filepath.Join(dir, "key.pem"), parsed, signer}
	must(t, os.WriteFile(p.certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	must(t, os.WriteFile(p.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	return p
}

// expired is a change of a certificate: it ended a minute ago.
func expired(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }
