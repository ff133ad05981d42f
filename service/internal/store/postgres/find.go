package postgres

import (
	"context"
	"fmt"
	"iter"
	"math"

	"github.com/jackc/pgx/v5"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// pageSize is how many records a walk holds at a time. Between two pages it
// holds no connection, so a slow caller keeps nobody waiting.
const pageSize = 256

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

func (s *Store) fetch(ctx context.Context, statement string, args []any) (page []found, err error) {
	err = s.read(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, statement, args...)
		if err != nil {
			return err
		}
		page, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (found, error) {
			var raw rawRecord
			if err := row.Scan(raw.into()...); err != nil {
				return found{}, err
			}
			r, err := raw.record()
			return found{r, err}, nil
		})
		return err
	})
	return page, err
}

// windowOf returns the numbers between which matching records can be. Commits
// are in order of number, so the number in the head is the end of the book as
// it is now. Times nearly follow numbers, so the index of times narrows the
// walk from both ends.
func (s *Store) windowOf(ctx context.Context, q store.Query) (window, error) {
	statement, args := sqlHeadNumber, []any(nil)
	if !q.From.IsZero() || !q.To.IsZero() {
		to := int64(math.MaxInt64)
		if !q.To.IsZero() {
			to = store.Instant(q.To)
		}
		from := int64(math.MinInt64)
		if !q.From.IsZero() {
			from = store.Instant(q.From)
		}
		statement, args = sqlBetween, []any{from, to}
	}
	w := window{low: q.After}
	err := s.read(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		if args == nil {
			return conn.QueryRow(ctx, statement).Scan(&w.high)
		}
		var first, last *uint64
		err := conn.QueryRow(ctx, statement, args...).Scan(&first, &last)
		if err == nil && first != nil && last != nil {
			w = window{low: max(*first-1, q.After), high: *last}
		}
		return err
	})
	return w, err
}
