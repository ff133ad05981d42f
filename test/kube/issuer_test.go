package kube_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

const registryText = `issuers:
  - {id: "%[1]s", profile: kubernetes, discovery: true, token_review: true}
clients:
  - id: checkout
    owner: team-checkout
    kind: workload
    authenticate:
      - kubernetes: {issuer: "%[1]s", namespace: shop, service_account: checkout}
resources:
  - id: https://pay.example.test
    name: payments
    owner: team-payments
    environment: prod
    criticality: medium
    scopes: [charge]
    callers: [{client: checkout, scopes: [charge]}]
`

// narrowcastd is an issuer of our own, as people run it.
type narrowcastd struct {
	program, home, url string
}

func (n *narrowcastd) command(t *testing.T, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, n.program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("narrowcast %v: %v\n%s", args, err, out)
	}
}

// serve starts an issuer whose only client is the workload of a cluster.
func serve(t *testing.T, c *cluster) *narrowcastd {
	t.Helper()
	dir := t.TempDir()
	n := &narrowcastd{program: filepath.Join(dir, "narrowcast"), home: filepath.Join(dir, "home")}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", n.program, "./cmd/narrowcast")
	build.Dir, build.Env = "../../service", append(os.Environ(), "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building narrowcast: %v\n%s", err, out)
	}
	listen, operations := freePort(t), freePort(t)
	n.url = "http://" + listen
	n.command(t, "init", n.home, "--issuer", n.url, "--listen", listen, "--operations", operations)
	n.append(t, "narrowcast.yaml", fmt.Sprintf("trust:\n  - issuer: %q\n    token_review: {url: %q, ca_file: %s, token_file: %s}\n",
		c.url, c.url, c.file("server.crt"), c.file("token")))
	registry := filepath.Join(dir, "registry")
	if err := os.Mkdir(registry, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(registry, "all.yaml"), fmt.Appendf(nil, registryText, c.url), 0o600); err != nil {
		t.Fatal(err)
	}
	n.command(t, "apply", registry, "--home", n.home, "--author", "test")
	c.run(t, n.program, "serve", "--home", n.home)
	eventually(t, 20*time.Second, "the issuer answers", func() error {
		answer, err := http.Get("http://" + operations + "/readyz") //nolint:noctx // bounded by eventually
		if err != nil {
			return err
		}
		if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusOK {
			return errors.Join(err, fmt.Errorf("status %d", answer.StatusCode))
		}
		return nil
	})
	return n
}

func (n *narrowcastd) append(t *testing.T, name, text string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(n.home, name), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// ask turns a token of the cluster into one for a resource.
func (n *narrowcastd) ask(ctx context.Context, token string) (status int, answer map[string]any, err error) {
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {token}, "resource": {pay}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(res.Body); err != nil {
		return 0, nil, err
	}
	return res.StatusCode, answer, json.Unmarshal(body.Bytes(), &answer)
}

// TestAWorkloadWithoutAStoredSecret: the projected token of a pod becomes a token
// for one resource, until the pod is gone.
func TestAWorkloadWithoutAStoredSecret(t *testing.T) {
	c := start(t)
	uid := furnish(t, c)
	if err := os.WriteFile(c.file("token"), []byte(c.token(t, "narrowcast", "issuer", "https://kubernetes.default.svc", "")), 0o600); err != nil {
		t.Fatal(err)
	}
	n := serve(t, c)
	bound := c.token(t, "shop", "checkout", n.url, uid)
	status, answer, err := n.ask(t.Context(), bound)
	if err != nil || status != http.StatusOK {
		t.Fatalf("%d %v, %v", status, answer, err)
	}
	text, _ := answer["access_token"].(string)
	claimed, err := narrowcast.Inspect(text)
	if err != nil || len(claimed.Audience) != 1 || claimed.Audience[0] != pay || claimed.ClientID != "checkout" || !strings.HasPrefix(claimed.Subject, "kubernetes:") {
		t.Errorf("%+v, %v", claimed, err)
	}
	for name, bad := range map[string]string{
		"for another door":                c.token(t, "shop", "checkout", pay, uid),
		"for the API server":              c.token(t, "shop", "checkout", "https://kubernetes.default.svc", uid),
		"of an account that no rule fits": c.token(t, "narrowcast", "issuer", n.url, ""),
	} {
		if status, answer, err := n.ask(t.Context(), bad); err != nil || status != http.StatusBadRequest || answer["error"] != "invalid_grant" {
			t.Errorf("a token %s: %d %v, %v", name, status, answer, err)
		}
	}
	if _, err := c.call(t.Context(), http.MethodDelete, "/api/v1/namespaces/shop/pods/"+pod, map[string]any{}); err != nil {
		t.Fatal(err)
	}
	took := eventually(t, time.Minute, "nothing is minted for a pod that is gone", func() error {
		status, answer, err := n.ask(t.Context(), bound)
		if err != nil || status != http.StatusBadRequest || answer["error"] != "invalid_grant" {
			return errors.Join(err, fmt.Errorf("%d %v", status, answer["error"]))
		}
		return nil
	})
	t.Logf("refused %s after the pod was deleted", took.Round(100*time.Millisecond))
}
