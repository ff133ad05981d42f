package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// SaveKey keeps the state of a key.
func (s *Store) SaveKey(ctx context.Context, k store.Key) error {
	if err := s.write(ctx, func(ctx context.Context, conn *sql.Conn) error { return saveKey(ctx, conn, k) }); err != nil {
		return fmt.Errorf("saving key %q: %w", k.ID, err)
	}
	return nil
}

func saveKey(ctx context.Context, conn *sql.Conn, k store.Key) error {
	if k.ID == "" || k.Algorithm == "" || len(k.Public) == 0 || k.Published.IsZero() {
		return errors.New("a key needs an id, an algorithm, its public half and the time of publication")
	}
	var algorithm string
	var public []byte
	var destroyed bool
	err := conn.QueryRowContext(ctx, "SELECT algorithm, public, private IS NULL FROM keys WHERE id = ?", string(k.ID)).
		Scan(&algorithm, &public, &destroyed)
	switch {
	case err == nil && (algorithm != string(k.Algorithm) || !bytes.Equal(public, k.Public)):
		return fmt.Errorf("%w: there is another key with this id", store.ErrConflict)
	case err == nil && destroyed && len(k.Private) > 0:
		return fmt.Errorf("%w: the private half was destroyed", store.ErrConflict)
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return err
	}
	private := any(k.Private)
	if len(k.Private) == 0 {
		private = nil
	}
	_, err = conn.ExecContext(ctx, `INSERT INTO keys (id, algorithm, public, private, published, active, retired, gone)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET private = excluded.private,
		published = excluded.published, active = excluded.active, retired = excluded.retired, gone = excluded.gone`,
		string(k.ID), string(k.Algorithm), k.Public, private,
		store.Instant(k.Published), store.InstantOrNull(k.Active), store.InstantOrNull(k.Retired), store.InstantOrNull(k.Gone))
	return err
}

// Keys returns all keys, oldest first.
func (s *Store) Keys(ctx context.Context) ([]store.Key, error) {
	keys, err := s.keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the keys: %w", s.unlessClosed(err))
	}
	return keys, nil
}

func (s *Store) keys(ctx context.Context) ([]store.Key, error) {
	rows, err := s.readers.QueryContext(ctx, `SELECT id, algorithm, public, private, published, active, retired, gone
		FROM keys ORDER BY published, id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var keys []store.Key
	for rows.Next() {
		var k store.Key
		var id, algorithm string
		var published int64
		var active, retired, gone *int64
		if err := rows.Scan(&id, &algorithm, &k.Public, &k.Private, &published, &active, &retired, &gone); err != nil {
			return nil, err
		}
		k.ID, k.Algorithm = narrowcast.KeyID(id), narrowcast.Algorithm(algorithm)
		k.Published, k.Active = store.FromInstant(published), store.FromInstantOrNull(active)
		k.Retired, k.Gone = store.FromInstantOrNull(retired), store.FromInstantOrNull(gone)
		keys = append(keys, k)
	}
	return keys, rows.Err()
}
