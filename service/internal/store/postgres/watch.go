package postgres

import (
	"context"
	"sync"

	"github.com/jackc/pgx/v5"
)

// watcher listens for the bells of other processes on a connection of its own.
type watcher struct {
	link    *link
	changed chan struct{}
	once    sync.Once
	ctx     context.Context // of the goroutine; a watcher lives as long as its store
	cancel  context.CancelFunc
	wait    sync.WaitGroup
}

func newWatcher(l *link) *watcher {
	ctx, cancel := context.WithCancel(context.Background())
	return &watcher{link: l, changed: make(chan struct{}, 1), ctx: ctx, cancel: cancel}
}

// Changed yields a value soon after this or another process saved a revision or
// a key. Several changes may be one value, a value may come without a change,
// and while the server is away changes may go by without one: it is a hint to
// look at once, beside looking every now and then. The channel is for one
// reader and never closed. The first call begins to listen.
func (s *Store) Changed() <-chan struct{} {
	w := s.watcher
	w.once.Do(func() {
		if w.ctx.Err() == nil {
			w.wait.Go(w.run)
		}
	})
	return w.changed
}

func (w *watcher) close() {
	w.cancel()
	w.once.Do(func() {}) // nobody begins any more
	w.wait.Wait()
}

// run listens, and begins again when the connection is lost.
func (w *watcher) run() {
	var wait backoff
	for w.ctx.Err() == nil {
		if err := w.listen(func() { wait = backoff{} }); err != nil {
			wait.pause(w.ctx, nil)
		}
	}
}

func (w *watcher) listen(connected func()) error {
	conn, err := w.link.connect(w.ctx)
	if err != nil {
		return err
	}
	defer hangUp(conn)
	if _, err := conn.Exec(w.ctx, "LISTEN "+pgx.Identifier{w.link.channel}.Sanitize()); err != nil {
		return err
	}
	connected()
	for {
		// Once before the first wait too: something may have changed meanwhile.
		select {
		case w.changed <- struct{}{}:
		default:
		}
		if _, err := conn.WaitForNotification(w.ctx); err != nil {
			return err
		}
	}
}
