package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/incident"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
	"github.com/narrowcast-io/narrowcast/service/internal/settings"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// What init puts into an issuer's directory.
const (
	settingsFile   = "narrowcast.yaml"
	registryDir    = "registry"
	databaseFile   = "book.db"
	masterKeyFile  = "master.key"
	credentialsDir = "credentials"
	tenantsDir     = "tenants"
)

// issuerSettings reads the settings of the issuer in --home.
func (a *app) issuerSettings() (settings.Issuer, error) {
	s, err := settings.LoadIssuer(filepath.Join(a.home, settingsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return s, usage(fmt.Errorf("%s holds no %s: point --home at the directory that narrowcast init made", a.home, settingsFile))
	}
	return s, usage(err)
}

// openBook opens the issuer's store for reading. It works whether or not the
// issuer is running.
func (a *app) openBook(ctx context.Context) (store.Store, settings.Issuer, error) {
	s, err := a.issuerSettings()
	if err != nil {
		return nil, s, err
	}
	book, err := a.readStore(ctx, s)
	return book, s, err
}

// snapshot loads the registry revision in force. A store without one gives an
// empty registry.
func snapshot(ctx context.Context, revisions store.Revisions, issuer narrowcast.Issuer) (*registry.Snapshot, uint64, error) {
	latest, err := revisions.Latest(ctx)
	if errors.Is(err, store.ErrNotFound) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading the registry: %w", err)
	}
	s, err := registry.Load(latest.Files)
	if err == nil {
		s, err = s.WithHouse(issuer)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("registry revision %d: %w", latest.Number, err)
	}
	return s, latest.Number, nil
}

// readingRoom puts the book, the registry and the keys side by side.
func (a *app) readingRoom(ctx context.Context) (*incident.Room, func() error, error) {
	book, s, err := a.openBook(ctx)
	if err != nil {
		return nil, nil, err
	}
	doors, _, err := snapshot(ctx, book, s.Issuer)
	if err != nil {
		return nil, nil, errors.Join(err, book.Close())
	}
	keys, err := archivedKeys(ctx, book)
	if err != nil {
		return nil, nil, errors.Join(err, book.Close())
	}
	room := &incident.Room{Book: book, Issuer: s.Issuer, Keys: keys, Now: a.now}
	if doors != nil {
		room.Doors = doors.Resources()
	}
	return room, book.Close, nil
}

// readMasterKey reads the key that seals the signing keys.
func readMasterKey(path string) ([]byte, error) {
	raw, err := readBounded(path, 1024)
	if err != nil {
		return nil, fmt.Errorf("reading the master key: %w", err)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(raw)))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("reading the master key: %s does not hold 32 bytes in base64", path)
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("reading the master key: others may read %s; run chmod 600 on it", path)
	}
	return key, nil
}
