package guard_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/guard"
)

// raw sends text as it is and returns status and body of the answer.
func raw(t *testing.T, address, text string) string {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d %s", res.StatusCode, body)
}

// asRaw is a request whose target no client would send.
func asRaw(method, target, token string) string {
	return method + " " + target + " HTTP/1.1\r\nHost: pay.example.test\r\nAuthorization: Bearer " + token + "\r\nConnection: close\r\n\r\n"
}

// adminOnly needs a scope for /admin, by whole segments, and none elsewhere.
func adminOnly(r *http.Request) narrowcast.Scope {
	if p := r.URL.Path; p == "/admin" || strings.HasPrefix(p, "/admin/") {
		return narrowcast.MustScope("admin")
	}
	return narrowcast.Scope{}
}

// echoPath is a service that says which path it saw.
var echoPath = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, "served "+r.Method+" "+r.URL.Path)
})

// noPaths are targets without a path of their own. Not every one gets as far as
// the guard: net/http answers some itself.
var noPaths = []string{
	"http:http://x.example.test/admin", "x:http://x.example.test/admin", "http:%2fadmin", "x:admin", "http:admin/../admin",
	"http:?/admin", "http://x.example.test", "*",
}

func TestATargetThatIsNoPathIsRefused(t *testing.T) {
	w := newTown(t)
	token := w.sign(t, map[string]any{"scope": "admin"})
	for name, change := range map[string]func(*guard.Config){
		"with a scope rule": func(c *guard.Config) { c.ScopeFor = adminOnly },
		"without":           nil,
	} {
		front := behind(t, w.door(t, pay, change), echoPath, nil)
		address := strings.TrimPrefix(front.URL, "http://")
		for _, target := range noPaths {
			if got := raw(t, address, asRaw("GET", target, token)); !strings.HasPrefix(got, "400 ") {
				t.Errorf("%s: %s: %s", name, target, got)
			}
		}
		for _, c := range [][3]string{
			{"GET", "/admin", "200 served GET /admin"}, {"GET", "http://other.example.test/admin", "200 served GET /admin"},
			{"GET", "/%61dmin", "200 served GET /admin"},
		} {
			if got := raw(t, address, asRaw(c[0], c[1], token)); got != c[2] {
				t.Errorf("%s: control %s: %s", name, c[1], got)
			}
		}
	}
	// A handler further out may hand in anything.
	for _, u := range []*url.URL{{Opaque: "http://x.example.test/admin"}, {Path: "/ok", Opaque: "/admin"}, {Path: "admin"}, {Path: "*"}, {}} {
		r := request("GET", "/", token)
		r.URL = u
		if got := serve(w.door(t, pay, nil).Wrap(hello), r); got.Code != 400 || w.book.last(t).Detail != "the request target is not a path" {
			t.Errorf("%+v: %d", u, got.Code)
		}
	}
	whole := request(http.MethodOptions, "/", token)
	if whole.URL = (&url.URL{Path: "*"}); serve(w.door(t, pay, nil).Wrap(hello), whole).Code != 200 {
		t.Error("control: OPTIONS * was refused")
	}
}

