package guard_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/guard"
)

// behind starts a service and a guarding proxy in front of it.
func behind(t testing.TB, g *guard.Guard, service http.Handler, change func(*guard.ProxyConfig)) *httptest.Server {
	t.Helper()
	upstream := httptest.NewServer(service)
	t.Cleanup(upstream.Close)
	u, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := guard.ProxyConfig{Upstream: u, Claims: map[string]string{"X-Verified-Sub": "sub", "X-Verified-Scope": "scope"}}
	if change != nil {
		change(&c)
	}
	h, err := g.Proxy(c)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(h)
	t.Cleanup(front.Close)
	return front
}

func fetch(t testing.TB, method, address, token string, body io.Reader, header http.Header) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

func TestProxyPassesClaimsAndNeverTheToken(t *testing.T) {
	w := newTown(t)
	token := w.sign(t, nil)
	var header http.Header
	front := behind(t, w.door(t, pay, nil), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		header = r.Header.Clone()
		header.Set("Host", r.Host)
	}), func(c *guard.ProxyConfig) { c.Strip = []string{"X-House-Secret"} })
	forged := http.Header{
		"X-Verified-Sub": {"root"}, "x_verified_sub": {"root"}, "X-VERIFIED_SUB": {"root"}, "X.Verified.Sub": {"root"}, "x-verified-scope": {"everything"},
		"X-Forwarded-For": {"10.0.0.1"}, "X-Forwarded-Host": {"root.example.test"}, "X-Forwarded-User": {"root"}, "X_forwarded_user": {"root"},
		"Forwarded": {"for=root"}, "X-Remote-User": {"root"}, "Remote_user": {"root"}, "X-Auth-Request-User": {"root"}, "X-User": {"root"},
		"Client-Cert": {":cm9vdA==:"}, "X-Original-Url": {"/root"}, "X-Http-Method-Override": {"root"}, "X_house_secret": {"root"},
		"Proxy-Authorization": {"Bearer root"}, "Dpop": {"root"}, "X-Real-Ip": {"root"},
		"Connection": {"X-Verified-Sub, X-Verified-Scope, X-Forwarded-For"}, "Te": {"trailers"},
		"X-Request-Id": {"r-1"}, "Accept-Language": {"de"}, "Cookie": {"a=b"},
	}
	res, _ := fetch(t, "GET", front.URL+"/a?b=c", token, nil, forged)
	if res.StatusCode != 200 {
		t.Fatalf("status %d", res.StatusCode)
	}
	all := fmt.Sprint(header)
	if strings.Contains(all, "root") || strings.Contains(all, "everything") || strings.Contains(all, token) || strings.Contains(all, "10.0.0.1") {
		t.Errorf("the service saw %s", all)
	}
	for name, want := range map[string]string{
		"X-Verified-Sub": "checkout", "X-Verified-Scope": "charge", "X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http",
		"X-Forwarded-Host": strings.TrimPrefix(front.URL, "http://"), "X-Request-Id": "r-1", "Accept-Language": "de", "Cookie": "a=b",
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if _, there := header["Authorization"]; there {
		t.Error("Authorization reached the service")
	}
}

func TestProxyRefusesBeforeTheService(t *testing.T) {
	w := newTown(t)
	front := behind(t, w.door(t, crm, nil), http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the service was asked")
	}), nil)
	res, text := fetch(t, "GET", front.URL+"/", w.sign(t, nil), nil, http.Header{"X-Forwarded-Host": {"pay.example.test"}})
	if res.StatusCode != 401 || w.book.last(t).Type != event.OffTarget || !strings.Contains(text, "invalid_token") {
		t.Errorf("%d %s", res.StatusCode, text)
	}
}

func TestProxyInObserveModePassesNoClaims(t *testing.T) {
	w := newTown(t)
	var header http.Header
	service := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { header = r.Header.Clone() })
	front := behind(t, w.door(t, pay, observing), service, nil)
	token := w.sign(t, map[string]any{"aud": crm})
	res, _ := fetch(t, "GET", front.URL+"/", token, nil, http.Header{"X-Verified-Sub": {"root"}})
	if res.StatusCode != 200 || header.Get("X-Verified-Sub") != "" || header.Get("Authorization") != "" || res.Header.Get(guard.DecisionHeader) != "" {
		t.Errorf("%d, the service saw %v", res.StatusCode, header)
	}
	if w.book.last(t).Type != event.WouldReject {
		t.Errorf("event %s", w.book.last(t).Type)
	}
}

