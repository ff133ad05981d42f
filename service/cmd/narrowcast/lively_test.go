package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// wire is a connection that a middlebox may forget: then nothing arrives, and
// nobody says so.
type wire struct {
	net.Conn
	cut *atomic.Bool
}

func (w wire) Read(b []byte) (int, error) {
	for {
		n, err := w.Conn.Read(b)
		if err != nil || !w.cut.Load() {
			return n, err
		}
	}
}

func (w wire) Write(b []byte) (int, error) {
	if w.cut.Load() {
		return len(b), nil
	}
	return w.Conn.Write(b)
}

// pipes is a listener whose connections are made in memory.
type pipes struct {
	calls  chan net.Conn
	closed chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.calls:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p pipes) Close() error   { close(p.closed); return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{} }

// TestADeadConnectionIsLeftBehind: over HTTP/2 all requests share one.
func TestADeadConnectionIsLeftBehind(t *testing.T) {
	made := httptest.NewTLSServer(nil) // for its certificate
	made.Close()
	roots := x509.NewCertPool()
	roots.AddCert(made.Certificate())
	synctest.Test(t, func(t *testing.T) {
		here := pipes{make(chan net.Conn), make(chan struct{})}
		server := &http.Server{
			Handler:   http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }),
			TLSConfig: &tls.Config{Certificates: made.TLS.Certificates, NextProtos: []string{"h2"}, Time: made.Certificate().NotBefore.Local},
		}
		served := make(chan error, 1)
		go func() { served <- server.ServeTLS(here, "", "") }()
		first, dialled := new(atomic.Bool), 0
		transport := lively()
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, Time: made.Certificate().NotBefore.Local}
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			here.calls <- far
			if dialled++; dialled == 1 {
				return wire{near, first}, nil
			}
			return near, nil
		}
		ask := func() (string, error) {
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://example.com/", nil)
			if err != nil {
				return "", err
			}
			resp, err := transport.RoundTrip(req)
			if err != nil {
				return "", err
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			return string(body), err
		}
		for range 2 {
			if got, err := ask(); got != "HTTP/2.0" || dialled != 1 {
				t.Fatalf("the control: %q %v, %d connections", got, err, dialled)
			}
		}
		first.Store(true)
		tries := 0
		for begin := time.Now(); time.Since(begin) < 5*time.Minute; tries++ {
			if got, err := ask(); err == nil && got == "HTTP/2.0" {
				break
			}
		}
		if tries > 4 {
			t.Errorf("%d tries went down with the dead connection", tries)
		}
		transport.CloseIdleConnections()
		_ = server.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}
