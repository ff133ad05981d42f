package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/client"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/guard"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/report"
	"github.com/narrowcast-io/narrowcast/service/internal/credential"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
	"github.com/narrowcast-io/narrowcast/service/internal/settings"
)

// door is a standalone enforcement point: verifier, guard and reporter of one
// audience, put together from a settings file.
type door struct {
	settings   settings.Guard
	guard      *guard.Guard
	handler    http.Handler
	operations http.Handler
	reporter   *report.Reporter // nil when events go into a file
	death      doorDeath
	opened     map[narrowcast.Issuer]narrowcast.KeySource
	keys       []keySource
	log        *slog.Logger
	closers    []func() error
}

// openDoor makes a door. It listens to nothing yet.
func (a *app) openDoor(s settings.Guard, log *slog.Logger) (*door, error) {
	d := &door{settings: s, log: log}
	if err := d.openDeath(a); err != nil {
		return nil, errors.Join(usage(err), d.close())
	}
	verifier, err := d.verifier(a.now, d.keysOf)
	if err != nil {
		return nil, errors.Join(usage(err), d.close())
	}
	sink, name, err := d.sink(a)
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	if err := d.lock(a.now, verifier, sink, name); err != nil {
		return nil, errors.Join(usage(err), d.close())
	}
	if d.operations, err = d.health(); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// tryDoor puts a door together that has no keys, no secret and no book, so that
// what the guard refuses in its settings is found before it starts.
func (a *app) tryDoor(s settings.Guard) error {
	s.DPoP.NonceSecretFile = ""
	d := &door{settings: s, log: slog.New(slog.DiscardHandler)}
	verifier, err := d.verifier(a.now, func(settings.TrustedIssuer, func() time.Time) (narrowcast.KeySource, error) {
		return &jwks.Set{}, nil
	})
	if err != nil {
		return err
	}
	return d.lock(a.now, verifier, guard.DangerouslyRecordNothing{}, s.Name)
}

// lock makes the guard and what stands before it.
func (d *door) lock(now func() time.Time, verifier *narrowcast.Verifier, sink event.Sink, name string) (err error) {
	s := d.settings
	c := guard.Config{
		Feed: d.death.feed(), MaxContent: int64(s.MaxContent),
		Verifier: verifier, Sink: sink, Now: now, Name: name, Software: "narrowcast " + version,
		DangerouslyObserveAudience: guard.Observe{Owner: s.Observe.Owner, Until: s.Observe.Until},
	}
	if err := d.sender(&c); err != nil {
		return err
	}
	if len(s.Routes) > 0 {
		c.ScopeFor = func(r *http.Request) narrowcast.Scope { return s.ScopeFor(r.Method, r.URL.Path) }
	}
	if d.guard, err = guard.New(c); err != nil {
		return err
	}
	d.handler, err = d.front()
	return err
}

// openKeys opens the keys of one issuer.
type openKeys func(settings.TrustedIssuer, func() time.Time) (narrowcast.KeySource, error)

func (d *door) verifier(now func() time.Time, open openKeys) (*narrowcast.Verifier, error) {
	s := d.settings
	c := narrowcast.Config{
		Audience: s.Audience, Algorithms: s.Algorithms, Now: now, Tenant: s.Tenant, Environment: s.Environment,
		Skew: s.Skew, MaxLifetime: s.MaxLifetime, Cache: s.Cache, CacheFor: s.CacheFor,
		RequireBinding: s.Sender == settings.SenderRequired,
		Liveness:       d.death.liveness(), Uses: d.death.uses,
	}
	for _, trusted := range s.Issuers {
		source, err := open(trusted, now)
		if err != nil {
			return nil, fmt.Errorf("keys of %s: %w", trusted.ID, err)
		}
		c.Issuers = append(c.Issuers, trusted.With(source))
	}
	return narrowcast.NewVerifier(c)
}

// sink opens the place where events go, and says under which name.
func (d *door) sink(a *app) (event.Sink, string, error) {
	e := d.settings.Events
	if e.File != "" {
		f, err := os.OpenFile(e.File, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return nil, "", usage(fmt.Errorf("events.file: %w", err))
		}
		d.closers = append(d.closers, f.Close)
		return report.NewLines(f), d.settings.Name, nil
	}
	who, err := credential.Read(e.CredentialFile)
	if err != nil {
		return nil, "", usage(fmt.Errorf("events.credential_file: %w", err))
	}
	audience, err := registry.EventsDoor(who.Issuer)
	if err != nil {
		return nil, "", usage(err)
	}
	source, err := tokenSource(who, a.now)
	if err != nil {
		return nil, "", err
	}
	address := e.URL
	if address == "" {
		address = audience.String()
	}
	r, err := report.Open(report.Config{
		Dir: e.Spool, URL: address, Now: a.now,
		Client: &http.Client{Timeout: 30 * time.Second, Transport: &toIssuer{source, audience, registry.ScopeReport, lively()}},
	})
	if err != nil {
		return nil, "", usage(fmt.Errorf("events: %w", err))
	}
	d.reporter = r
	d.closers = append(d.closers, r.Close)
	return r, string(who.Client) + "/" + d.settings.Name, nil
}

// toIssuer puts the token for the events door on requests that go there. The
// address of the intake is configuration, so it may differ from the audience.
type toIssuer struct {
	source   *client.Source
	audience narrowcast.Audience
	scope    string
	base     http.RoundTripper
}

func (t *toIssuer) RoundTrip(req *http.Request) (*http.Response, error) {
	scope, err := narrowcast.ParseScope(t.scope)
	if err != nil {
		return nil, err
	}
	token, err := t.source.Token(req.Context(), t.audience, scope)
	if err != nil {
		return nil, err
	}
	copied := req.Clone(req.Context())
	if err := token.Authorize(copied); err != nil {
		return nil, err
	}
	resp, err := t.base.RoundTrip(copied)
	if err == nil && resp.StatusCode == http.StatusUnauthorized {
		t.source.Drop(token)
	}
	return resp, err
}

// run does the door's work in the background until ctx ends, and returns when
// what was seen is on its way or safely spooled.
func (d *door) run(ctx context.Context) {
	done := make(chan struct{})
	go func() { defer close(done); d.guard.Run(ctx) }()
	defer d.death.run(ctx)()
	for _, k := range d.keys {
		if k.run != nil {
			go func() { _ = k.run(ctx) }() // ends with ctx
		}
	}
	if d.reporter != nil {
		go d.complain(ctx)
		reported := make(chan struct{})
		go func() { defer close(reported); _ = d.reporter.Run(ctx) }() // ends with ctx
		<-reported
	}
	<-done
	if d.reporter != nil {
		last, stop := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer stop()
		if err := d.reporter.Drain(last); err != nil && !errors.Is(err, io.EOF) {
			d.log.Warn("events stay in the spool", "error", err.Error())
		}
	}
}

func (d *door) close() error {
	var errs []error
	for _, c := range d.closers {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}
