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
	"testing"
	"testing/synctest"
	"time"

	"github.com/narrowcast-io/narrowcast/guard"
)

// TestOnlyWebSocketsAreTunnelled: behind an upgrade to another protocol a caller
// could speak to the service past the guard.
func TestOnlyWebSocketsAreTunnelled(t *testing.T) {
	w := newTown(t)
	asked := 0
	service := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ })
	front := behind(t, w.door(t, pay, nil), service, nil)
	open := behind(t, w.door(t, pay, nil), service, func(c *guard.ProxyConfig) { c.DangerouslyUpgradeTo = []string{"h2c"} })
	ask := func(s *httptest.Server, headers string) string {
		return raw(t, strings.TrimPrefix(s.URL, "http://"),
			"GET /ok HTTP/1.1\r\nHost: pay.example.test\r\nAuthorization: Bearer "+w.sign(t, nil)+"\r\n"+headers+"\r\n")[:3]
	}
	const h2c = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
	for headers, want := range map[string]string{
		h2c: "400", "Connection: upgrade\r\n": "400", "Connection: close, \tUPGRADE\r\n": "400", "Connection: close\r\nConnection: Upgrade\r\n": "400",
		"Upgrade: h2c\r\n": "400", "Upgrade: \r\n": "400", "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n": "400",
		"Connection: Upgrade\r\nUpgrade: websocket/13\r\n": "400", "Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n": "400",
		"Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n": "400",
		// Controls: the service answers 200 and does not switch.
		"": "200", "Connection: close\r\n": "200", "Connection: Upgrade\r\nUpgrade: websocket\r\n": "200", "Connection: upgrade\r\nUpgrade: WebSocket\r\n": "200",
	} {
		asked = 0
		if got := ask(front, headers); got != want || (asked == 1) != (want == "200") {
			t.Errorf("%q: %s, the service was asked %d times", headers, got, asked)
		}
	}
	if ask(front, h2c); w.book.last(t).Detail != "the connection may not be upgraded to this protocol" {
		t.Errorf("the event says %q", w.book.last(t).Detail)
	}
	if got := ask(open, h2c); got != "200" {
		t.Errorf("DangerouslyUpgradeTo has no effect: %s", got)
	}
	if got := ask(open, "Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n"); got != "400" {
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
				caller, served := net.Pipe()
				r := request("GET", "/ws", token)
				r.Header["Connection"], r.Header["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
				done := make(chan struct{})
				go func() {
					defer close(done)
					h.ServeHTTP(pipeWriter{httptest.NewRecorder(), served}, r)
				}()
				answers := bufio.NewReader(caller)
				if res, err := http.ReadResponse(answers, r); err != nil || res.StatusCode != 101 {
					t.Fatalf("%v %v", res, err)
				}
				say := func() (string, error) {
					if _, err := io.WriteString(caller, "hello\n"); err != nil {
						return "", err
					}
					return answers.ReadString('\n')
				}
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
