package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// entry is one entry on its way into the book, and what became of it.
type entry struct {
	event event.Event
	line  []byte
	once  []store.Once

	record store.Record
	fresh  bool
	err    error // of this entry alone
}

func newEntry(e store.Entry) (entry, error) {
	kept, line, err := e.Encode()
	return entry{event: kept, line: line, once: e.Once}, err
}

// Append keeps one entry.
func (s *Store) Append(ctx context.Context, e store.Entry) (store.Record, error) {
	if s.writer == nil {
		return store.Record{}, ErrReadOnly
	}
	one, err := newEntry(e)
	if err != nil {
		return store.Record{}, fmt.Errorf("appending to the book: %w", err)
	}
	j := &job{ctx: ctx, entries: []entry{one}, done: make(chan struct{})}
	if err := s.writer.hand(j); err != nil {
		return store.Record{}, fmt.Errorf("appending to the book: %w", err)
	}
	if err := j.entries[0].err; err != nil {
		return store.Record{}, fmt.Errorf("appending to the book: %w", err)
	}
	return j.entries[0].record, nil
}

// AppendAll keeps many entries.
func (s *Store) AppendAll(ctx context.Context, entries []store.Entry) (kept int, err error) {
	if s.writer == nil {
		return 0, ErrReadOnly
	}
	all := make([]entry, len(entries))
	for i, e := range entries {
		if all[i], err = newEntry(e); err == nil && len(e.Once) > 0 {
			err = errors.New("carries ids to be used once")
		}
		if err != nil {
			return 0, fmt.Errorf("appending entry %d of %d: %w", i+1, len(entries), err)
		}
	}
	for len(all) > 0 {
		n := min(len(all), s.writer.most)
		j := &job{ctx: ctx, entries: all[:n], done: make(chan struct{})}
		if err := s.writer.hand(j); err != nil {
			return kept, fmt.Errorf("appending %d entries: %w", len(entries), err)
		}
		for i := range j.entries {
			if j.entries[i].fresh {
				kept++
			}
		}
		all = all[n:]
	}
	return kept, nil
}

// append keeps the entries of a batch in one transaction. The end of the chain
// is read inside it, because another process may have appended since.
func (w *writer) append(batch []*job) error {
	return w.transaction(func(ctx context.Context, _ *sql.Conn) error {
		p := pen{statements: &w.statements, ctx: ctx, received: store.FromInstant(store.Instant(w.now()))}
		if err := p.findEnd(); err != nil {
			return err
		}
		for _, j := range batch {
			for i := range j.entries {
				if err := p.write(&j.entries[i]); err != nil {
					return err
				}
			}
		}
		return p.forget()
	})
}

// pen writes records behind the end of the book.
type pen struct {
	statements *statements
	ctx        context.Context
	received   time.Time
	number     uint64   // of the last record
	hash       [32]byte // of the last record
	usedOnce   bool
}

func (p *pen) findEnd() error {
	var hash []byte
	err := p.statements.head.QueryRowContext(p.ctx).Scan(&p.number, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("finding the end of the book: %w", err)
	}
	copy(p.hash[:], hash)
	return nil
}

// write keeps one entry. What concerns this entry alone goes into e.err.
func (p *pen) write(e *entry) error {
	used, err := p.spend(e)
	if err != nil {
		return err
	}
	if used {
		again, err := p.again(e)
		if err == nil && !again {
			e.err = store.ErrUsed
		}
		return err
	}
	next := store.Record{Number: p.number + 1, Received: p.received, Event: e.event, Encoded: e.line}
	next.Hash = store.Link(p.hash, next.Number, next.Received, e.line)
	kept, err := insertRecord(p.ctx, p.statements, next)
	if err != nil {
		return fmt.Errorf("writing record %d: %w", next.Number, err)
	}
	if !kept {
		_, err := p.again(e)
		return err
	}
	e.record, e.fresh = next, true
	p.number, p.hash = next.Number, next.Hash
	return nil
}

// insertRecord reports false when the event is in the book already.
func insertRecord(ctx context.Context, s *statements, r store.Record) (bool, error) {
	c := columnsOf(r.Event)
	result, err := s.insert.ExecContext(ctx,
		bound(r.Number), store.Instant(r.Received), r.Hash[:], string(r.Encoded),
		c.writer, c.id, c.kind, c.time, text(c.jti), c.fingerprintOrNull(), c.lineage, c.decision, text(c.audience))
	if err != nil {
		return false, err
	}
	rows, err := result.RowsAffected()
	return rows > 0, err
}

// again looks for an earlier record of the same event.
func (p *pen) again(e *entry) (bool, error) {
	r, err := scanRecord(p.statements.kept.QueryRowContext(p.ctx, e.event.Writer, e.event.ID))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	case err != nil && r.Number == 0:
		return false, err
	}
	e.record, e.err = r, err
	return true, nil
}

// spend uses up all ids of an entry or none. It reports true when one of them
// was used before, or the event is in the book already.
func (p *pen) spend(e *entry) (used bool, err error) {
	now := store.Instant(p.received)
	if len(e.once) > 1 { // one id, the common case, needs no look beforehand
		if used, err := p.usedBefore(e.once, now); used || err != nil {
			return used, err
		}
	}
	for _, o := range e.once {
		result, err := p.statements.use.ExecContext(p.ctx, o.Space, o.ID, store.Instant(o.Until), e.event.ID, e.event.Writer, now)
		if err != nil {
			return false, fmt.Errorf("using up an id: %w", err)
		}
		if rows, err := result.RowsAffected(); err != nil || rows == 0 {
			return true, err
		}
		p.usedOnce = true
	}
	return false, nil
}

func (p *pen) usedBefore(once []store.Once, now int64) (bool, error) {
	for i, o := range once {
		var found int
		err := p.statements.used.QueryRowContext(p.ctx, o.Space, o.ID, now).Scan(&found)
		if err == nil || twice(once[:i], o) {
			return true, nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return false, fmt.Errorf("looking for a used id: %w", err)
		}
	}
	return false, nil
}

func twice(before []store.Once, o store.Once) bool {
	for _, b := range before {
		if b.Space == o.Space && b.ID == o.ID {
			return true
		}
	}
	return false
}

// forget drops ids that are free again: more at a time than one batch adds, so
// that the table does not grow.
func (p *pen) forget() error {
	if !p.usedOnce {
		return nil
	}
	if _, err := p.statements.forget.ExecContext(p.ctx, store.Instant(p.received)); err != nil {
		return fmt.Errorf("forgetting used ids: %w", err)
	}
	return nil
}
