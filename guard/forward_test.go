package guard_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/guard"
)

func forwardAuth(t *testing.T, g *guard.Guard, from guard.Original) http.Handler {
	t.Helper()
	h, err := g.ForwardAuth(guard.ForwardConfig{Original: from, Claims: map[string]string{"X-Verified-Sub": "sub", "X-Verified-Task": "task"}})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestForwardAuthAnswers(t *testing.T) {
	w := newTown(t)
	g := w.door(t, pay, nil)
	for from, names := range map[guard.Original][2]string{
		guard.FromXForwarded:  {"X-Forwarded-Method", "X-Forwarded-Uri"},
		guard.FromXOriginal:   {"X-Original-Method", "X-Original-Uri"},
		guard.FromRequestLine: {},
	} {
		h := forwardAuth(t, g, from)
		ask := func(token, uri string) *http.Request {
			if from == guard.FromRequestLine {
				return request("DELETE", uri, token)
			}
			r := request("GET", "/auth", token)
			r.Header.Set(names[0], "DELETE")
			r.Header.Set(names[1], uri)
			return r
		}
		got := serve(h, ask(w.sign(t, nil), "/cards/7?x=1"))
		if got.Code != 200 || got.Header().Get("X-Verified-Sub") != "checkout" || got.Body.Len() != 0 {
			t.Errorf("%v: %d %v", from, got.Code, got.Header())
		}
		if values, there := got.Header()["X-Verified-Task"]; !there || values[0] != "" {
			t.Errorf("%v: an absent claim must overwrite what the caller sent: %v", from, got.Header())
		}
		got = serve(h, ask(w.sign(t, map[string]any{"aud": crm}), "/cards/7?x=1"))
		e := w.book.last(t)
		if got.Code != 401 || e.Type != event.OffTarget || e.Request.Method != "DELETE" || e.Request.Path != "/cards/7" || got.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%v: %d %+v", from, got.Code, e.Request)
		}
		if got := serve(h, ask("", "/")); got.Code != 401 {
			t.Errorf("%v: no token: %d", from, got.Code)
		}
		want := 400
		if from == guard.FromXOriginal {
			want = 401 // nginx knows nothing else
		}
		if got := serve(h, ask(w.sign(t, nil), "/?access_token=x")); got.Code != want || w.book.last(t).Reason != narrowcast.RequestMalformed {
			t.Errorf("%v: token in the original query: %d", from, got.Code)
		}
	}
}

