package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/narrowcast-io/narrowcast/service/internal/httpapi"
	"github.com/narrowcast-io/narrowcast/service/internal/settings"
)

func (a *app) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "serve", GroupID: "issue", Short: "Run the issuer",
		Long: `Run the issuer whose directory narrowcast init made: the token endpoint, the public
keys, the intake for events, and health and metrics on a listener of their own. It
runs in the foreground, logs JSON lines to standard error and ends on SIGINT or
SIGTERM when requests under way are answered.

With tenants in the settings it serves the house of each tenant as well. Houses that
are added to that directory, or taken out of it, are noticed within seconds.`,
		Example: "  narrowcast serve --home /var/lib/narrowcast",
		Args:    exactArgs(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := a.issuerSettings()
			if err != nil {
				return err
			}
			log := slog.New(slog.NewJSONHandler(a.errs, nil))
			st, err := a.openStreet(c.Context(), s, log)
			if err != nil {
				return err
			}
			err = serveAll(c.Context(), s.Drain, log, st.run,
				listener{what: "issuer", address: s.Listen, handler: st, tls: s.TLS, callers: st.first.askClients},
				listener{what: "operations", address: s.Operations, handler: st.operations()})
			return errors.Join(err, st.close())
		},
	}
}

// listener is one address and what is served there.
type listener struct {
	what    string
	address string
	handler http.Handler
	tls     settings.TLS
	streams bool                    // answers and bodies may take as long as they take
	callers func(*tls.Config) error // asks callers for certificates; nil: they are not asked
}

// serveAll listens on all addresses before it serves on any, runs work beside
// them, and stops everything in order when ctx ends.
func serveAll(ctx context.Context, drain time.Duration, log *slog.Logger, work func(context.Context), all ...listener) error {
	var listeners []net.Listener
	for _, l := range all {
		opened, err := l.listen()
		if err != nil {
			for _, before := range listeners {
				_ = before.Close() // the error that counts is err
			}
			return usage(fmt.Errorf("listening for %s: %w", l.what, err))
		}
		listeners = append(listeners, opened)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	failed := make(chan error, len(all))
	var servers []*http.Server
	for i, l := range all {
		server := httpapi.Server(l.handler, log)
		if l.streams {
			server.ReadTimeout, server.WriteTimeout = 0, 0
		}
		servers = append(servers, server)
		log.Info("listening", "what", l.what, "address", listeners[i].Addr().String())
		go func() { failed <- server.Serve(listeners[i]) }()
	}
	var working sync.WaitGroup
	working.Go(func() { work(ctx) })
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	for _, server := range servers {
		err = errors.Join(err, server.Shutdown(grace))
	}
	stop()
	working.Wait()
	log.Info("stopped")
	return err
}

func (l listener) listen() (net.Listener, error) {
	plain, err := net.Listen("tcp", l.address)
	if err != nil || l.tls.CertificateFile == "" {
		return plain, err
	}
	certificate, err := tls.LoadX509KeyPair(l.tls.CertificateFile, l.tls.KeyFile)
	if err != nil {
		return nil, errors.Join(err, plain.Close())
	}
	config := &tls.Config{
		Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
	}
	if l.callers != nil {
		if err := l.callers(config); err != nil {
			return nil, errors.Join(err, plain.Close())
		}
	}
	return tls.NewListener(plain, config), nil
}
