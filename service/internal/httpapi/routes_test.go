package httpapi_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast/service/internal/httpapi"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
)

func (h *house) get(path string, edit ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for _, e := range edit {
		e(r)
	}
	return h.do(r)
}

func TestMetadataForms(t *testing.T) {
	for base, paths := range map[string][]string{
		ours:           {"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"},
		ours + "/":     {"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"},
		ours + "/t1":   {"/.well-known/oauth-authorization-server/t1", "/.well-known/openid-configuration/t1", "/t1/.well-known/openid-configuration"},
		ours + "/a/b/": {"/.well-known/oauth-authorization-server/a/b", "/.well-known/openid-configuration/a/b", "/a/b/.well-known/openid-configuration"},
	} {
		h := open(t, base)
		for _, path := range paths {
			w := h.get(path)
			m := object(t, w.Body)
			if w.Code != 200 || m["issuer"] != base || m["token_endpoint"] != strings.TrimSuffix(base, "/")+"/token" || m["jwks_uri"] != strings.TrimSuffix(base, "/")+"/jwks" {
				t.Errorf("%s %s: %d %v", base, path, w.Code, m)
			}
		}
		if strings.HasSuffix(base, "t1") {
			if w := h.get("/.well-known/oauth-authorization-server"); w.Code != 404 {
				t.Errorf("the root of the host answers for %s: %d", base, w.Code)
			}
			if w := h.post(h.form(t).Encode()); w.Code != 200 {
				t.Errorf("token at %s: %d %s", base, w.Code, w.Body)
			}
		}
	}
}

func TestTwoIssuersOfOneHost(t *testing.T) {
	h := open(t, ours)
	one, errOne := httpapi.New(h.config(ours + "/t1"))
	two, errTwo := httpapi.New(h.config(ours + "/t2"))
	if err := errors.Join(errOne, errTwo); err != nil {
		t.Fatal(err)
	}
	both, err := httpapi.Handler(one, two)
	if err != nil {
		t.Fatal(err)
	}
	h.Handler = both
	if m := object(t, h.get("/.well-known/oauth-authorization-server/t2").Body); m["issuer"] != ours+"/t2" {
		t.Errorf("metadata = %v", m)
	}
	if _, err := httpapi.Handler(one, one); err == nil {
		t.Error("one path for two issuers was accepted")
	}
}

func TestKeySetIsCacheable(t *testing.T) {
	h := open(t, ours)
	w := h.get("/jwks")
	tag := w.Header().Get("ETag")
	if w.Code != 200 || tag == "" || !strings.Contains(w.Header().Get("Cache-Control"), "max-age") || w.Header().Get("Content-Type") != "application/jwk-set+json" {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	w = h.get("/jwks", func(r *http.Request) { r.Header.Set("If-None-Match", `"x", W/`+tag) })
	if w.Code != 304 || w.Body.Len() != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w = h.get("/jwks", func(r *http.Request) { r.Header.Set("If-None-Match", `"x"`) }); w.Code != 200 {
		t.Errorf("another tag: %d", w.Code)
	}
}

func TestMethodsAndPaths(t *testing.T) {
	h := open(t, ours)
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/token", 405, "POST"},
		{"PUT", "/token", 405, "POST"},
		{"OPTIONS", "/token", 405, "POST"},
		{"POST", "/jwks", 405, "GET, HEAD"},
		{"DELETE", "/events", 405, "POST"},
		{"HEAD", "/jwks", 200, ""},
		{"GET", "/", 404, ""},
		{"GET", "/token/x", 404, ""},
		{"POST", "//token", 404, ""},
		{"POST", "/x/../token", 404, ""},
		{"GET", "/metrics", 404, ""},
	} {
		w := h.do(httptest.NewRequest(c.method, c.path, nil))
		if w.Code != c.status || w.Header().Get("Allow") != c.allow {
			t.Errorf("%s %s: %d, Allow %q", c.method, c.path, w.Code, w.Header().Get("Allow"))
		}
		for name := range w.Header() {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s %s: %s", c.method, c.path, name)
			}
		}
	}
}

type desk struct{ httpapi.Desk }

func (desk) Grant(context.Context, issuer.Request) (issuer.Answer, error) {
	panic("the secret of the house")
}

func TestPanicTellsNothing(t *testing.T) {
	h := open(t, ours)
	c := h.config(ours)
	c.Desk = desk{}
	api, err := httpapi.New(c)
	if err != nil {
		t.Fatal(err)
	}
	h.Handler, _ = httpapi.Handler(api)
	w := h.post(h.form(t).Encode())
	if w.Code != 500 || object(t, w.Body)["error"] != "server_error" {
		t.Errorf("%d", w.Code)
	}
	if !strings.Contains(h.log.String(), `"msg":"panic"`) || strings.Contains(h.log.String(), "secret of the house") {
		t.Errorf("log = %s", h.log)
	}
}

func TestOperations(t *testing.T) {
	var trouble error
	h := httpapi.Operations(httpapi.OperationsConfig{
		Ready:   func(context.Context) error { return trouble },
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("m 1\n")) }),
	})
	ask := func(path string) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code, w.Body.String()
	}
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 200, "/": 404} {
		if code, _ := ask(path); code != want {
			t.Errorf("%s: %d", path, code)
		}
	}
	trouble = errors.New("the book is at /var/lib/x")
	if code, body := ask("/readyz"); code != 503 || strings.Contains(body, "book") {
		t.Errorf("/readyz: %d %s", code, body)
	}
	if code, _ := ask("/healthz"); code != 200 {
		t.Errorf("/healthz: %d", code)
	}
}

func TestConfigNamesEveryFault(t *testing.T) {
	_, err := httpapi.New(httpapi.Config{})
	for _, name := range []string{"Issuer", "Desk", "Book", "KeySet", "Keys", "Algorithms", "MayReport", "Now", "Log"} {
		if err == nil || !strings.Contains(err.Error(), name+" is required") {
			t.Errorf("%s is not named: %v", name, err)
		}
	}
}
