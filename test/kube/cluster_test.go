package kube_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const admin = "administrator-of-this-test"

// cluster is an API server with its etcd. There are no nodes and no controllers.
type cluster struct {
	dir, url string
	client   *http.Client
	gone     []chan struct{} // closed when a program has ended
}

// start starts both programs on loopback, in a directory of the test.
func start(t *testing.T) *cluster {
	t.Helper()
	etcd, err := exec.LookPath("etcd")
	if err != nil {
		t.Fatal("there is no etcd here: install the Debian package etcd-server")
	}
	program := os.Getenv("KUBE_APISERVER")
	if program == "" {
		t.Fatal("KUBE_APISERVER names no kube-apiserver: call test/kube/run, which builds one")
	}
	c := &cluster{dir: t.TempDir()}
	store, peer, port := freePort(t), freePort(t), freePort(t)
	c.url = "https://" + port
	c.keys(t)
	c.run(t, etcd, "--data-dir="+c.file("etcd"), "--listen-client-urls=http://"+store, "--advertise-client-urls=http://"+store,
		"--listen-peer-urls=http://"+peer, "--initial-advertise-peer-urls=http://"+peer, "--initial-cluster=default=http://"+peer,
		"--unsafe-no-fsync")
	_, number, _ := net.SplitHostPort(port)
	c.run(t, program, "--etcd-servers=http://"+store, "--bind-address=127.0.0.1", "--secure-port="+number,
		"--tls-cert-file="+c.file("server.crt"), "--tls-private-key-file="+c.file("server.key"), "--cert-dir="+c.file("certs"),
		"--service-account-issuer="+c.url, "--service-account-jwks-uri="+c.url+"/openid/v1/jwks",
		"--service-account-signing-key-file="+c.file("sa.key"), "--service-account-key-file="+c.file("sa.pub"),
		"--api-audiences=https://kubernetes.default.svc", "--token-auth-file="+c.file("tokens.csv"), "--authorization-mode=RBAC",
		"--service-cluster-ip-range=10.96.0.0/24", "--endpoint-reconciler-type=none", "--advertise-address=192.0.2.1")
	c.ready(t)
	return c
}

func (c *cluster) file(name string) string { return filepath.Join(c.dir, name) }

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// run starts a program and ends it with the test. Its output is shown when the
// test fails.
func (c *cluster) run(t *testing.T, program string, args ...string) {
	t.Helper()
	name := filepath.Base(program)
	out, err := os.Create(c.file(name + ".log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	c.gone = append(c.gone, gone)
	go func() {
		defer close(gone)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-gone
		_ = out.Close()
		if t.Failed() {
			text, _ := os.ReadFile(out.Name())
			t.Logf("%s said at the end:\n%s", name, text[max(0, len(text)-4000):])
		}
	})
}

// keys makes the certificate of the API server, the key of its service accounts
// and the token of the administrator.
func (c *cluster) keys(t *testing.T) {
	t.Helper()
	now := time.Now()
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	accounts, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	c.write(t, "server.crt", "CERTIFICATE", cert)
	c.write(t, "server.key", "PRIVATE KEY", pkcs8(t, key))
	c.write(t, "sa.key", "PRIVATE KEY", pkcs8(t, accounts))
	public, err := x509.MarshalPKIXPublicKey(accounts.Public())
	if err != nil {
		t.Fatal(err)
	}
	c.write(t, "sa.pub", "PUBLIC KEY", public)
	if err := os.WriteFile(c.file("tokens.csv"), []byte(admin+",admin,admin,system:masters\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	server, err := x509.ParseCertificate(cert)
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(server)
	c.client = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	t.Cleanup(c.client.CloseIdleConnections)
}

func pkcs8(t *testing.T, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func (c *cluster) write(t *testing.T, name, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(c.file(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// ready waits until the API server says so.
func (c *cluster) ready(t *testing.T) {
	t.Helper()
	eventually(t, 90*time.Second, "the API server is ready", func() error {
		for _, gone := range c.gone {
			select {
			case <-gone:
				t.Fatal("etcd or the API server ended by itself")
			default:
			}
		}
		_, err := c.call(t.Context(), http.MethodGet, "/readyz", nil)
		return err
	})
}

// eventually tries until there is no error.
func eventually(t *testing.T, within time.Duration, what string, try func() error) time.Duration {
	t.Helper()
	began := time.Now()
	for {
		err := try()
		if err == nil {
			return time.Since(began)
		}
		if time.Since(began) > within {
			t.Fatalf("%s: not within %s: %v", what, within, err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// call asks the API server as the administrator.
func (c *cluster) call(ctx context.Context, method, path string, object any) (map[string]any, error) {
	body, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+admin)
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 300 {
		return nil, fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, text)
	}
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		return nil, nil
	}
	var answer map[string]any
	return answer, json.Unmarshal(text, &answer)
}

// make creates an object and returns its uid.
func (c *cluster) make(t *testing.T, path string, object map[string]any) (uid string) {
	t.Helper()
	var answer map[string]any
	// The bootstrap of a new API server goes on after it is ready.
	eventually(t, 30*time.Second, "creating "+path, func() (err error) {
		answer, err = c.call(t.Context(), http.MethodPost, path, object)
		return err
	})
	meta, _ := answer["metadata"].(map[string]any)
	if uid, _ = meta["uid"].(string); uid == "" {
		t.Fatalf("%s was created without a uid", path)
	}
	return uid
}

// token asks for a token of a service account.
func (c *cluster) token(t *testing.T, namespace, account, audience, podUID string) string {
	t.Helper()
	spec := map[string]any{"expirationSeconds": 600, "audiences": []string{audience}}
	if podUID != "" {
		spec["boundObjectRef"] = map[string]any{"kind": "Pod", "apiVersion": "v1", "name": pod, "uid": podUID}
	}
	answer, err := c.call(t.Context(), http.MethodPost, "/api/v1/namespaces/"+namespace+"/serviceaccounts/"+account+"/token",
		map[string]any{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec})
	if err != nil {
		t.Fatal(err)
	}
	status, _ := answer["status"].(map[string]any)
	token, _ := status["token"].(string)
	if token == "" {
		t.Fatal(errors.New("the cluster gave no token"))
	}
	return token
}
