package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Save keeps a revision.
func (s *Store) Save(ctx context.Context, r store.Revision) error {
	err := r.Check()
	if err == nil {
		err = s.save(ctx, func(ctx context.Context, conn *pgx.Conn, again bool) error {
			return saveRevision(ctx, conn, r, again)
		})
	}
	if err != nil {
		return fmt.Errorf("saving revision %d: %w", r.Number, err)
	}
	return nil
}

func saveRevision(ctx context.Context, conn *pgx.Conn, r store.Revision, again bool) error {
	var latest uint64
	var look pgx.Batch
	look.Queue(sqlBegin)
	look.Queue(sqlLockRevisions)
	look.Queue(sqlLatestNumber).QueryRow(func(row pgx.Row) error { return row.Scan(&latest) })
	if err := conn.SendBatch(ctx, &look).Close(); err != nil {
		return err
	}
	if again && latest >= r.Number {
		kept, err := readRevision(ctx, conn, sqlRevision, bound(r.Number))
		if err != nil {
			return err
		}
		if sameRevision(kept, r) {
			_, err := conn.Exec(ctx, sqlRollback)
			return err
		}
	}
	if r.Number != latest+1 {
		return fmt.Errorf("%w: the latest is %d", store.ErrConflict, latest)
	}
	var write pgx.Batch
	queueRevision(&write, r)
	write.Queue(sqlCommit)
	return conn.SendBatch(ctx, &write).Close()
}

func queueRevision(b *pgx.Batch, r store.Revision) {
	names, contents := make([][]byte, 0, len(r.Files)), make([][]byte, 0, len(r.Files))
	for name, content := range r.Files {
		// A nil slice would be NULL; an empty file is not that.
		names, contents = append(names, []byte(name)), append(contents, append([]byte{}, content...))
	}
	b.Queue(sqlInsertRevision, bound(r.Number), store.Instant(r.Applied), []byte(r.Author), []byte(r.Digest))
	b.Queue(sqlInsertFiles, bound(r.Number), names, contents)
}

func sameRevision(a, b store.Revision) bool {
	return store.Instant(a.Applied) == store.Instant(b.Applied) && a.Author == b.Author && a.Digest == b.Digest &&
		maps.EqualFunc(a.Files, b.Files, bytes.Equal)
}

// Latest returns the newest revision.
func (s *Store) Latest(ctx context.Context) (store.Revision, error) {
	return s.revision(ctx, "latest revision", sqlLatest)
}

// At returns the revision that was in force at t.
func (s *Store) At(ctx context.Context, t time.Time) (store.Revision, error) {
	return s.revision(ctx, "revision at "+t.UTC().Format(time.RFC3339), sqlRevisionAt, store.Instant(t))
}

// Revision returns the revision with this number.
func (s *Store) Revision(ctx context.Context, number uint64) (store.Revision, error) {
	return s.revision(ctx, fmt.Sprint("revision ", number), sqlRevision, bound(number))
}

// LatestNumber returns the number of the newest revision.
func (s *Store) LatestNumber(ctx context.Context) (n uint64, err error) {
	err = s.read(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, sqlLatestNumber).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("reading the number of the latest revision: %w", err)
	}
	return n, nil
}

func (s *Store) revision(ctx context.Context, what, statement string, args ...any) (store.Revision, error) {
	var r store.Revision
	err := s.read(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		var err error
		r, err = readRevision(ctx, conn, statement, args...)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	if err == nil && r.Number == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Revision{}, fmt.Errorf("reading the %s: %w", what, err)
	}
	return r, nil
}

// readRevision needs no transaction for revision and files: neither ever
// changes.
func readRevision(ctx context.Context, conn *pgx.Conn, statement string, args ...any) (store.Revision, error) {
	var r store.Revision
	var applied int64
	var author, digest []byte
	err := conn.QueryRow(ctx, statement, args...).Scan(&r.Number, &applied, &author, &digest)
	if errors.Is(err, pgx.ErrNoRows) {
		return store.Revision{}, store.ErrNotFound
	}
	if err != nil {
		return store.Revision{}, err
	}
	r.Applied, r.Author, r.Digest = store.FromInstant(applied), string(author), string(digest)
	r.Files = make(map[string][]byte)
	rows, err := conn.Query(ctx, sqlFiles, bound(r.Number))
	if err != nil {
		return store.Revision{}, err
	}
	var name, content []byte
	_, err = pgx.ForEachRow(rows, []any{&name, &content}, func() error {
		r.Files[string(name)] = append([]byte{}, content...)
		return nil
	})
	return r, err
}