func TestProxyPassesBodies(t *testing.T) {
	w := newTown(t)
	front := behind(t, w.door(t, pay, nil), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("X-Method", r.Method+" "+r.URL.String())
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write(body)
	}), nil)
	body := strings.Repeat("0123456789", 200_000)
	for _, kind := range []string{"application/octet-stream", "application/x-www-form-urlencoded"} {
		res, text := fetch(t, "PUT", front.URL+"/a%20b?c=%2F", w.sign(t, nil), strings.NewReader(body), http.Header{"Content-Type": {kind}})
		if res.StatusCode != 202 || text != body || res.Header.Get("X-Method") != "PUT /a%20b?c=%2F" {
			t.Errorf("%s: %d, %d bytes, %s", kind, res.StatusCode, len(text), res.Header.Get("X-Method"))
		}
	}
}

func TestProxyHidesWhyTheServiceIsDown(t *testing.T) {
	w := newTown(t)
	g := w.door(t, pay, nil)
	var cause error
	u := &url.URL{Scheme: "http", Host: "127.0.0.1:1"}
	for want, transport := range map[int]http.RoundTripper{
		502: nil,
		504: tripper(func(*http.Request) (*http.Response, error) { return nil, context.DeadlineExceeded }),
	} {
		h, err := g.Proxy(guard.ProxyConfig{Upstream: u, Transport: transport, Failed: func(err error) { cause = err }})
		if err != nil {
			t.Fatal(err)
		}
		token := w.sign(t, nil)
		got := serve(h, request("GET", "/", token))
		if got.Code != want || got.Body.String() != "{\"error\":\"upstream_unavailable\"}\n" || cause == nil || strings.Contains(cause.Error(), token) {
			t.Errorf("%d %s %v", got.Code, got.Body, cause)
		}
	}
	if n := g.State().UpstreamFailures; n != 2 {
		t.Errorf("%d failures counted", n)
	}
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestProxyStreamsEvents(t *testing.T) {
	w := newTown(t)
	heard := make(chan struct{})
	front := behind(t, w.door(t, pay, nil), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: one\n\n")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-heard: // the caller has the first event while the answer is still open
		case <-r.Context().Done():
		}
		_, _ = io.WriteString(w, "data: two\n\n")
	}), nil)
	req, err := http.NewRequestWithContext(t.Context(), "GET", front.URL+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.sign(t, nil))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	if line, err := lines.ReadString('\n'); line != "data: one\n" {
		t.Fatalf("%q %v", line, err)
	}
	close(heard)
	if rest, err := io.ReadAll(lines); string(rest) != "\ndata: two\n\n" {
		t.Errorf("%q %v", rest, err)
	}
}

// TestNoWayToSetAHeaderOfTheGuard: callers name headers in Connection, fold
// lines, spell names twice or send trailers.
func TestNoWayToSetAHeaderOfTheGuard(t *testing.T) {
	w := newTown(t)
	var got http.Header
	front := behind(t, w.door(t, pay, nil), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		got = r.Header.Clone()
		for name, values := range r.Trailer {
			got["Trailer:"+name] = values
		}
	}), func(c *guard.ProxyConfig) { c.Claims = map[string]string{"X-Caller": "sub", "X-Jwt-Role": "role"} })
	token := w.sign(t, map[string]any{"role": "a\r\nX-Caller: root"})
	for extra, served := range map[string]bool{
		"": true, "Connection: close, X-Caller\r\nX-Caller: root\r\n": true, "X_Caller: root\r\n": true, "x-caller: root\r\nX-Caller: root2\r\n": true,
		"X-Jwt-Role: root\r\n": true, "X-Forwarded-For: root\r\nForwarded: for=root\r\nX-Real-IP: root\r\n": true,
		"Connection: close, X-Forwarded-For, Authorization\r\n":                          true,
		"Trailer: X-Caller\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Caller: root\r\n": true,
		"X-Caller : root\r\n": false, "X-Caller: a\r\n root\r\n": true,
	} {
		got = nil
		answer := raw(t, strings.TrimPrefix(front.URL, "http://"),
			"POST /ok HTTP/1.1\r\nHost: pay.example.test\r\nAuthorization: Bearer "+token+"\r\n"+extra+"\r\n")
		if strings.HasPrefix(answer, "200") != served || served != (got.Get("X-Caller") == "checkout") {
			t.Errorf("%q: %s, X-Caller is %q", extra, answer, got.Get("X-Caller"))
		}
		if all := fmt.Sprint(got); strings.Contains(all, "root") || strings.Contains(all, token) {
			t.Errorf("%q: the service saw %s", extra, all)
		}
	}
}

