//go:build !fast

package postgres_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/store/postgres"
	"github.com/narrowcast-io/narrowcast/service/internal/store/postgres/pgtest"
)

// selfSigned makes a certificate for an address.
func selfSigned(t *testing.T, ip net.IP) (certificate, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{ip}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}

// secured is the address of a server with the certificates that prove it.
func secured(t *testing.T, server *pgtest.Server, mode string, root []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(path, root, 0o600); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	u.RawQuery = url.Values{"sslmode": {mode}, "sslrootcert": {path}}.Encode()
	return u.String()
}

func TestServerProvesItself(t *testing.T) {
	ctx := context.Background()
	server := pgtest.Start(t)
	certificate, key := selfSigned(t, net.IPv4(127, 0, 0, 1))
	elsewhere, otherKey := selfSigned(t, net.IPv4(127, 0, 0, 2))
	if err := server.UseTLS(certificate, key); err != nil {
		t.Fatal(err)
	}
	c := config(server, "book")
	c.URL = secured(t, server, "verify-full", certificate)
	s := create(t, c)
	if _, err := s.Append(ctx, admin("a")); err != nil {
		t.Fatal(err)
	}
	var encrypted, clear int
	conn := rawConn(t, c)
	defer func() { _ = conn.Close(ctx) }()
	if err := conn.QueryRow(ctx, `SELECT count(*) FILTER (WHERE ssl), count(*) FILTER (WHERE NOT ssl)
		FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'narrowcast'`).Scan(&encrypted, &clear); err != nil {
		t.Fatal(err)
	}
	if encrypted == 0 || clear != 0 {
		t.Errorf("%d connections are encrypted, %d are not", encrypted, clear)
	}

	stranger := c
	stranger.URL = secured(t, server, "verify-full", elsewhere)
	if _, err := postgres.Open(ctx, stranger); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a server with another root: %v", err)
	}
	if err := server.UseTLS(elsewhere, otherKey); err != nil {
		t.Fatal(err)
	}
	if _, err := postgres.Open(ctx, stranger); err == nil || !strings.Contains(err.Error(), "127.0.0.2") {
		t.Errorf("a server with the certificate of another: %v", err)
	}
	// A certificate that does not fit is an answer, not a pause to wait for.
	if _, err := s.Append(ctx, admin("b")); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("Append: %v", err)
	}
	stranger.URL = secured(t, server, "verify-ca", elsewhere)
	reopen(t, stranger) // the control: that root and any name
}
