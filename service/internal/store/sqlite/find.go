package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// pageSize is how many records a walk holds at a time. Between two pages it
// holds no connection, so a slow caller keeps nobody waiting and the
// write-ahead log can be folded in.
const pageSize = 256

// found is a record, or the reason why it cannot be read.
type found struct {
	record store.Record
	err    error
}

// Find yields the records that match.
func (s *Store) Find(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		if err := s.walk(ctx, q, yield); err != nil {
			yield(store.Record{}, fmt.Errorf("reading the book: %w", err))
		}
	}
}

func (s *Store) walk(ctx context.Context, q store.Query, yield func(store.Record, error) bool) error {
	w, err := s.windowOf(ctx, q)
	if err != nil {
		return err
	}
	selection := selectionOf(q)
	for left := q.Limit; w.low < w.high; {
		size := pageSize
		if q.Limit > 0 {
			size = min(size, left)
		}
		statement, args := selection.page(w, q.Newest, size)
		page, err := s.fetch(ctx, statement, args)
		if err != nil {
			return err
		}
		for _, f := range page {
			if err := ctx.Err(); err != nil {
				return err
			}
			if !yield(f.record, f.err) {
				return nil
			}
		}
		if left -= len(page); len(page) < size || left == 0 {
			return nil
		}
		w.cut(page[len(page)-1].record.Number, q.Newest)
	}
	return nil
}

// cut takes away what was walked.
func (w *window) cut(last uint64, newest bool) {
	if newest {
		w.high = last - 1
	} else {
		w.low = last
	}
}

func (s *Store) fetch(ctx context.Context, statement string, args []any) ([]found, error) {
	rows, err := s.readers.QueryContext(ctx, statement, args...)
	if err != nil {
		return nil, s.unlessClosed(err)
	}
	defer rows.Close()
	var page []found
	for rows.Next() {
		r, err := scanRecord(rows)
		if err != nil && r.Number == 0 {
			return nil, err
		}
		page = append(page, found{r, err})
	}
	return page, rows.Err()
}

// windowOf returns the numbers between which matching records can be. Times
// nearly follow numbers, so the index of times narrows the walk from both ends.
func (s *Store) windowOf(ctx context.Context, q store.Query) (window, error) {
	var terms []string
	var args []any
	if !q.From.IsZero() {
		terms, args = append(terms, "time >= ?"), append(args, store.Instant(q.From))
	}
	if !q.To.IsZero() {
		terms, args = append(terms, "time < ?"), append(args, store.Instant(q.To))
	}
	statement := "SELECT (SELECT min(number) FROM book), (SELECT max(number) FROM book)"
	if len(terms) > 0 {
		statement = "SELECT min(number), max(number) FROM book WHERE " + strings.Join(terms, " AND ")
	}
	var first, last *uint64
	err := s.readers.QueryRowContext(ctx, statement, args...).Scan(&first, &last)
	if err != nil || first == nil || last == nil {
		return window{}, s.unlessClosed(err)
	}
	return window{low: max(*first-1, q.After), high: *last}, nil
}

// unlessClosed names the error of a closed store.
func (s *Store) unlessClosed(err error) error {
	if errors.Is(err, sql.ErrConnDone) || err != nil && err.Error() == "sql: database is closed" {
		return store.ErrClosed
	}
	return err
}
