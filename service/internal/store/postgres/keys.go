package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// SaveKey keeps the state of a key.
func (s *Store) SaveKey(ctx context.Context, k store.Key) error {
	err := checkKey(k)
	if err == nil {
		err = s.save(ctx, func(ctx context.Context, conn *pgx.Conn, _ bool) error { return saveKey(ctx, conn, k) })
	}
	if err != nil {
		return fmt.Errorf("saving key %q: %w", k.ID, err)
	}
	return nil
}

func checkKey(k store.Key) error {
	if k.ID == "" || k.Algorithm == "" || len(k.Public) == 0 || k.Published.IsZero() {
		return errors.New("a key needs an id, an algorithm, its public half and the time of publication")
	}
	return nil
}

// saveKey may run again after a lost answer: saving the same state twice is
// saving it once.
func saveKey(ctx context.Context, conn *pgx.Conn, k store.Key) error {
	var algorithm, public []byte
	var destroyed bool
	var look pgx.Batch
	look.Queue(sqlBegin)
	look.Queue(sqlLockKeys)
	look.Queue(sqlOldKey, []byte(k.ID)).QueryRow(func(row pgx.Row) error {
		err := row.Scan(&algorithm, &public, &destroyed)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	if err := conn.SendBatch(ctx, &look).Close(); err != nil {
		return err
	}
	switch {
	case public == nil:
	case string(algorithm) != string(k.Algorithm) || !bytes.Equal(public, k.Public):
		return fmt.Errorf("%w: there is another key with this id", store.ErrConflict)
	case destroyed && len(k.Private) > 0:
		return fmt.Errorf("%w: the private half was destroyed", store.ErrConflict)
	}
	var write pgx.Batch
	queueKey(&write, k)
	write.Queue(sqlCommit)
	return conn.SendBatch(ctx, &write).Close()
}

func queueKey(b *pgx.Batch, k store.Key) {
	private := k.Private
	if len(private) == 0 {
		private = nil
	}
	b.Queue(sqlSaveKey, []byte(k.ID), []byte(k.Algorithm), k.Public, private,
		store.Instant(k.Published), store.InstantOrNull(k.Active), store.InstantOrNull(k.Retired), store.InstantOrNull(k.Gone))
}

// Keys returns all keys, oldest first.
func (s *Store) Keys(ctx context.Context) (keys []store.Key, err error) {
	err = s.read(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		keys, err = readKeys(ctx, conn)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the keys: %w", err)
	}
	return keys, nil
}

func readKeys(ctx context.Context, conn *pgx.Conn) ([]store.Key, error) {
	rows, err := conn.Query(ctx, sqlKeys)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (store.Key, error) {
		var k store.Key
		var id, algorithm []byte
		var published int64
		var active, retired, gone *int64
		err := row.Scan(&id, &algorithm, &k.Public, &k.Private, &published, &active, &retired, &gone)
		k.ID, k.Algorithm = narrowcast.KeyID(id), narrowcast.Algorithm(algorithm)
		k.Published, k.Active = store.FromInstant(published), store.FromInstantOrNull(active)
		k.Retired, k.Gone = store.FromInstantOrNull(retired), store.FromInstantOrNull(gone)
		return k, err
	})
}
