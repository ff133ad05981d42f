package kubernetes_test

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/kubernetes"
)

const (
	ours  = "https://issuer.example.test"
	token = "header.payload-of-the-pod.signature"
	own   = "the bearer token of the issuer"
)

// cluster is an API server that answers as a test says.
type cluster struct {
	*httptest.Server
	answer http.HandlerFunc
	seen   map[string]any
	head   http.Header
	path   string
}

func newCluster(t *testing.T) (*cluster, kubernetes.Config) {
	t.Helper()
	c := &cluster{}
	c.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.head, c.path, c.seen = r.Header, r.Method+" "+r.URL.Path, nil
		if err := json.NewDecoder(r.Body).Decode(&c.seen); err != nil {
			t.Errorf("the question: %v", err)
		}
		c.answer(w, r)
	}))
	c.Config.ErrorLog = log.New(io.Discard, "", 0)
	c.StartTLS()
	t.Cleanup(c.Close)
	dir := t.TempDir()
	config := kubernetes.Config{
		URL: c.URL, CAFile: filepath.Join(dir, "ca.crt"), TokenFile: filepath.Join(dir, "token"), Audience: ours, Timeout: 2 * time.Second,
	}
	write(t, config.CAFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate().Raw})))
	write(t, config.TokenFile, own+"\n")
	return c, config
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, c kubernetes.Config) *kubernetes.Reviewer {
	t.Helper()
	r, err := kubernetes.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// says answers with a document.
func (c *cluster) says(status int, text string) {
	c.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
}

const good = `{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","metadata":{"creationTimestamp":null},"spec":{"token":"x"},
"status":{"authenticated":true,"audiences":["https://issuer.example.test"],"user":{"username":"system:serviceaccount:shop:checkout","uid":"u-1",
"groups":["system:serviceaccounts"],"extra":{"authentication.kubernetes.io/pod-name":["checkout-0"],"authentication.kubernetes.io/pod-uid":["p-1"],
"authentication.kubernetes.io/credential-id":["JTI=1"]}}}}`

func TestReview(t *testing.T) {
	c, config := newCluster(t)
	c.says(http.StatusCreated, good)
	who, err := open(t, config).Review(t.Context(), token)
	want := kubernetes.Identity{
		Username: "system:serviceaccount:shop:checkout", UID: "u-1", Namespace: "shop", ServiceAccount: "checkout",
		Pod: "checkout-0", PodUID: "p-1", CredentialID: "JTI=1",
	}
	if err != nil || who != want {
		t.Fatalf("%+v, %v", who, err)
	}
	if c.path != "POST /apis/authentication.k8s.io/v1/tokenreviews" || c.head.Get("Authorization") != "Bearer "+own {
		t.Errorf("asked with %s, %v", c.path, c.head)
	}
	spec, _ := c.seen["spec"].(map[string]any)
	audiences, _ := spec["audiences"].([]any)
	if spec["token"] != token || len(audiences) != 1 || audiences[0] != ours {
		t.Errorf("asked %v", c.seen)
	}
}

func TestRefused(t *testing.T) {
	c, config := newCluster(t)
	r := open(t, config)
	for name, edit := range map[string][2]string{
		"not authenticated":    {`"authenticated":true`, `"authenticated":false,"error":"invalidated"`},
		"absent":               {`"authenticated":true,`, ``},
		"an error beside":      {`"authenticated":true`, `"authenticated":true,"error":"could not look it up"`},
		"no audience":          {`"audiences":["https://issuer.example.test"],`, ``},
		"empty audiences":      {`["https://issuer.example.test"]`, `[]`},
		"of the API server":    {`["https://issuer.example.test"]`, `["https://kubernetes.default.svc"]`},
		"nearly our audience":  {`["https://issuer.example.test"]`, `["https://issuer.example.test/"]`},
		"a person":             {`system:serviceaccount:shop:checkout`, `mallory@example.test`},
		"a node":               {`system:serviceaccount:shop:checkout`, `system:node:n1`},
		"half a name":          {`system:serviceaccount:shop:checkout`, `system:serviceaccount:shop:`},
		"no uid":               {`"uid":"u-1",`, ``},
		"a strange pod":        {`["checkout-0"]`, `"checkout-0"`},
		"a member in capitals": {`"authenticated":true`, `"Authenticated":true`},
	} {
		text := strings.Replace(good, edit[0], edit[1], 1)
		if text == good {
			t.Fatalf("%s: nothing changed", name)
		}
		c.says(http.StatusCreated, text)
		who, err := r.Review(t.Context(), token)
		if !errors.Is(err, kubernetes.ErrRefused) || errors.Is(err, kubernetes.ErrUnavailable) || who != (kubernetes.Identity{}) {
			t.Errorf("%s: %+v, %v", name, who, err)
		}
	}
	for _, odd := range []string{"", strings.Repeat("a", 20<<10)} {
		if _, err := r.Review(t.Context(), odd); !errors.Is(err, kubernetes.ErrRefused) {
			t.Errorf("a token of %d bytes: %v", len(odd), err)
		}
	}
}

func TestUnavailable(t *testing.T) {
	c, config := newCluster(t)
	r := open(t, config)
	cases := map[string]func(){
		"forbidden":        func() { c.says(http.StatusForbidden, good) },
		"unauthorized":     func() { c.says(http.StatusUnauthorized, good) },
		"too many":         func() { c.says(http.StatusTooManyRequests, good) },
		"broken":           func() { c.says(http.StatusInternalServerError, good) },
		"a status object":  func() { c.says(http.StatusCreated, `{"kind":"Status","apiVersion":"v1","status":"Success"}`) },
		"another version":  func() { c.says(http.StatusCreated, strings.Replace(good, "k8s.io/v1", "k8s.io/v1beta1", 1)) },
		"no status":        func() { c.says(http.StatusCreated, good[:strings.Index(good, `,"spec"`)]+"}") },
		"not JSON":         func() { c.says(http.StatusCreated, "<html>") },
		"a name twice":     func() { c.says(http.StatusCreated, strings.Replace(good, `"user"`, `"authenticated":false,"user"`, 1)) },
		"authenticated: 1": func() { c.says(http.StatusCreated, strings.Replace(good, `:true`, `:1`, 1)) },
		"too large":        func() { c.says(http.StatusCreated, good+strings.Repeat(" ", 1<<20)) },
		"not as JSON":      func() { c.answer = func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, good) } },
		"sent elsewhere": func() {
			c.answer = func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusTemporaryRedirect) }
		},
		"no CA":             func() { write(t, config.CAFile, "none") },
		"no token":          func() { _ = os.Remove(config.TokenFile) },
		"gone":              func() { c.Close() },
		"silent (ends ctx)": func() { c.answer = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() } },
	}
	ca, err := os.ReadFile(config.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	order := []string{"gone"}
	for name := range cases {
		if name != "gone" {
			order = append([]string{name}, order...)
		}
	}
	for _, name := range order {
		c.says(http.StatusCreated, good)
		write(t, config.CAFile, string(ca))
		write(t, config.TokenFile, own)
		if _, err := r.Review(t.Context(), token); err != nil {
			t.Fatalf("before %s: %v", name, err)
		}
		cases[name]()
		who, err := r.Review(t.Context(), token)
		if !errors.Is(err, kubernetes.ErrUnavailable) || errors.Is(err, kubernetes.ErrRefused) || who != (kubernetes.Identity{}) {
			t.Errorf("%s: %+v, %v", name, who, err)
		}
		if err != nil && (strings.Contains(err.Error(), token) || strings.Contains(err.Error(), own)) {
			t.Errorf("%s: a token stands in the error: %v", name, err)
		}
	}
}

