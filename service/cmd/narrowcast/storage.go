package main

import (
	"context"

	"github.com/narrowcast-io/narrowcast/service/internal/settings"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/store/sqlite"
)

// openStore opens the store of an issuer for reading and writing. It creates
// nothing.
func (a *app) openStore(ctx context.Context, s settings.Issuer) (store.Store, error) {
	return sqlite.Open(ctx, sqlite.Config{Path: s.Database, Now: a.now})
}

// readStore opens the store of an issuer for reading.
func (a *app) readStore(ctx context.Context, s settings.Issuer) (store.Store, error) {
	return sqlite.OpenReadOnly(ctx, sqlite.Config{Path: s.Database, Now: a.now})
}

// createStore makes the store of a new issuer.
func (a *app) createStore(ctx context.Context, s settings.Issuer) (store.Store, error) {
	return sqlite.Create(ctx, sqlite.Config{Path: s.Database, Now: a.now})
}
