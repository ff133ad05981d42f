// Package report carries what a door saw to the book.
//
// A [Reporter] writes each event into a spool on disk and delivers the spool, in
// order, to the issuer. An event is delivered at least once; a repeated one has
// the same id. [Lines] is for guards that have no issuer.
package report

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast/event"
)

// Reporter is an event.Sink that survives restarts and the absence of the
// issuer. It is made by [Open]; [Reporter.Run] delivers.
//
// What it promises: an event is handed to the operating system before Record
// returns, so the death of the process loses none. The disk is synced once a
// second and on Close, so the death of the machine loses at most the last second
// of what was not delivered yet. Memory does not grow with the spool. When the
// spool is full, the newest events are dropped and counted, and the gap shows in
// the sequence numbers; the last quarter of the space is kept for events about
// genuine tokens and about the guard itself, so that forged noise cannot displace
// them.
//
// The numbers of the events are given here, one count per writer that goes on
// after a restart; the number that a guard gives begins at one with each process.
type Reporter struct {
	now    func() time.Time
	client *http.Client
	url    string
	linger time.Duration
	limits limits

	spool *spool
	dead  *deadLetters
	urge  chan struct{} // something is to be sent at once
	some  chan struct{} // something is to be sent

	sending sync.Mutex // held by the one delivery that runs
	mu      sync.Mutex // guards what follows
	state   State
}

// Open makes a Reporter and reads what an earlier one left in the directory. One
// directory belongs to one process at a time.
func Open(c Config) (*Reporter, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	s, err := openSpool(c.Dir, c.maxBytes())
	if err != nil {
		return nil, fmt.Errorf("report: opening the spool: %w", err)
	}
	return &Reporter{
		now: c.Now, client: c.client(), url: c.URL, linger: c.linger(), limits: c.limits(),
		spool: s, dead: newDeadLetters(c.Dir),
		urge: make(chan struct{}, 1), some: make(chan struct{}, 1),
	}, nil
}

// Record spools an event. Rejections of any kind are sent at once, folded
// presentations may wait for company.
func (r *Reporter) Record(e event.Event) {
	if !r.spool.add(e) {
		return
	}
	if e.Type == event.Presented {
		signal(r.some)
	} else {
		signal(r.urge)
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Close syncs the spool and gives the directory free. Run and Drain must have
// returned; events recorded later are dropped.
func (r *Reporter) Close() error {
	if err := r.spool.close(); err != nil {
		return fmt.Errorf("report: closing the spool: %w", err)
	}
	return nil
}
