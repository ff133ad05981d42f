package guard_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/guard"
)

// TestOnlyWebSocketsAreTunnelled: behind an upgrade to another protocol a caller
// could speak to the service past the guard. The offer is taken out, because some
// clients make one with every request.
func TestOnlyWebSocketsAreTunnelled(t *testing.T) {
	w := newTown(t)
	offered := "never asked"
	service := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		offered = r.Header.Get("Upgrade") + r.Header.Get("Http2-Settings")
	})
	front := behind(t, w.door(t, pay, nil), service, nil)
	open := behind(t, w.door(t, pay, nil), service, func(c *guard.ProxyConfig) { c.DangerouslyUpgradeTo = []string{"h2c"} })
	ask := func(s *httptest.Server, headers string) string {
		offered = "never asked"
		status := raw(t, strings.TrimPrefix(s.URL, "http://"),
			"GET /ok HTTP/1.1\r\nHost: pay.example.test\r\nAuthorization: Bearer "+w.sign(t, nil)+"\r\n"+headers+"\r\n")[:3]
		if status != "200" {
			t.Errorf("%q: %s", headers, status)
		}
		return offered
	}
	const h2c = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
	for headers, want := range map[string]string{
		h2c: "", "Connection: upgrade\r\n": "", "Connection: close, \tUPGRADE\r\n": "", "Connection: close\r\nConnection: Upgrade\r\n": "",
		"Upgrade: h2c\r\n": "", "Upgrade: \r\n": "", "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n": "",
		"Connection: Upgrade\r\nUpgrade: websocket/13\r\n": "", "Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n": "",
		"Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n": "",
		// Controls: no offer, and the one that is passed on.
		"": "", "Connection: close\r\n": "",
		"Connection: Upgrade\r\nUpgrade: websocket\r\n": "websocket", "Connection: upgrade\r\nUpgrade: WebSocket\r\n": "WebSocket",
	} {
		if got := ask(front, headers); got != want {
			t.Errorf("%q: the service was offered %q, want %q", headers, got, want)
		}
	}
	if got := ask(open, h2c); got != "h2c" {
		t.Errorf("DangerouslyUpgradeTo has no effect: %s", got)
	}
	if got := ask(open, "Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n"); got != "" {
		t.Errorf("DangerouslyUpgradeTo opens for others: %s", got)
	}
	_, err := w.door(t, pay, nil).Proxy(guard.ProxyConfig{Upstream: &url.URL{Scheme: "http", Host: "x"}, DangerouslyUpgradeTo: []string{"a b", ""}})
	if err == nil || strings.Count(err.Error(), "is not a protocol") != 2 {
		t.Errorf("error = %v", err)
	}
}

// pipeWriter is a ResponseWriter whose connection is a pipe, for bubbles of
// synthetic time.
type pipeWriter struct {
	*httptest.ResponseRecorder
	conn net.Conn
}

func (p pipeWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return p.conn, bufio.NewReadWriter(bufio.NewReader(p.conn), bufio.NewWriter(p.conn)), nil
}

// upgraded is a service that switches to web sockets and then repeats each line.
func upgraded() http.RoundTripper {
	return tripper(func(r *http.Request) (*http.Response, error) {
		near, far := net.Pipe()
		go func() {
			lines := bufio.NewScanner(far)
			for lines.Scan() {
				fmt.Fprintf(far, "echo %s\n", lines.Text())
			}
			far.Close()
		}()
		return &http.Response{StatusCode: http.StatusSwitchingProtocols, ProtoMajor: 1, ProtoMinor: 1, Request: r, Body: near,
			Header: http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}}}, nil
	})
}