func TestProxyPassesWebSockets(t *testing.T) {
	w := newTown(t)
	front := behind(t, w.door(t, pay, nil), http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "websocket" || r.Header.Get("Authorization") != "" || r.Header.Get("X-Verified-Sub") != "checkout" {
			t.Errorf("the service saw %v", r.Header)
		}
		conn, both, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = both.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_ = both.Flush()
		line, _ := both.ReadString('\n')
		_, _ = both.WriteString("echo " + line)
		_ = both.Flush()
	}), nil)
	dial := func(token string) (*bufio.ReadWriter, *http.Response) {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(front.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		both := bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn))
		fmt.Fprintf(both, "GET /ws HTTP/1.1\r\nHost: pay.example.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nAuthorization: Bearer %s\r\n\r\n", token)
		_ = both.Flush()
		res, err := http.ReadResponse(both.Reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		return both, res
	}
	both, res := dial(w.sign(t, nil))
	if res.StatusCode != 101 {
		t.Fatalf("status %d", res.StatusCode)
	}
	_, _ = both.WriteString("knock\n")
	_ = both.Flush()
	if line, err := both.ReadString('\n'); line != "echo knock\n" {
		t.Errorf("%q %v", line, err)
	}
	if _, res := dial(w.sign(t, map[string]any{"aud": crm})); res.StatusCode != 401 {
		t.Errorf("another audience: %d", res.StatusCode)
	}
}

func TestOneConnectionManyDecisions(t *testing.T) {
	w := newTown(t)
	front := httptest.NewServer(w.door(t, pay, nil).Wrap(hello))
	defer front.Close()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(front.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answers := bufio.NewReader(conn)
	for _, step := range []struct {
		token string
		want  int
	}{{w.sign(t, nil), 200}, {"", 401}, {w.sign(t, map[string]any{"aud": crm}), 401}, {w.sign(t, nil), 200}} {
		header := ""
		if step.token != "" {
			header = "Authorization: Bearer " + step.token + "\r\n"
		}
		fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: pay.example.test\r\nContent-Length: 5\r\n%s\r\nhello", header)
		res, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != step.want || res.Close {
			t.Errorf("status %d, want %d; closes: %v, %v", res.StatusCode, step.want, res.Close, err)
		}
		res.Body.Close()
	}
}

func TestClaimsThatCannotStandInAHeaderAreLeftOut(t *testing.T) {
	w := newTown(t)
	var header http.Header
	front := behind(t, w.door(t, pay, nil), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { header = r.Header.Clone() }),
		func(c *guard.ProxyConfig) {
			c.Claims = map[string]string{"X-Note": "note", "X-Number": "number", "X-List": "list"}
		})
	for note, want := range map[string]string{
		"plain": "plain", "two\r\nX-Number: 9": "", " outer": "", "Zoë": "", "": "", strings.Repeat("x", 5000): "", "a\x00b": "",
	} {
		header = nil
		token := w.sign(t, map[string]any{"note": note, "number": 7, "list": []string{"a", "b"}})
		res, _ := fetch(t, "GET", front.URL+"/", token, nil, nil)
		if res.StatusCode != 200 || header.Get("X-Note") != want || header.Get("X-Number") != "7" || header.Get("X-List") != `["a","b"]` {
			t.Errorf("%.20q: %d %v", note, res.StatusCode, header)
		}
	}
}

func TestProxyConfigNamesAllFaults(t *testing.T) {
	w := newTown(t)
	g := w.door(t, pay, nil)
	_, err := g.Proxy(guard.ProxyConfig{
		Upstream: &url.URL{Scheme: "ftp", Host: "x"}, DialTimeout: -1,
		Claims: map[string]string{"X-Sub": "sub", "Host": "sub"}, DangerouslyKeep: []string{"x_sub", "authorization"},
	})
	for _, want := range []string{"http or https", "DialTimeout", `"Host"`, `"x_sub" carries a claim`, `"authorization" holds`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
	if _, err := g.Proxy(guard.ProxyConfig{}); err == nil {
		t.Error("a proxy without an upstream was made")
	}
	front := behind(t, g, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get("X-Tenant-Id"))
	}), func(c *guard.ProxyConfig) { c.DangerouslyKeep = []string{"X-Tenant-Id"} })
	if _, text := fetch(t, "GET", front.URL+"/", w.sign(t, nil), nil, http.Header{"X-Tenant-Id": {"t1"}}); text != "t1" {
		t.Errorf("DangerouslyKeep has no effect: %q", text)
	}
}

func TestProxyDoesNotCountCallersThatLeave(t *testing.T) {
	w := newTown(t)
	g := w.door(t, pay, nil)
	h, err := g.Proxy(guard.ProxyConfig{Upstream: &url.URL{Scheme: "http", Host: "127.0.0.1:1"},
		Transport: tripper(func(*http.Request) (*http.Response, error) { return nil, context.Canceled }),
		Failed:    func(err error) { t.Error(errors.Join(errors.New("reported"), err)) }})
	if err != nil {
		t.Fatal(err)
	}
	if serve(h, request("GET", "/", w.sign(t, nil))); g.State().UpstreamFailures != 0 {
		t.Error("counted")
	}
}
