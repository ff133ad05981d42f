package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// front stands before two replicas of one issuer and sends everybody to one that
// answers. Each verifier has a link of its own.
type front struct {
	server *http.Server
	issuer string
	client *http.Client
	turn   atomic.Int64
	links  []*link
	houses []*house
}

// house is one replica.
type house struct {
	home    *home
	address string
	process *exec.Cmd
}

func (h *house) start() error {
	h.process = command(h.home.town.binary, "serve", "--home", h.home.dir)
	log, err := os.OpenFile(filepath.Join(h.home.town.dir, filepath.Base(h.home.dir)+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	h.process.Stderr = log
	return h.home.town.launch(h.process)
}

func (h *house) kill() error {
	err := h.process.Process.Kill()
	_ = h.process.Wait() // it was killed
	return err
}

// newFront makes an issuer of two replicas on a database, and the links before it.
func (t *town) newFront(db *cluster, links int) (*front, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f := &front{
		issuer: "http://" + listener.Addr().String(),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	mux := http.NewServeMux()
	mux.Handle("/", f)
	for i := range links {
		l := &link{front: f, n: i}
		f.links = append(f.links, l)
		mux.Handle(fmt.Sprintf("/link/%d/feed", i), l)
	}
	f.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = f.server.Serve(listener) }() // ends with Close
	if err := t.replicas(f, db); err != nil {
		return nil, errors.Join(err, f.server.Close())
	}
	return f, nil
}

func (t *town) replicas(f *front, db *cluster) error {
	a, aOps, err := freeAddresses()
	if err != nil {
		return err
	}
	first := &home{town: t, dir: filepath.Join(t.dir, "a"), issuer: f.issuer}
	if err := t.run("init", first.dir, "--issuer", f.issuer, "--listen", a, "--operations", aOps,
		"--postgres", db.url(), "--password-file", db.passwordFile()); err != nil {
		return err
	}
	if err := first.hurry(); err != nil {
		return err
	}
	b, bOps, err := freeAddresses()
	if err != nil {
		return err
	}
	second := &home{town: t, dir: filepath.Join(t.dir, "b"), issuer: f.issuer}
	if err := os.CopyFS(second.dir, os.DirFS(first.dir)); err != nil {
		return err
	}
	path := filepath.Join(second.dir, "narrowcast.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	changed := strings.NewReplacer("listen: "+a, "listen: "+b, "operations: "+aOps, "operations: "+bOps).Replace(string(text))
	if err := errors.Join(os.WriteFile(path, []byte(changed), 0o600), os.Chmod(filepath.Join(second.dir, "master.key"), 0o600)); err != nil {
		return err
	}
	f.houses = []*house{{home: first, address: a}, {home: second, address: b}}
	return errors.Join(f.houses[0].start(), f.houses[1].start(), first.ready())
}

// faultStale is when a verifier of the harness counts as stale.
const faultStale = 4 * time.Second

// hurry makes verifiers of the resource stale soon.
func (h *home) hurry() error {
	path := filepath.Join(h.dir, "registry", "resources.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	const terms = "tokens: {ttl: 5m, max_ttl: 10m}"
	if !strings.Contains(string(text), terms) {
		return errors.New("the sample registry has other terms")
	}
	changed := strings.Replace(string(text), terms, "tokens: {ttl: 10m, max_ttl: 10m, stale_after: "+faultStale.String()+", when_stale: refuse}", 1)
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		return err
	}
	return h.town.run("apply", "--home", h.dir, "--author", "bench")
}

// ServeHTTP sends a request on and its answer back.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	resp, err := f.forward(r.Context(), r, r.URL.RequestURI(), int(f.turn.Add(1)))
	if err != nil {
		http.Error(w, "no issuer", http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	copyHeader(w.Header(), resp.Header)
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body) // the other end is gone
}

// forward asks one replica, and the other one when that does not answer.
func (f *front) forward(ctx context.Context, r *http.Request, target string, first int) (*http.Response, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 4<<20))
	if err != nil {
		return nil, err
	}
	for try := range f.houses {
		req, err := http.NewRequestWithContext(ctx, r.Method, "http://"+f.houses[(first+try)%len(f.houses)].address+target, bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		copyHeader(req.Header, r.Header)
		req.Host = r.Host
		if resp, err := f.client.Do(req); err == nil {
			return resp, nil
		}
	}
	return nil, errors.New("no replica answers")
}

func copyHeader(to, from http.Header) {
	for name, values := range from {
		if name != "Connection" && name != "Content-Length" {
			to[name] = values
		}
	}
}
