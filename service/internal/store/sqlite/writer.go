package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// maxBatch bounds the entries of one transaction, and so how long the first of
// them waits for the last.
const maxBatch = 1024

// writer owns the one connection that writes. Whatever wants to write hands it
// a job; one goroutine takes everything that waits into one transaction and
// answers after the commit. A job that comes alone is committed at once: the
// batches grow by themselves while the disk flushes.
type writer struct {
	db         *sql.DB
	conn       *sql.Conn
	statements statements
	now        func() time.Time
	most       int // entries in one transaction

	jobs chan *job
	gate sync.RWMutex // held for reading while a job is handed over
	shut bool
	done chan struct{}
}

// job is what somebody waits for: entries to append, a lease to renew, or
// something else to do inside a transaction of its own.
type job struct {
	ctx     context.Context
	entries []entry
	renewal *renewal
	do      func(ctx context.Context, conn *sql.Conn) error

	err  error
	done chan struct{}
}

func openWriter(ctx context.Context, c Config, fresh bool) (*writer, error) {
	db, err := openWriterDB(c.Path)
	if err != nil {
		return nil, err
	}
	w := &writer{db: db, now: c.Now, most: maxBatch, jobs: make(chan *job, 256), done: make(chan struct{})}
	if err := w.prepare(ctx, fresh); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	go w.run()
	return w, nil
}

func (w *writer) prepare(ctx context.Context, fresh bool) error {
	err := migrate(ctx, w.db, w.now(), fresh)
	if err != nil {
		return err
	}
	if w.conn, err = w.db.Conn(ctx); err != nil {
		return err
	}
	return w.statements.prepare(ctx, w.conn)
}

// hand gives a job to the goroutine and waits for its end. When ctx ends first,
// what happens to the job is unknown.
func (w *writer) hand(j *job) error {
	if err := j.ctx.Err(); err != nil {
		return err
	}
	if err := w.enqueue(j); err != nil {
		return err
	}
	select {
	case <-j.done:
		return j.err
	case <-j.ctx.Done():
		return j.ctx.Err()
	}
}

func (w *writer) enqueue(j *job) error {
	w.gate.RLock()
	defer w.gate.RUnlock()
	if w.shut {
		return store.ErrClosed
	}
	select {
	case w.jobs <- j:
		return nil
	case <-j.ctx.Done():
		return j.ctx.Err()
	}
}

func (w *writer) run() {
	defer close(w.done)
	for first := range w.jobs {
		// Those who were just answered get the processor once, so that their next
		// entries come along. It costs nothing when nobody is there.
		runtime.Gosched()
		batch, last := w.gather(first)
		if len(batch) > 0 {
			w.finish(batch, w.append(batch))
		}
		if last != nil {
			w.finish([]*job{last}, w.transaction(last.do))
		}
	}
}

// gather takes what waits. A job that is not an append ends the batch and is
// returned apart. Jobs that nobody waits for any more are dropped.
func (w *writer) gather(next *job) (batch []*job, last *job) {
	for entries := 0; ; {
		switch err := next.ctx.Err(); {
		case err != nil:
			w.finish([]*job{next}, err)
		case next.do != nil:
			return batch, next
		default:
			batch = append(batch, next)
			entries += max(len(next.entries), 1)
		}
		if entries >= w.most {
			return batch, nil
		}
		select {
		case j, open := <-w.jobs:
			if !open {
				return batch, nil
			}
			next = j
		default:
			return batch, nil
		}
	}
}

// finish answers. An error of the transaction is everybody's error.
func (w *writer) finish(batch []*job, err error) {
	for _, j := range batch {
		if err != nil {
			j.err = err
		}
		close(j.done)
	}
}

// transaction runs do between BEGIN IMMEDIATE and COMMIT. The write lock is
// taken at the start, so what do reads stays true until the commit, whatever
// other processes want. A commit is never cut short by a caller's context.
func (w *writer) transaction(do func(ctx context.Context, conn *sql.Conn) error) error {
	ctx := context.Background()
	if _, err := w.statements.begin.ExecContext(ctx); err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	err := do(ctx, w.conn)
	if err == nil {
		if _, err = w.statements.commit.ExecContext(ctx); err == nil {
			return nil
		}
		err = fmt.Errorf("committing: %w", err)
	}
	// SQLite may have rolled back by itself, and then says so.
	_, _ = w.statements.rollback.ExecContext(ctx)
	return err
}

func (w *writer) close() error {
	w.gate.Lock()
	if !w.shut {
		w.shut = true
		close(w.jobs)
	}
	w.gate.Unlock()
	<-w.done
	return errors.Join(w.statements.close(), w.conn.Close(), w.db.Close())
}

// write runs do as a transaction of its own.
func (s *Store) write(ctx context.Context, do func(ctx context.Context, conn *sql.Conn) error) error {
	if s.writer == nil {
		return ErrReadOnly
	}
	return s.writer.hand(&job{ctx: ctx, do: do, done: make(chan struct{})})
}
