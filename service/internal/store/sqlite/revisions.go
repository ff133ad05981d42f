package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Save keeps a revision.
func (s *Store) Save(ctx context.Context, r store.Revision) error {
	err := r.Check()
	if err == nil {
		err = s.write(ctx, func(ctx context.Context, conn *sql.Conn) error { return saveRevision(ctx, conn, r) })
	}
	if err != nil {
		return fmt.Errorf("saving revision %d: %w", r.Number, err)
	}
	return nil
}

func saveRevision(ctx context.Context, conn *sql.Conn, r store.Revision) error {
	latest, err := latestNumber(ctx, conn)
	if err != nil {
		return err
	}
	if r.Number != latest+1 {
		return fmt.Errorf("%w: the latest is %d", store.ErrConflict, latest)
	}
	if _, err := conn.ExecContext(ctx, "INSERT INTO revisions (number, applied, author, digest) VALUES (?, ?, ?, ?)",
		bound(r.Number), store.Instant(r.Applied), r.Author, r.Digest); err != nil {
		return err
	}
	insert, err := conn.PrepareContext(ctx, "INSERT INTO revision_files (revision, name, content) VALUES (?, ?, ?)")
	if err != nil {
		return err
	}
	for name, content := range r.Files {
		// A nil slice would be NULL; an empty file is not that.
		if _, err = insert.ExecContext(ctx, bound(r.Number), name, append([]byte{}, content...)); err != nil {
			break
		}
	}
	return errors.Join(err, insert.Close())
}

// Latest returns the newest revision.
func (s *Store) Latest(ctx context.Context) (store.Revision, error) {
	return s.revision(ctx, "latest revision", "ORDER BY number DESC LIMIT 1")
}

// At returns the revision that was in force at t.
func (s *Store) At(ctx context.Context, t time.Time) (store.Revision, error) {
	return s.revision(ctx, "revision at "+t.UTC().Format(time.RFC3339), "WHERE applied <= ? ORDER BY number DESC LIMIT 1", store.Instant(t))
}

// LatestNumber returns the number of the newest revision.
func (s *Store) LatestNumber(ctx context.Context) (uint64, error) {
	n, err := latestNumber(ctx, s.readers)
	if err != nil {
		return 0, fmt.Errorf("reading the number of the latest revision: %w", s.unlessClosed(err))
	}
	return n, nil
}

func latestNumber(ctx context.Context, q queryer) (n uint64, err error) {
	err = q.QueryRowContext(ctx, "SELECT ifnull(max(number), 0) FROM revisions").Scan(&n)
	return n, err
}

func (s *Store) revision(ctx context.Context, what, which string, args ...any) (store.Revision, error) {
	var r store.Revision
	var applied int64
	err := s.readers.QueryRowContext(ctx, "SELECT number, applied, author, digest FROM revisions "+which, args...).
		Scan(&r.Number, &applied, &r.Author, &r.Digest)
	if err == nil {
		r.Applied = store.FromInstant(applied)
		r.Files, err = s.files(ctx, r.Number)
	}
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return store.Revision{}, fmt.Errorf("reading the %s: %w", what, store.ErrNotFound)
	case err != nil:
		return store.Revision{}, fmt.Errorf("reading the %s: %w", what, s.unlessClosed(err))
	}
	return r, nil
}

// files needs no transaction with its revision: neither ever changes.
func (s *Store) files(ctx context.Context, revision uint64) (map[string][]byte, error) {
	rows, err := s.readers.QueryContext(ctx, "SELECT name, content FROM revision_files WHERE revision = ?", bound(revision))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	files := make(map[string][]byte)
	for rows.Next() {
		var name string
		var content []byte
		if err := rows.Scan(&name, &content); err != nil {
			return nil, err
		}
		files[name] = append([]byte{}, content...) // an empty file is no missing one
	}
	return files, rows.Err()
}