// TestPathsThatServicesReadDifferently: a token without the scope of /admin
// comes to /admin in no spelling.
func TestPathsThatServicesReadDifferently(t *testing.T) {
	w := newTown(t)
	token := w.sign(t, nil)
	ruled := behind(t, w.door(t, pay, func(c *guard.Config) { c.ScopeFor = adminOnly }), echoPath, nil)
	free := behind(t, w.door(t, pay, nil), echoPath, nil)
	ask := func(front *httptest.Server, method, target string) string {
		return raw(t, strings.TrimPrefix(front.URL, "http://"), asRaw(method, target, token))[:3]
	}
	for _, target := range []string{
		"//admin", "///admin", "//admin/x", "/x//../admin", "/admin//", "/admin;x=1", "/admin;x=1/y", "/;x/admin", "/admin%3bx", "/admin%3Bx",
		"/admin%00", "/admin%09", "/admin%1f", "/admin%7f", "/admin.", "/admin./x", "/admin%20", "/admin%20/x", "/admin%2e", "/.;/admin", "/%2e/admin",
		"/a/%2e%2e/admin", "/admin%252f..", "/%2561dmin", "/admin%2fx", "/a%5cadmin", `/a\admin`, "/%c0%af/admin", "/a/..%ff/admin",
	} {
		if got := ask(ruled, "GET", target); got != "400" {
			t.Errorf("%s: %s", target, got)
		}
		if got := ask(free, "GET", target); got != "200" {
			t.Errorf("%s: %s without a scope rule", target, got)
		}
	}
	for target, want := range map[string]string{
		"/ok": "200", "/ok/": "200", "/": "200", "/a.b/.c/d%20e/%C3%A9": "200", "/ADMIN": "200", "/ok?a//b;c=%00": "200",
		"/admin": "403", "/admin/": "403", "/%61dmin": "403",
	} {
		if got := ask(ruled, "GET", target); got != want {
			t.Errorf("control %s: %s, want %s", target, got, want)
		}
	}
	for method, want := range map[string]string{"get": "400", "Post": "400", "POST": "200", "M-SEARCH": "200"} {
		if got := ask(ruled, method, "/ok"); got != want {
			t.Errorf("%s: %s, want %s", method, got, want)
		}
	}
	if got := ask(free, "get", "/ok"); got != "200" {
		t.Errorf("get without a scope rule: %s", got)
	}
}

func TestForwardAuthReadsTheQuestionStrictly(t *testing.T) {
	w := newTown(t)
	byMethod := func(r *http.Request) narrowcast.Scope {
		if r.Method == http.MethodPost {
			return narrowcast.MustScope("write")
		}
		return adminOnly(r)
	}
	ruled := forwardAuth(t, w.door(t, pay, func(c *guard.Config) { c.ScopeFor = byMethod }), guard.FromXOriginal)
	free := forwardAuth(t, w.door(t, pay, nil), guard.FromXOriginal)
	token := w.sign(t, nil)
	for name, c := range map[string]struct {
		method, uri string
		ruled, free int
	}{
		"control":       {"GET", "/ok", 200, 200},
		"whole URL":     {"GET", "https://pay.example.test/ok", 200, 200},
		"control post":  {"POST", "/ok", 403, 200},
		"control admin": {"GET", "/admin", 403, 200},
		"no method":     {"", "/ok", 401, 200},
		"no URI":        {"GET", "", 401, 200},
		"neither":       {"", "", 401, 200},
		"opaque":        {"GET", "http:http://x.example.test/admin", 401, 401},
		"no path":       {"GET", "http://x.example.test", 401, 401},
		"query only":    {"GET", "?/admin", 401, 401},
		"lower case":    {"post", "/ok", 401, 200},
		"two slashes":   {"GET", "//admin", 401, 200},
		"parameters":    {"GET", "/admin;x/y", 401, 200},
	} {
		for h, want := range map[http.Handler]int{ruled: c.ruled, free: c.free} {
			r := request("GET", "/auth", token)
			if c.method != "" {
				r.Header.Set("X-Original-Method", c.method)
			}
			if c.uri != "" {
				r.Header.Set("X-Original-Uri", c.uri)
			}
			if got := serve(h, r).Code; got != want {
				t.Errorf("%s: %d, want %d; with rules: %v", name, got, want, h == ruled)
			}
		}
	}
	for _, missing := range []string{"X-Original-Method", "X-Original-Uri"} {
		r := request("GET", "/auth", token)
		r.Header["X-Original-Method"], r.Header["X-Original-Uri"] = []string{"GET"}, []string{"/ok"}
		r.Header.Del(missing)
		if serve(ruled, r); w.book.last(t).Detail != "the proxy did not name the original method and URI" {
			t.Errorf("without %s the event says %q", missing, w.book.last(t).Detail)
		}
	}
	// The fault of the question itself is not forgotten over a good original.
	r := request("GET", "/auth", token)
	r.URL = &url.URL{Opaque: "x"}
	r.Header.Set("X-Original-Method", "GET")
	r.Header.Set("X-Original-Uri", "/ok")
	if got := serve(free, r).Code; got != 401 {
		t.Errorf("an opaque question: %d", got)
	}
}
