package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/service/internal/keyring"
	"github.com/narrowcast-io/narrowcast/service/internal/settings"
	"github.com/narrowcast-io/narrowcast/service/internal/signer"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// ringConfig says where the keys of an issuer live. home is the signer of the
// settings, nil when there is none.
func ringConfig(s settings.Issuer, kept store.Store, home *signer.Client, now func() time.Time) (keyring.Config, error) {
	master, err := readMasterKey(s.MasterKeyFile)
	if err != nil {
		return keyring.Config{}, err
	}
	c := keyring.Config{
		Keys: kept, Book: kept, MasterKey: master, Issuer: s.Issuer, Algorithm: s.Algorithm, Now: now, Tenant: s.Tenant,
		PublishAhead: s.PublishAhead, RotateEvery: s.RotateEvery, KeepAfter: longestLife + narrowcast.MaxSkew,
		MakeHere: s.Signer.MakeHere,
	}
	if home != nil {
		c.Home = home
	}
	return c, nil
}

// openSigner starts the program that keeps the signing keys, or reaches it. It
// returns nil when the keys are kept sealed in the store.
func (a *app) openSigner(ctx context.Context, s settings.Issuer, log *slog.Logger) (*signer.Client, error) {
	if s.Signer.IsZero() {
		return nil, nil
	}
	c := signer.Config{
		Socket: s.Signer.Socket, Environment: s.Signer.Environment, Lookup: os.LookupEnv, Label: s.Issuer.String(), Timeout: s.Signer.Timeout,
		Log: func(line string) { log.Warn("signer", "says", line) },
	}
	if len(s.Signer.Command) > 0 {
		c.Command, c.Args = s.Signer.Command[0], s.Signer.Command[1:]
	}
	return signer.Open(ctx, c)
}

// longestLife is the hard ceiling on the life of our own tokens.
const longestLife = time.Hour

func openRing(ctx context.Context, kept store.Store, s settings.Issuer, home *signer.Client, now func() time.Time) (*keyring.Ring, error) {
	c, err := ringConfig(s, kept, home, now)
	if err != nil {
		return nil, err
	}
	return keyring.Open(ctx, c)
}

// withKeys lets a command work on the keys of an issuer, beside one that runs.
// With anyway it works also when the signer is out of reach.
func (a *app) withKeys(ctx context.Context, anyway bool, do func(store.Store, *keyring.Ring) error) error {
	s, err := a.issuerSettings()
	if err != nil {
		return err
	}
	kept, err := a.openStore(ctx, s)
	if err != nil {
		return err
	}
	home, err := a.openSigner(ctx, s, slog.New(slog.NewTextHandler(a.errs, nil)))
	if err != nil && !anyway {
		return errors.Join(err, kept.Close())
	}
	c, err := ringConfig(s, kept, home, a.now)
	if err == nil {
		open := keyring.Open
		if anyway {
			open = keyring.OpenAnyway
		}
		var ring *keyring.Ring
		if ring, err = open(ctx, c); err == nil {
			err = do(kept, ring)
		}
	}
	if home != nil {
		err = errors.Join(err, home.Close())
	}
	return errors.Join(err, kept.Close())
}

// firstKey makes the first signing key of a new issuer.
func (a *app) firstKey(ctx context.Context, kept store.Store, s settings.Issuer) error {
	home, err := a.openSigner(ctx, s, slog.New(slog.NewTextHandler(a.errs, nil)))
	if err != nil {
		return err
	}
	c, err := ringConfig(s, kept, home, a.now)
	if err == nil {
		err = keyring.Create(ctx, c)
	}
	if home != nil {
		err = errors.Join(err, home.Close())
	}
	return err
}

func (a *app) rotateKeys(ctx context.Context) error {
	var k store.Key
	err := a.withKeys(ctx, false, func(_ store.Store, ring *keyring.Ring) (err error) {
		k, err = ring.Rotate(ctx)
		return err
	})
	if err != nil {
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