func TestForwardAuthReadsOnePlaceOnly(t *testing.T) {
	w := newTown(t)
	g := w.door(t, pay, func(c *guard.Config) {
		c.ScopeFor = func(r *http.Request) narrowcast.Scope {
			if r.Method == "GET" && r.URL.Path == "/open" {
				return narrowcast.Scope{}
			}
			return narrowcast.MustScope("admin")
		}
	})
	token := w.sign(t, nil)
	forged := map[string]string{"X-Forwarded-Method": "GET", "X-Forwarded-Uri": "/open", "X-Original-Method": "GET", "X-Original-Uri": "/open", "X-Rewrite-Url": "/open"}
	own := map[guard.Original][]string{
		guard.FromXForwarded:  {"X-Forwarded-Method", "X-Forwarded-Uri"},
		guard.FromXOriginal:   {"X-Original-Method", "X-Original-Uri"},
		guard.FromRequestLine: nil,
	}
	for from, names := range own {
		ask := func(method, uri string) *http.Request {
			r := request(method, uri, token)
			for name, value := range forged {
				r.Header.Set(name, value)
			}
			if names != nil {
				r.Header.Set(names[0], method)
				r.Header.Set(names[1], uri)
			}
			return r
		}
		if got := serve(forwardAuth(t, g, from), ask("POST", "/admin")); got.Code != 403 {
			t.Errorf("%v: forged headers chose the rule: %d", from, got.Code)
		}
		if got := serve(forwardAuth(t, g, from), ask("GET", "/open")); got.Code != 200 {
			t.Errorf("%v: control: %d", from, got.Code)
		}
	}
	nginx := forwardAuth(t, g, guard.FromXOriginal)
	for name, change := range map[string]func(http.Header){
		"twice":       func(h http.Header) { h["X-Original-Uri"] = []string{"/admin", "/open"} },
		"both names":  func(h http.Header) { h.Set("X-Original-Url", "https://pay.example.test/open") },
		"none":        func(h http.Header) { h.Del("X-Original-Uri") },
		"no URI":      func(h http.Header) { h.Set("X-Original-Uri", "open") },
		"long":        func(h http.Header) { h.Set("X-Original-Uri", "/"+strings.Repeat("a", 9000)) },
		"bad method":  func(h http.Header) { h.Set("X-Original-Method", "GET /open") },
		"dot segment": func(h http.Header) { h.Set("X-Original-Uri", "/open/../admin") },
		"fragment":    func(h http.Header) { h.Set("X-Original-Uri", "/open#/../admin") },
	} {
		r := request("GET", "/auth", token)
		r.Header.Set("X-Original-Method", "GET")
		r.Header.Set("X-Original-Uri", "/open")
		change(r.Header)
		if got := serve(nginx, r); got.Code != 401 || w.book.last(t).Reason != narrowcast.RequestMalformed {
			t.Errorf("%s: %d", name, got.Code)
		}
	}
	unruly := forwardAuth(t, w.door(t, pay, nil), guard.FromXForwarded)
	for _, values := range [][]string{{"/a"}, {"/a", "/b"}} {
		r := request("GET", "/auth", token)
		r.Header["X-Forwarded-Uri"] = values
		if got := serve(unruly, r); (got.Code == 200) != (len(values) == 1) {
			t.Errorf("%v without a scope rule: %d", values, got.Code)
		}
	}
	whole := request("GET", "/auth", token)
	whole.Header.Set("X-Original-Method", "GET")
	whole.Header.Set("X-Original-Url", "https://crm.example.test/open")
	if got := serve(nginx, whole); got.Code != 200 {
		t.Errorf("a whole URL: %d", got.Code)
	}
}

func TestForwardAuthIgnoresForwardedHosts(t *testing.T) {
	w := newTown(t)
	h := forwardAuth(t, w.door(t, crm, nil), guard.FromXForwarded)
	r := request("GET", pay+"/auth", w.sign(t, nil))
	r.Header.Set("X-Forwarded-Host", "pay.example.test")
	r.Header.Set("X-Forwarded-Proto", "https")
	r.Header.Set("X-Forwarded-Uri", pay+"/")
	if got := serve(h, r); got.Code != 401 || w.book.last(t).Expected != crm {
		t.Errorf("%d", got.Code)
	}
}

func TestForwardAuthObserves(t *testing.T) {
	w := newTown(t)
	h := forwardAuth(t, w.door(t, pay, observing), guard.FromXForwarded)
	got := serve(h, request("GET", "/auth", w.sign(t, map[string]any{"aud": crm})))
	if got.Code != 200 || got.Header().Get("X-Verified-Sub") != "" || w.book.last(t).Type != event.WouldReject {
		t.Errorf("%d %v", got.Code, got.Header())
	}
}

func TestForwardConfigNamesAllFaults(t *testing.T) {
	w := newTown(t)
	_, err := w.door(t, pay, nil).ForwardAuth(guard.ForwardConfig{Claims: map[string]string{
		"X-User": "sub", "x_user": "sub", "Authorization": "sub", "X-Empty": "", "bad name": "sub", "X-Forwarded-User": "sub"}})
	for _, want := range []string{"Original", "look alike", `"Authorization" has a meaning`, `"X-Empty"`, `"bad name"`, `"X-Forwarded-User"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
}
