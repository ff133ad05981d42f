package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/credential"
	"github.com/narrowcast-io/narrowcast/service/internal/httpapi"
	"github.com/narrowcast-io/narrowcast/service/internal/metrics"
	"github.com/narrowcast-io/narrowcast/service/internal/settings"
)

// world is what the demo plays in: an issuer and four services behind guards,
// all on loopback, in a directory of their own.
type world struct {
	app    *app
	dir    string
	home   string
	house  *house
	issuer string // base URL
	doors  map[string]*stage
	follow bool // the guards follow the feed of revocations
	log    *slog.Logger
	stops  []func()
}

// stage is one guarded service.
type stage struct {
	name     string
	audience narrowcast.Audience
	url      string
	door     *door
}

// services of the demo, in the order of the story.
var services = []string{"payments", "profiles", "orchestrator", "data"}

// openWorld starts everything. Whatever it started is stopped by close. Guards
// that follow no feed are for those who play with the clock: to a guard that does,
// a clock that jumps is a silence of the issuer.
func (a *app) openWorld(ctx context.Context, follow bool) (*world, error) {
	dir, err := os.MkdirTemp("", "narrowcast-demo-")
	if err != nil {
		return nil, err
	}
	w := &world{app: a, dir: dir, home: filepath.Join(dir, "issuer"), doors: map[string]*stage{}, follow: follow}
	logFile, err := os.OpenFile(filepath.Join(dir, "log.jsonl"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	w.stops = append(w.stops, func() { _ = logFile.Close() }) // only the demo's own log
	w.log = slog.New(slog.NewJSONHandler(logFile, nil))
	if err := w.openIssuer(ctx); err != nil {
		w.close()
		return nil, err
	}
	for _, name := range services {
		if err := w.openService(ctx, name); err != nil {
			w.close()
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return w, nil
}

func (w *world) openIssuer(ctx context.Context) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	w.issuer = "http://" + l.Addr().String()
	id, err := narrowcast.ParseIssuer(w.issuer)
	if err != nil {
		return err
	}
	if err := w.app.makeHome(ctx, setup{dir: w.home, issuer: id, listen: l.Addr().String(), operations: "127.0.0.1:8481"}); err != nil {
		return err
	}
	s, err := settings.LoadIssuer(filepath.Join(w.home, settingsFile))
	if err != nil {
		return err
	}
	if w.house, err = w.app.openHouse(ctx, s, w.log, metrics.New()); err != nil {
		return err
	}
	w.start(ctx, l, w.house.handler, w.house.run)
	w.stops = append([]func(){func() { _ = w.house.close() }}, w.stops...) // closed last: nothing is asked any more
	return nil
}

// start serves on a listener and works in the background until the world closes.
func (w *world) start(ctx context.Context, l net.Listener, h http.Handler, work func(context.Context)) {
	server := httpapi.Server(h, w.log)
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() { defer close(ended); work(running) }()
	go func() { _ = server.Serve(l) }() // ends with Close
	w.stops = append(w.stops, func() {
		cancel()
		<-ended
		_ = server.Close() // the listener is gone either way
	})
}

// openService starts a service that checks nothing, and a guard before it.
func (w *world) openService(ctx context.Context, name string) error {
	upstream, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	plain := http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(rw, "hello from "+name+"\n") // the other end is gone
	})
	w.start(ctx, upstream, plain, func(ctx context.Context) { <-ctx.Done() })
	r, ok := w.house.doors.Load().snapshot.Named(name)
	if !ok {
		return errors.New("not in the sample registry")
	}
	issuer := w.house.settings.Issuer
	var news settings.Feed
	if w.follow {
		news.File = filepath.Join(w.dir, "feed-"+name)
	}
	d, err := w.app.openDoor(settings.Guard{
		Name: "demo", Audience: r.Audience, Algorithms: []narrowcast.Algorithm{narrowcast.ES256},
		Issuers: []settings.TrustedIssuer{{ID: issuer, JWKSURL: w.issuer + "/jwks"}},
		Skew:    time.Second, MaxLifetime: narrowcast.DefaultMaxLifetime,
		Upstream: &url.URL{Scheme: "http", Host: upstream.Addr().String()},
		Events: settings.Events{
			CredentialFile: w.credential("guard-" + name), Spool: filepath.Join(w.dir, "spool-"+name),
		},
		Feed: news,
	}, w.log)
	if err != nil {
		return err
	}
	front, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	w.start(ctx, front, d.handler, d.run)
	w.stops = append(w.stops, func() { _ = d.close() }) // its events are delivered by then
	w.doors[name] = &stage{name: name, audience: r.Audience, url: "http://" + front.Addr().String() + "/", door: d}
	return d.waitUntilReady(ctx)
}

// waitUntilReady waits for keys and for the first word about revocations.
func (d *door) waitUntilReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := d.ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (w *world) credential(client string) string {
	return filepath.Join(w.home, credentialsDir, client+".json")
}

func (w *world) read(client string) (credential.Credential, error) {
	return credential.Read(w.credential(client))
}

// close stops the guards, then the issuer, and removes the directory.
func (w *world) close() {
	for i := len(w.stops) - 1; i >= 0; i-- {
		w.stops[i]()
	}
	_ = os.RemoveAll(w.dir) // a temporary directory
}