// A cluster that has another authority is not asked, whatever it would say.
func TestAuthorityOfTheCluster(t *testing.T) {
	c, config := newCluster(t)
	c.says(http.StatusCreated, good)
	other := httptest.NewUnstartedServer(http.NotFoundHandler())
	other.StartTLS()
	defer other.Close()
	write(t, config.CAFile, "")
	if _, err := open(t, config).Review(t.Context(), token); !errors.Is(err, kubernetes.ErrUnavailable) || c.seen != nil {
		t.Errorf("a server that nobody vouches for was asked: %v", err)
	}
}

func TestConfigs(t *testing.T) {
	_, config := newCluster(t)
	for name, spoil := range map[string]func(*kubernetes.Config){
		"no URL":      func(c *kubernetes.Config) { c.URL = "" },
		"http":        func(c *kubernetes.Config) { c.URL = "http://127.0.0.1:6443" },
		"a path":      func(c *kubernetes.Config) { c.URL += "/apis" },
		"no CA":       func(c *kubernetes.Config) { c.CAFile = "" },
		"no token":    func(c *kubernetes.Config) { c.TokenFile = "" },
		"no audience": func(c *kubernetes.Config) { c.Audience = "" },
		"an hour":     func(c *kubernetes.Config) { c.Timeout = time.Hour },
	} {
		c := config
		spoil(&c)
		if _, err := kubernetes.New(c); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	var none *kubernetes.Reviewer
	if _, err := none.Review(t.Context(), token); !errors.Is(err, kubernetes.ErrUnavailable) {
		t.Errorf("the zero reviewer: %v", err)
	}
}
