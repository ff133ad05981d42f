package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/dpop"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/settings"
)

// senderDoor is a whole door behind TLS, as the program puts it together, with the
// given lines in its settings.
func senderDoor(t *testing.T, dir, lines string) (*door, *httptest.Server, error) {
	t.Helper()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"Authorization", "Dpop", "Client-Cert"} {
			if _, there := r.Header[name]; there {
				t.Errorf("%s reached the service", name)
			}
		}
		_, _ = io.WriteString(w, "served "+r.URL.Path)
	}))
	t.Cleanup(upstream.Close)
	text := "name: g\naudience: https://pay.example.test\nissuers:\n  - id: https://issuer.example.test\n    jwks_file: keys.json\nalgorithms: [ES256]\nupstream: " +
		upstream.URL + "\nevents: {file: events.jsonl}\n" + lines
	s, err := settings.ParseGuard(filepath.Join(dir, "guard.yaml"), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	a := &app{in: strings.NewReader(""), out: io.Discard, errs: &bytes.Buffer{}, now: time.Now, getenv: func(string) string { return "" }}
	d, err := a.openDoor(s, slog.New(slog.NewJSONHandler(io.Discard, nil)))
	if err != nil {
		return nil, nil, err
	}
	t.Cleanup(func() { _ = d.close() })
	front := httptest.NewUnstartedServer(d.handler)
	front.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	if err := d.askCallers(front.TLS); err != nil {
		return nil, nil, err
	}
	front.StartTLS()
	t.Cleanup(front.Close)
	return d, front, nil
}

// pair makes a certificate that signs itself, with its key, and writes it to file.
func pair(t *testing.T, file string) tls.Certificate {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, IsCA: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}
}

// ask sends a request with some headers, and a certificate if there is one.
func ask(t *testing.T, front *httptest.Server, certificate *tls.Certificate, header http.Header) (*http.Response, string, error) {
	t.Helper()
	transport := front.Client().Transport.(*http.Transport).Clone()
	defer transport.CloseIdleConnections()
	if certificate != nil {
		// Whatever authorities the server names: the test decides what it is shown.
		transport.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return certificate, nil }
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, front.URL+"/charge", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res, string(body), err
}

