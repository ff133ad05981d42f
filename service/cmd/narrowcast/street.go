package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/httpapi"
	"github.com/narrowcast-io/narrowcast/service/internal/metrics"
	"github.com/narrowcast-io/narrowcast/service/internal/quota"
	"github.com/narrowcast-io/narrowcast/service/internal/settings"
)

// street is the houses that one process serves: the one of --home, and those of
// its tenants. They share the listeners and nothing else.
type street struct {
	app     *app
	first   *house
	log     *slog.Logger
	metrics *metrics.Metrics

	mu     sync.Mutex
	houses map[string]*tenancy // by directory
	failed map[string]string   // by directory, what was said of it last
	open   atomic.Pointer[[]*house]
}

// tenancy is a house that runs.
type tenancy struct {
	*house
	stop func()
	done chan struct{}
}

// lookEvery is how often the tenants directory is read.
const lookEvery = 2 * time.Second

// openStreet opens the house of the settings and those of its tenants. Settings
// that are wrong are mended before anything is served. A tenant whose database or
// signer is away keeps no other out: it is tried again while the others run.
func (a *app) openStreet(ctx context.Context, s settings.Issuer, log *slog.Logger) (*street, error) {
	st := &street{app: a, log: log, metrics: metrics.New(), houses: map[string]*tenancy{}, failed: map[string]string{}}
	if s.Hosted {
		return nil, usage(errors.New("this house is served by another one (hosted: true); serve that one"))
	}
	first, err := a.openHouse(ctx, s, log, st.metrics)
	if err != nil {
		return nil, err
	}
	st.first = first
	dirs, err := st.tenantDirs()
	for _, dir := range dirs {
		s, wrong := st.tenantSettings(dir)
		if wrong != nil {
			err = errors.Join(err, wrong)
			continue
		}
		if h, away := st.openTenant(ctx, s); away != nil {
			st.complain(dir, away)
		} else {
			st.houses[dir] = &tenancy{house: h}
		}
	}
	if err != nil {
		return nil, errors.Join(usage(err), st.close())
	}
	st.publish()
	return st, nil
}

// tenantDirs lists the directories of tenants' houses.
func (st *street) tenantDirs() (dirs []string, err error) {
	if st.first.settings.Tenants == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(st.first.settings.Tenants)
	if err != nil {
		return nil, fmt.Errorf("reading the tenants: %w", err)
	}
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			dirs = append(dirs, filepath.Join(st.first.settings.Tenants, e.Name()))
		}
	}
	return dirs, nil
}

// tenantSettings reads the settings of a tenant's house.
func (st *street) tenantSettings(dir string) (settings.Issuer, error) {
	s, err := settings.LoadIssuer(filepath.Join(dir, settingsFile))
	if err == nil {
		err = st.fits(dir, s)
	}
	return s, err
}

func (st *street) openTenant(ctx context.Context, s settings.Issuer) (*house, error) {
	// The listeners are those of the first house, and so is what they ask for.
	s.ClientCertificates, s.CertificateHeader = st.first.settings.ClientCertificates, st.first.settings.CertificateHeader
	return st.app.openHouse(ctx, s, st.log.With("tenant", s.Tenant), st.metrics)
}

// publish makes the houses that are open the ones that requests find, those with
// the longest path first.
func (st *street) publish() {
	all := []*house{st.first}
	for _, t := range st.houses {
		all = append(all, t.house)
	}
	slices.SortFunc(all, func(a, b *house) int { return len(b.path) - len(a.path) })
	st.open.Store(&all)
}

// ServeHTTP finds the house of a request by its path. That says nothing about
// the tenant of a token: each house checks against its own issuer and keys.
func (st *street) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for _, h := range *st.open.Load() {
		if below(r.URL.Path, h.path) {
			h.handler.ServeHTTP(w, r)
			return
		}
	}
	http.NotFound(w, r)
}

