package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/service/internal/keyring"
	"github.com/narrowcast-io/narrowcast/service/internal/settings"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

func ringConfig(s settings.Issuer, kept store.Store, now func() time.Time) (keyring.Config, error) {
	master, err := readMasterKey(s.MasterKeyFile)
	if err != nil {
		return keyring.Config{}, err
	}
	return keyring.Config{
		Keys: kept, Book: kept, MasterKey: master, Issuer: s.Issuer, Algorithm: s.Algorithm, Now: now, Tenant: s.Tenant,
		PublishAhead: s.PublishAhead, RotateEvery: s.RotateEvery, KeepAfter: longestLife + narrowcast.MaxSkew,
	}, nil
}

// longestLife is the hard ceiling on the life of our own tokens.
const longestLife = time.Hour

func openRing(ctx context.Context, kept store.Store, s settings.Issuer, now func() time.Time) (*keyring.Ring, error) {
	c, err := ringConfig(s, kept, now)
	if err != nil {
		return nil, err
	}
	return keyring.Open(ctx, c)
}

// firstKey makes the first signing key of a new issuer.
func (a *app) firstKey(ctx context.Context, kept store.Store, s settings.Issuer) error {
	c, err := ringConfig(s, kept, a.now)
	if err != nil {
		return err
	}
	return keyring.Create(ctx, c)
}

func (a *app) rotateKeys(ctx context.Context) error {
	s, err := a.issuerSettings()
	if err != nil {
		return err
	}
	kept, err := a.openStore(ctx, s)
	if err != nil {
		return err
	}
	ring, err := openRing(ctx, kept, s, a.now)
	if err != nil {
		return errors.Join(err, kept.Close())
	}
	k, err := ring.Rotate(ctx)
	if err := errors.Join(err, kept.Close()); err != nil {
		return err
	}
	return a.print(keyRow{k.ID, k.Algorithm, stateOf(k, a.now()), k.Published, k.Active, k.Retired, k.Gone}, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "key %s is published and signs from %s\n", k.ID, when(k.Active))
		return err
	})
}

// archivedKeys are all keys that the issuer ever had, each inside the time in
// which it was published.
func archivedKeys(ctx context.Context, keys keyring.Keys) (narrowcast.KeySource, error) {
	all, err := keyring.History(ctx, keys)
	if err != nil {
		return nil, err
	}
	return jwks.Fixed(all...)
}
