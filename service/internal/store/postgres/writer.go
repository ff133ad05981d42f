package postgres

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// maxBatch bounds the entries of one transaction, and so how long the first of
// them waits for the last.
const maxBatch = 1024

// writer owns the one connection of this process that appends. Whoever appends
// hands it a job; one goroutine takes everything that waits into one
// transaction and answers after the commit. A job that comes alone is committed
// at once: the batches grow by themselves while the server flushes.
type writer struct {
	link *link
	now  func() time.Time
	most int       // entries in one transaction
	conn *pgx.Conn // nil before the first append and after a failure

	jobs    chan *job
	gate    sync.RWMutex // held for reading while a job is handed over
	shut    bool
	closing sync.Once
	stop    chan struct{} // closed when nothing more may be tried again
	done    chan struct{}
}

// job is what somebody waits for.
type job struct {
	ctx     context.Context
	entries []entry
	renewal *renewal
	trouble atomic.Pointer[string] // of the last attempt

	err  error
	done chan struct{}
}

func newWriter(l *link, now func() time.Time) *writer {
	w := &writer{
		link: l, now: now, most: maxBatch, jobs: make(chan *job, 256),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	go w.run()
	return w
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
		if trouble := j.trouble.Load(); trouble != nil {
			return fmt.Errorf("%w; the last attempt: %s", j.ctx.Err(), *trouble)
		}
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
	case <-w.stop:
		return store.ErrClosed
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
		w.keep(w.gather(first))
	}
	if w.conn != nil {
		hangUp(w.conn)
	}
}

// gather takes what waits.
func (w *writer) gather(next *job) []*job {
	var batch []*job
	for entries := 0; ; {
		batch = append(batch, next)
		if entries += max(len(next.entries), 1); entries >= w.most {
			return batch
		}
		select {
		case j, open := <-w.jobs:
			if !open {
				return batch
			}
			next = j
		default:
			return batch
		}
	}
}

// keep tries a batch until it is kept or refused, nobody waits for it any more,
// or the store closes. The same batch may be tried again after a lost answer:
// what was kept then is found and not kept again.
func (w *writer) keep(batch []*job) {
	var wait backoff
	for {
		if batch = awaited(batch); len(batch) == 0 {
			return
		}
		err := w.attempt(batch)
		if !transient(err) {
			finish(batch, clean(context.Background(), err))
			return
		}
		err = clean(context.Background(), err)
		text := err.Error()
		for _, j := range batch {
			j.trouble.Store(&text)
		}
		if !wait.pause(context.Background(), w.stop) {
			finish(batch, fmt.Errorf("the store closes and the server does not answer, so what became of it is unknown: %w", err))
			return
		}
	}
}

// awaited drops jobs that nobody waits for any more.
func awaited(batch []*job) []*job {
	var left []*job
	for _, j := range batch {
		if err := j.ctx.Err(); err != nil {
			finish([]*job{j}, err)
		} else {
			left = append(left, j)
		}
	}
	return left
}

// finish answers. An error of the transaction is everybody's error.
func finish(batch []*job, err error) {
	for _, j := range batch {
		j.err = err
		close(j.done)
	}
}

// attempt keeps a batch in one transaction. It is never cut short by a caller's
// context. A connection on which anything failed is not used again; the server
// takes back what was not committed, and while it has not yet, the lock of the
// head keeps the next attempt waiting.
func (w *writer) attempt(batch []*job) error {
	ctx, cancel := context.WithTimeout(context.Background(), attemptTimeout)
	defer cancel()
	if w.conn == nil {
		var err error
		if w.conn, err = w.link.connect(ctx); err != nil {
			return err
		}
	}
	p := pen{conn: w.conn, now: w.now}
	for _, j := range batch {
		if j.renewal != nil {
			p.renewals = append(p.renewals, j.renewal)
		}
		for i := range j.entries {
			p.entries = append(p.entries, &j.entries[i])
		}
	}
	err := p.write(ctx)
	if err != nil {
		err = ifBroken(w.conn, err)
		hangUp(w.conn)
		w.conn = nil
	}
	return err
}

// ifBroken marks an error after which the connection is gone.
func ifBroken(conn *pgx.Conn, err error) error {
	if conn.IsClosed() {
		return &brokenError{err}
	}
	return err
}

func (w *writer) close() {
	w.closing.Do(func() {
		close(w.stop)
		w.gate.Lock()
		w.shut = true
		close(w.jobs)
		w.gate.Unlock()
	})
	<-w.done
}
