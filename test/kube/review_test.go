package kube_test

import (
	"errors"
	"log/slog"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/kubernetes"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
	"github.com/narrowcast-io/narrowcast/service/internal/trust"
)

const (
	ours = "https://issuer.example.test"
	pay  = "https://pay.example.test"
	pod  = "checkout-0"
)

// furnish makes a workload with its pod, and an account of our own that may ask
// for reviews. It returns the uid of the pod.
func furnish(t *testing.T, c *cluster) (podUID string) {
	t.Helper()
	named := func(kind, name string) map[string]any {
		return map[string]any{"kind": kind, "apiVersion": "v1", "metadata": map[string]any{"name": name}}
	}
	for _, namespace := range []string{"shop", "narrowcast"} {
		c.make(t, "/api/v1/namespaces", named("Namespace", namespace))
	}
	c.make(t, "/api/v1/namespaces/shop/serviceaccounts", named("ServiceAccount", "checkout"))
	c.make(t, "/api/v1/namespaces/narrowcast/serviceaccounts", named("ServiceAccount", "issuer"))
	c.make(t, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", map[string]any{
		"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": map[string]any{"name": "narrowcast"},
		"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:auth-delegator"},
		"subjects": []any{map[string]any{"kind": "ServiceAccount", "namespace": "narrowcast", "name": "issuer"}},
	})
	shape := named("Pod", pod)
	shape["spec"] = map[string]any{
		"serviceAccountName": "checkout", "containers": []any{map[string]any{"name": "main", "image": "registry.example.test/checkout:1"}},
	}
	return c.make(t, "/api/v1/namespaces/shop/pods", shape)
}

// open opens the cluster as the registry and the settings name it.
func open(t *testing.T, c *cluster) trust.Outside {
	t.Helper()
	file := c.file("token")
	if err := os.WriteFile(file, []byte(c.token(t, "narrowcast", "issuer", "https://kubernetes.default.svc", "")), 0o600); err != nil {
		t.Fatal(err)
	}
	id := narrowcast.MustIssuer(c.url)
	sources, err := trust.New(t.Context(), trust.Config{
		Audience: ours, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Local: map[narrowcast.Issuer]trust.Local{id: {TokenReview: c.url, ReviewCA: c.file("server.crt"), TokenFile: file}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sources.Close)
	if err := sources.Use([]registry.Issuer{{Issuer: id, Profile: "kubernetes", Discovery: true, TokenReview: true}}); err != nil {
		t.Fatal(err)
	}
	outside, err := sources.Of(id)
	if err != nil {
		t.Fatal(err)
	}
	return outside
}

func verifier(t *testing.T, c *cluster, keys narrowcast.KeySource) *narrowcast.Verifier {
	t.Helper()
	v, err := narrowcast.NewVerifier(narrowcast.Config{
		Audience: narrowcast.MustAudience(ours), Now: time.Now, Algorithms: []narrowcast.Algorithm{narrowcast.ES256},
		Issuers: []narrowcast.TrustedIssuer{{Issuer: narrowcast.MustIssuer(c.url), Keys: keys, Class: narrowcast.DangerouslyUntyped}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// A token that a cluster made for a pod opens the door with the keys of the
// cluster and with its API server, and dies with the pod for the latter.
func TestTokenOfAPod(t *testing.T) {
	c := start(t)
	uid := furnish(t, c)
	outside := open(t, c)
	locally := verifier(t, c, outside.Keys)
	bound, foreign := c.token(t, "shop", "checkout", ours, uid), c.token(t, "shop", "checkout", pay, uid)

	verified, err := locally.Verify(t.Context(), bound, narrowcast.Presentation{})
	if err != nil {
		t.Fatalf("with the keys of the cluster: %v", err)
	}
	if got := verified.Subject(); got != "system:serviceaccount:shop:checkout" {
		t.Errorf("it speaks for %s", got)
	}
	if err := outside.Review(t.Context(), bound); err != nil {
		t.Fatalf("with the API server: %v", err)
	}
	if _, err := locally.Verify(t.Context(), foreign, narrowcast.Presentation{}); err == nil {
		t.Error("a token for another door opens ours")
	}
	for name, bad := range map[string]string{
		"for another door":       foreign,
		"for the API server":     c.token(t, "narrowcast", "issuer", "https://kubernetes.default.svc", ""),
		"with another signature": bound[:len(bound)-6] + "AAAAAA",
	} {
		if err := outside.Review(t.Context(), bad); !errors.Is(err, kubernetes.ErrRefused) {
			t.Errorf("a token %s: %v", name, err)
		}
	}
	whose(t, c, bound, uid)

	if _, err := c.call(t.Context(), http.MethodDelete, "/api/v1/namespaces/shop/pods/"+pod, map[string]any{}); err != nil {
		t.Fatal(err)
	}
	took := eventually(t, time.Minute, "the token dies with its pod", func() error {
		err := outside.Review(t.Context(), bound)
		switch {
		case err == nil:
			return errors.New("the API server still vouches for it")
		case !errors.Is(err, kubernetes.ErrRefused):
			return err
		}
		return nil
	})
	t.Logf("the API server refused the token %s after its pod was deleted", took.Round(100*time.Millisecond))
	if _, err := locally.Verify(t.Context(), bound, narrowcast.Presentation{}); err != nil {
		t.Errorf("the keys alone know of no pod, and yet: %v", err)
	}
}

// whose looks at all that the API server says.
func whose(t *testing.T, c *cluster, token, uid string) {
	t.Helper()
	r, err := kubernetes.New(kubernetes.Config{URL: c.url, CAFile: c.file("server.crt"), TokenFile: c.file("token"), Audience: ours})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	who, err := r.Review(t.Context(), token)
	if err != nil || who.Namespace != "shop" || who.ServiceAccount != "checkout" || who.Pod != pod || who.PodUID != uid || who.CredentialID == "" {
		t.Errorf("%+v, %v", who, err)
	}
}