// socket opens a web socket, and says one line on it at each call.
func socket(t *testing.T, h http.Handler, token string) (say func() (string, error), done chan struct{}) {
	t.Helper()
	caller, served := net.Pipe()
	r := request("GET", "/ws", token)
	r.Header["Connection"], r.Header["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
	done = make(chan struct{})
	go func() {
		defer close(done)
		h.ServeHTTP(pipeWriter{httptest.NewRecorder(), served}, r)
	}()
	answers := bufio.NewReader(caller)
	if res, err := http.ReadResponse(answers, r); err != nil || res.StatusCode != 101 {
		t.Fatalf("%v %v", res, err)
	}
	return func() (string, error) {
		if _, err := io.WriteString(caller, "hello\n"); err != nil {
			return "", err
		}
		return answers.ReadString('\n')
	}, done
}

// TestAWebSocketEndsWithItsToken: a socket would otherwise outlive the token
// that opened it by as long as the caller likes.
func TestAWebSocketEndsWithItsToken(t *testing.T) {
	for name, c := range map[string]struct {
		claims map[string]any
		until  time.Duration // of observe mode
		lives  time.Duration
	}{
		"accepted":                    {nil, 0, 305 * time.Second}, // 300 s and 5 s of skew
		"accepted, short":             {map[string]any{"exp": at.Unix() + 30}, 0, 35 * time.Second},
		"observed":                    {map[string]any{"aud": crm}, time.Hour, 305 * time.Second},
		"observed until the last day": {map[string]any{"aud": crm}, time.Minute, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newTown(t)
				begin := time.Now()
				token := w.sign(t, c.claims)
				now := func() time.Time { return at.Add(time.Since(begin)) }
				g := w.door(t, pay, func(g *guard.Config) {
					g.Now, g.Verifier = now, w.verifier(t, pay, 0)
					if c.until > 0 {
						g.DangerouslyObserveAudience = guard.Observe{Owner: "team-payments", Until: at.Add(c.until)}
					}
				})
				h, err := g.Proxy(guard.ProxyConfig{Upstream: &url.URL{Scheme: "http", Host: "x.example.test"}, Transport: upgraded()})
				if err != nil {
					t.Fatal(err)
				}
				say, done := socket(t, h, token)
				time.Sleep(c.lives - time.Second)
				if line, err := say(); line != "echo hello\n" {
					t.Errorf("a second before the end: %q %v", line, err)
				}
				time.Sleep(2 * time.Second)
				synctest.Wait()
				if line, err := say(); err == nil || !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrClosedPipe) {
					t.Errorf("a second after the end: %q %v", line, err)
				}
				<-done
			})
		})
	}
}

// alive is a feed that is asked about tokens too.
type alive struct {
	*wire
	reason atomic.Uint32
}

func (a *alive) Check(*narrowcast.Token) narrowcast.Reason { return narrowcast.Reason(a.reason.Load()) }

// TestAWebSocketEndsWhenItsTokenIsCalledBack: at once with the news, and within a
// second when the feed itself grows too old.
func TestAWebSocketEndsWhenItsTokenIsCalledBack(t *testing.T) {
	for name, c := range map[string]struct {
		reason narrowcast.Reason
		news   bool
		ends   time.Duration
	}{
		"another's":   {0, true, 0},
		"called back": {narrowcast.Revoked, true, time.Millisecond},
		"paused":      {narrowcast.TaskPaused, true, time.Millisecond},
		"too old":     {narrowcast.Stale, false, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, f := newTown(t), &alive{wire: &wire{changed: make(chan struct{})}}
				g := w.door(t, pay, func(g *guard.Config) { g.Feed = f })
				h, err := g.Proxy(guard.ProxyConfig{Upstream: &url.URL{Scheme: "http", Host: "x.example.test"}, Transport: upgraded()})
				if err != nil {
					t.Fatal(err)
				}
				say, done := socket(t, h, w.sign(t, nil))
				time.Sleep(500 * time.Millisecond)
				f.reason.Store(uint32(c.reason))
				if c.news {
					f.move(1)
				}
				time.Sleep(c.ends)
				synctest.Wait()
				if line, err := say(); (err == nil) != (c.ends == 0) {
					t.Errorf("%q %v", line, err)
				}
				if c.ends == 0 {
					f.reason.Store(uint32(narrowcast.Revoked))
				}
				<-done
			})
		})
	}
}
