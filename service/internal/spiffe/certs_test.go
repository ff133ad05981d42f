package spiffe_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"math/big"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

func signedBy(t testing.TB, signer *x509.Certificate, with *ecdsa.PrivateKey, id string, now time.Time) *x509.Certificate {
	t.Helper()
	key := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	uri := must[*url.URL](t)(url.Parse(id))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), URIs: []*url.URL{uri}, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature,
		NotBefore: now.Add(-time.Minute), NotAfter: now.Add(time.Hour),
	}
	der := must[[]byte](t)(x509.CreateCertificate(rand.Reader, template, signer, key.Public(), with))
	return must[*x509.Certificate](t)(x509.ParseCertificate(der))
}

type tokenHeader struct{ Kid, Typ, Alg string }

func header(t testing.TB, token string) (h tokenHeader) {
	t.Helper()
	first, _, _ := strings.Cut(token, ".")
	text := must[[]byte](t)(base64.RawURLEncoding.DecodeString(first))
	if err := json.Unmarshal(text, &h); err != nil {
		t.Fatal(err)
	}
	return h
}

func shortDir(t testing.TB) (string, error) {
	dir, err := os.MkdirTemp("", "nc")
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir, err
}

func silent() *log.Logger { return log.New(io.Discard, "", 0) }
