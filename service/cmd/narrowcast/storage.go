package main

import (
	"context"

	"github.com/narrowcast-io/narrowcast/service/internal/settings"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/store/postgres"
	"github.com/narrowcast-io/narrowcast/service/internal/store/sqlite"
)

// openStore opens the store of an issuer for reading and writing. It creates
// nothing.
func (a *app) openStore(ctx context.Context, s settings.Issuer) (store.Store, error) {
	if s.Database == "" {
		return opened(postgres.Open(ctx, a.postgresOf(s)))
	}
	return opened(sqlite.Open(ctx, a.sqliteOf(s)))
}

// readStore opens the store of an issuer for reading.
func (a *app) readStore(ctx context.Context, s settings.Issuer) (store.Store, error) {
	if s.Database == "" {
		return opened(postgres.OpenReadOnly(ctx, a.postgresOf(s)))
	}
	return opened(sqlite.OpenReadOnly(ctx, a.sqliteOf(s)))
}

// createStore makes the store of a new issuer.
func (a *app) createStore(ctx context.Context, s settings.Issuer) (store.Store, error) {
	if s.Database == "" {
		return opened(postgres.Create(ctx, a.postgresOf(s)))
	}
	return opened(sqlite.Create(ctx, a.sqliteOf(s)))
}

// opened keeps a nil pointer of a driver out of the interface.
func opened[S store.Store](s S, err error) (store.Store, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (a *app) sqliteOf(s settings.Issuer) sqlite.Config {
	return sqlite.Config{Path: s.Database, Now: a.now}
}

func (a *app) postgresOf(s settings.Issuer) postgres.Config {
	p := s.Postgres
	return postgres.Config{URL: p.URL, PasswordFile: p.PasswordFile, Schema: p.Schema, Connections: p.Connections, Now: a.now}
}

// changes tells when another replica may have changed something. It is a hint:
// whoever waits for it also looks by himself. Nil never tells anything.
func changes(kept store.Store) <-chan struct{} {
	if hints, can := kept.(interface{ Changed() <-chan struct{} }); can {
		return hints.Changed()
	}
	return nil
}
