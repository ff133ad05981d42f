package postgres

import (
	"context"
	"errors"
	"fmt"

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
	columns columns

	tried  *[32]byte // the hash that an attempt gave it whose answer was lost
	record store.Record
	fresh  bool
	err    error // of this entry alone
}

func newEntry(e store.Entry) (entry, error) {
	kept, line, err := e.Encode()
	return entry{
		event: kept, line: line, once: e.Once, unless: e.Unless, running: e.Running, task: e.Task, columns: columnsOf(kept),
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
