//go:build !fast

package postgres_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/store/postgres"
	"github.com/narrowcast-io/narrowcast/service/internal/store/postgres/pgtest"
)

func TestOneOfManyCreates(t *testing.T) {
	c := config(shared, shared.Schema())
	var wait sync.WaitGroup
	var won atomic.Int32
	for range 6 {
		wait.Go(func() {
			s, err := postgres.Create(context.Background(), c)
			if err == nil {
				won.Add(1)
				shut(t, s)
			} else if !strings.Contains(err.Error(), "already") {
				t.Errorf("Create: %v", err)
			}
		})
	}
	wait.Wait()
	if won.Load() != 1 {
		t.Errorf("%d created the store", won.Load())
	}
	reopen(t, c)
}

// An older schema is brought up to date by whoever opens it first for writing.
func TestSchemaIsBroughtUpToDate(t *testing.T) {
	ctx := context.Background()
	c := config(shared, shared.Schema())
	raw(t, c, "CREATE SCHEMA "+c.Schema)
	raw(t, c, `CREATE TABLE narrowcast_migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied BIGINT NOT NULL)`)
	if _, err := postgres.OpenReadOnly(ctx, c); err == nil || !strings.Contains(err.Error(), "older") {
		t.Errorf("reading an older schema: %v", err)
	}
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			s, err := postgres.Open(ctx, c)
			if err != nil {
				t.Errorf("Open: %v", err)
				return
			}
			shut(t, s)
		})
	}
	wait.Wait()
	if _, err := reopen(t, c).Append(ctx, admin("a")); err != nil {
		t.Error(err)
	}
}

func TestChangedMigrationIsRefused(t *testing.T) {
	ctx := context.Background()
	c := config(shared, shared.Schema())
	create(t, c)
	reopen(t, c)
	if n := raw(t, c, "UPDATE narrowcast_migrations SET checksum = 'x' WHERE number = 1"); n != 1 {
		t.Fatalf("changed %d rows", n)
	}
	for name, open := range map[string]func(context.Context, postgres.Config) (*postgres.Store, error){
		"Open": postgres.Open, "OpenReadOnly": postgres.OpenReadOnly,
	} {
		if _, err := open(ctx, c); err == nil || errors.Is(err, store.ErrNewer) || !strings.Contains(err.Error(), "step 1") {
			t.Errorf("%s of a store with another first step: %v", name, err)
		}
	}
}

// A server that calls committed what it did not flush cannot keep a book.
func TestServerMustFlush(t *testing.T) {
	server := pgtest.Start(t, "fsync = off")
	if _, err := postgres.Create(context.Background(), config(server, "book")); err == nil || !strings.Contains(err.Error(), "fsync=off") {
		t.Errorf("Create: %v", err)
	}
}
