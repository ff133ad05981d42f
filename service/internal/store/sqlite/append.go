package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// entry is one entry on its way into the book, and what became of it.
type entry struct {
	event   event.Event
	line    []byte
	once    []store.Once
	unless  []store.Once
	running []narrowcast.TaskID
	task    *store.Task
	guarded bool // depends on more than once

	record store.Record
	fresh  bool
	err    error // of this entry alone
}

func newEntry(e store.Entry) (entry, error) {
	kept, line, err := e.Encode()
	return entry{
		event: kept, line: line, once: e.Once, unless: e.Unless, running: e.Running, task: e.Task, guarded: e.Conditional(),
	}, err
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
		if all[i], err = newEntry(e); err == nil && !e.OnlyEvent() {
			err = errors.New("carries more than an event")
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
			if j.renewal != nil {
				if err := p.renew(j.renewal); err != nil {
					return err
				}
			}
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
	if e.guarded {
		if done, err := p.guard(e); done || err != nil {
			return err
		}
	}
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
	if e.task != nil {
		return p.saveTask(e.task)
	}
	return nil
}

// insertRecord reports false when the event is in the book already.
func insertRecord(ctx context.Context, s *statements, r store.Record) (bool, error) {
	c := columnsOf(r.Event)
	result, err := s.insert.ExecContext(ctx,
		bound(r.Number), store.Instant(r.Received), r.Hash[:], string(r.Encoded),
		c.writer, c.id, c.kind, c.time, text(c.jti), c.fingerprintOrNull(), c.lineage, c.decision, text(c.audience), text(c.task))
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