// below reports whether a path belongs to the issuer at base, also as metadata of
// it (RFC 8414 section 3.1).
func below(path, base string) bool {
	if rest, known := strings.CutPrefix(path, "/.well-known/"); known {
		_, rest, _ = strings.Cut(rest, "/")
		path = "/" + rest
		if base == "" {
			return true
		}
	}
	rest, ok := strings.CutPrefix(path, base)
	return ok && (rest == "" || rest[0] == '/')
}

// run runs all houses until ctx ends, and takes up tenants that come and go.
func (st *street) run(ctx context.Context) {
	var working sync.WaitGroup
	defer working.Wait()
	working.Go(func() { st.first.run(ctx) })
	st.mu.Lock()
	for _, t := range st.houses {
		t.start(ctx)
	}
	st.mu.Unlock()
	defer st.leave()
	if st.first.settings.Tenants == "" {
		<-ctx.Done()
		return
	}
	every := time.NewTicker(lookEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
			st.look(ctx)
		}
	}
}

func (t *tenancy) start(ctx context.Context) {
	inner, stop := context.WithCancel(ctx)
	t.stop, t.done = stop, make(chan struct{})
	go func() { defer close(t.done); t.run(inner) }()
}

// look opens tenants that are new and closes those that are gone. One that
// cannot be opened keeps nobody else out.
func (st *street) look(ctx context.Context) {
	dirs, err := st.tenantDirs()
	if err != nil {
		st.complain("", err)
		return
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	changed := false
	for _, dir := range dirs {
		if st.houses[dir] != nil {
			continue
		}
		s, err := st.tenantSettings(dir)
		if err != nil {
			st.complain(dir, err)
			continue
		}
		h, err := st.openTenant(ctx, s)
		if err != nil {
			st.complain(dir, err)
			continue
		}
		t := &tenancy{house: h}
		st.houses[dir], changed = t, true
		delete(st.failed, dir)
		t.start(ctx)
		st.log.Info("tenant opened", "tenant", h.settings.Tenant)
	}
	for dir, t := range st.houses {
		if slices.Contains(dirs, dir) {
			continue
		}
		delete(st.houses, dir)
		st.publish() // before it closes, so that no request finds it closed
		t.end(st.log)
		changed = true
		st.log.Info("tenant closed", "tenant", t.settings.Tenant)
	}
	if changed {
		st.publish()
	}
}

// complain says a thing once, until something else is wrong.
func (st *street) complain(dir string, err error) {
	if st.failed[dir] != err.Error() {
		st.failed[dir] = err.Error()
		st.log.Error("tenant not opened", "directory", dir, "error", err.Error())
	}
}

func (t *tenancy) end(log *slog.Logger) {
	if t.stop != nil {
		t.stop()
		<-t.done
	}
	if err := t.house.close(); err != nil {
		log.Error("tenant not closed cleanly", "tenant", t.settings.Tenant, "error", err.Error())
	}
}

// leave waits for the tenants' work, which ends with the context of run.
func (st *street) leave() {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, t := range st.houses {
		<-t.done
	}
}

func (st *street) close() error {
	st.mu.Lock()
	defer st.mu.Unlock()
	err := st.first.close()
	for _, dir := range slices.Sorted(maps.Keys(st.houses)) {
		err = errors.Join(err, st.houses[dir].house.close())
	}
	return err
}

// operations serves health and metrics of all houses. It is ready when the first
// house is: a tenant that cannot mint shows in its own gauge.
func (st *street) operations() http.Handler {
	return httpapi.Operations(httpapi.OperationsConfig{Metrics: st.metrics.Handler(), Log: st.log, Ready: st.first.ready})
}

// gated puts the quotas of a house before its handler.
func (h *house) gated(next http.Handler) (*quota.Gate, error) {
	q := h.settings.Quotas
	feed := h.path + "/feed"
	return quota.NewGate(quota.GateConfig{
		Next: next, Now: h.now, PerSecond: q.RequestsPerSecond, Concurrent: q.Concurrent,
		Lasts: func(r *http.Request) bool { return r.URL.Path == feed },
	})
}