// letter makes a token bound as given.
func letter(t *testing.T, press *mint.Press, cnf mint.Confirmation) string {
	t.Helper()
	token, err := press.Mint(mint.Letter{
		Audience: narrowcast.MustAudience("https://pay.example.test"), Subject: "c", Client: "c", ID: mint.TokenIDAt(time.Now()),
		IssuedAt: time.Now(), Lifetime: time.Minute, Confirmation: cnf,
	})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// TestADoorDemandsItsSender: a door with sender required takes tokens from those
// they are bound to, by DPoP with a nonce or by the certificate of the connection.
func TestADoorDemandsItsSender(t *testing.T) {
	dir := t.TempDir()
	press := pressOf(t, filepath.Join(dir, "keys.json"))
	mine, other := pair(t, filepath.Join(dir, "mine.pem")), pair(t, filepath.Join(dir, "other.pem"))
	sum := sha256.Sum256(mine.Certificate[0])
	byCertificate := letter(t, press, mint.Confirmation{Certificate: base64.RawURLEncoding.EncodeToString(sum[:])})
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	prover, err := dpop.NewProver(narrowcast.ES256, private)
	if err != nil {
		t.Fatal(err)
	}
	byKey := letter(t, press, mint.Confirmation{Key: prover.Thumbprint()})
	d, front, err := senderDoor(t, dir, "sender: required\ndpop: {nonces: true}\ntls: {certificate_file: c.pem, key_file: k.pem, client_certificates: true}\n")
	if err != nil {
		t.Fatal(err)
	}
	header := func(scheme, token, uri, nonce string) http.Header {
		h := http.Header{"Authorization": {scheme + " " + token}}
		if uri != "" {
			proof, err := prover.Prove("GET", uri, token, nonce, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			h.Set("DPoP", proof)
		}
		return h
	}
	const charge = "https://pay.example.test/charge"
	res, _, err := ask(t, front, nil, header("DPoP", byKey, charge, ""))
	if err != nil {
		t.Fatal(err)
	}
	nonce := res.Header.Get("DPoP-Nonce")
	if res.StatusCode != 401 || nonce == "" {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	for name, c := range map[string]struct {
		certificate *tls.Certificate
		header      http.Header
		want        int
	}{
		"its key":                 {nil, header("DPoP", byKey, charge, nonce), 200},
		"address of the listener": {nil, header("DPoP", byKey, front.URL+"/charge", nonce), 401},
		"downgrade":               {nil, header("Bearer", byKey, "", ""), 401},
		"bearer token":            {nil, header("Bearer", letter(t, press, mint.Confirmation{}), "", ""), 401},
		"its certificate":         {&mine, header("Bearer", byCertificate, "", ""), 200},
		"another certificate":     {&other, header("Bearer", byCertificate, "", ""), 401},
		"no certificate":          {nil, header("Bearer", byCertificate, "", ""), 401},
		"header of a stranger": {nil, http.Header{"Authorization": {"Bearer " + byCertificate},
			"Client-Cert": {":" + base64.StdEncoding.EncodeToString(mine.Certificate[0]) + ":"}}, 401},
	} {
		res, body, err := ask(t, front, c.certificate, c.header)
		if err != nil || res.StatusCode != c.want || c.want == 200 && body != "served /charge" {
			t.Errorf("%s: %v %v %s", name, err, res, body)
		}
	}
	w := httptest.NewRecorder()
	d.operations.ServeHTTP(w, httptest.NewRequest("GET", "/state", nil))
	if text := w.Body.String(); !strings.Contains(text, `"sender":"required"`) || !strings.Contains(text, `"proved":1,"downgraded":3,"other_sender":1`) ||
		!strings.Contains(text, `"proof_other_uri":1`) || !strings.Contains(text, `"proof_without_nonce":1`) {
		t.Error(text)
	}
	w = httptest.NewRecorder()
	d.operations.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if text := w.Body.String(); !strings.Contains(text, "narrowcast_guard_proofs_other_uri_total 1") || !strings.Contains(text, "narrowcast_guard_downgrades_total 3") {
		t.Error(text)
	}
	w = httptest.NewRecorder()
	d.handler.ServeHTTP(w, httptest.NewRequest("GET", d.guard.MetadataPath(), nil))
	if text := w.Body.String(); !strings.Contains(text, "dpop_signing_alg_values_supported") || !strings.Contains(text, "tls_client_certificate_bound_access_tokens") {
		t.Error(text)
	}
}

// TestACertificateIsHandedOnByAProxy that the settings name, and guards of one
// audience with one secret know each other's nonces.
func TestACertificateIsHandedOnByAProxy(t *testing.T) {
	dir := t.TempDir()
	press := pressOf(t, filepath.Join(dir, "keys.json"))
	mine := pair(t, filepath.Join(dir, "mine.pem"))
	sum := sha256.Sum256(mine.Certificate[0])
	token := letter(t, press, mint.Confirmation{Certificate: base64.RawURLEncoding.EncodeToString(sum[:])})
	header := http.Header{"Authorization": {"Bearer " + token}, "Client-Cert": {":" + base64.StdEncoding.EncodeToString(mine.Certificate[0]) + ":"}}
	for from, want := range map[string]int{"127.0.0.1": 200, "10.0.0.0/8": 401} {
		_, front, err := senderDoor(t, dir, "certificate_header: {dialect: client-cert, from: [\""+from+"\"]}\n")
		if err != nil {
			t.Fatal(err)
		}
		if res, _, err := ask(t, front, nil, header); err != nil || res.StatusCode != want {
			t.Errorf("from %s: %v %v", from, res, err)
		}
	}
}

// TestAuthoritiesOfCallers: with a file of authorities, a certificate from elsewhere
// does not even get a connection; none at all does.
func TestAuthoritiesOfCallers(t *testing.T) {
	dir := t.TempDir()
	press := pressOf(t, filepath.Join(dir, "keys.json"))
	mine, other := pair(t, filepath.Join(dir, "mine.pem")), pair(t, filepath.Join(dir, "other.pem"))
	const settings = "tls: {certificate_file: c.pem, key_file: k.pem, client_certificates: true, client_ca_file: "
	_, front, err := senderDoor(t, dir, settings+"mine.pem}\n")
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{"Authorization": {"Bearer " + letter(t, press, mint.Confirmation{})}}
	for _, certificate := range []*tls.Certificate{&mine, nil} {
		if res, _, err := ask(t, front, certificate, header); err != nil || res.StatusCode != 200 {
			t.Errorf("%v %v", res, err)
		}
	}
	if _, _, err := ask(t, front, &other, header); err == nil {
		t.Error("a certificate from elsewhere was taken")
	}
	for _, file := range []string{"keys.json", "nowhere.pem"} {
		if _, _, err := senderDoor(t, dir, settings+file+"}\n"); err == nil {
			t.Errorf("%s was taken for authorities", file)
		}
	}
}

func TestNonceSecretsOfADoor(t *testing.T) {
	dir := t.TempDir()
	pressOf(t, filepath.Join(dir, "keys.json"))
	for name, text := range map[string]string{"short": "x", "long": strings.Repeat("x", 5000), "right": strings.Repeat("x", 32)} {
		if err := os.WriteFile(filepath.Join(dir, "secret"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := senderDoor(t, dir, "sender: preferred\ndpop: {nonces: true, nonce_secret_file: secret}\n")
		if (err == nil) != (name == "right") || err != nil && strings.Contains(err.Error(), "xxxx") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
