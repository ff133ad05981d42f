package revocation

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Log is what is dead, as the book says. It may be used by many goroutines.
// Until it has read the book once it knows nothing and says so.
type Log struct {
	config Config
	family family
	nudge  chan struct{}
	bell   bell

	folding sync.Mutex // one fold at a time
	cursor  uint64     // the last record that was folded
	begun   bool
	kin     kin

	surveying sync.Mutex // one walk for places at a time
	walked    uint64     // the last record of such a walk

	mu    sync.RWMutex
	state state
	last  uint64    // the last record of the book that was folded, or was too old to be
	asOf  time.Time // everything that was in the book by then counts; zero before the first fold
	beats uint64
	// placed is the same for the places in status lists.
	placed time.Time
	past   chan struct{}
}

// New makes a Log, or returns every fault of the configuration. It reads nothing
// until Run or CatchUp.
func New(c Config) (*Log, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("revocation: %w", err)
	}
	return &Log{
		config: c, family: family{c.Book, c.MaxLife}, nudge: make(chan struct{}, 1), state: newState(), kin: newKin(),
		past: make(chan struct{}, 1),
	}, nil
}

// Nudge says that something was written. It does not wait.
func (l *Log) Nudge() {
	select {
	case l.nudge <- struct{}{}:
	default:
	}
}

// dropEvery is how often what is over is forgotten.
const dropEvery = 30 * time.Second

// Run folds the book and tells followers how old their knowledge is, until ctx
// is done.
func (l *Log) Run(ctx context.Context) {
	var beside sync.WaitGroup
	defer beside.Wait()
	beside.Go(func() { l.keepTime(ctx) })
	beside.Go(func() { l.keepPlaces(ctx) })
	poll := time.NewTicker(l.config.Poll)
	defer poll.Stop()
	for {
		if err := l.CatchUp(ctx); err != nil && ctx.Err() == nil && l.config.Failed != nil {
			l.config.Failed(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-poll.C:
		case <-l.nudge:
		}
	}
}

// keepTime goes on while the book hangs: then the beat says so.
func (l *Log) keepTime(ctx context.Context) {
	beat, drop := time.NewTicker(l.config.Beat), time.NewTicker(dropEvery)
	defer beat.Stop()
	defer drop.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			l.beat()
		case <-drop.C:
			l.mu.Lock()
			l.state.drop(l.config.Now())
			l.mu.Unlock()
		}
	}
}

// CatchUp folds everything that is in the book when it is called. When it fails,
// what was folded stays, nothing behind it counts, and the age goes on rising.
func (l *Log) CatchUp(ctx context.Context) error {
	l.folding.Lock()
	defer l.folding.Unlock()
	asOf := l.config.Now()
	from, newest := time.Time{}, uint64(0)
	if !l.begun {
		var err error
		if newest, err = l.newest(ctx); err != nil {
			return err
		}
		from = asOf.Add(-horizon(l.config.MaxLife))
		if err := l.knownLists(ctx, asOf); err != nil {
			return err
		}
	}
	for more := true; more; {
		var err error
		if more, err = l.page(ctx, from); err != nil {
			return err
		}
	}
	l.cursor, l.begun = max(l.cursor, newest), true
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last, l.asOf = l.cursor, asOf
	if len(l.state.lists.watches) == 0 {
		l.placed = asOf
	}
	return nil
}

// newest is the last record that could be folded, however old it is.
func (l *Log) newest(ctx context.Context) (uint64, error) {
	for rec, err := range l.config.Book.Find(ctx, store.Query{Types: folded(), Newest: true, Limit: 1}) {
		if err != nil {
			return 0, fmt.Errorf("reading the book: %w", err)
		}
		return rec.Number, nil
	}
	return 0, nil
}

const pageSize = 512

// page folds the next records. It is over when there are no more of them.
func (l *Log) page(ctx context.Context, from time.Time) (more bool, err error) {
	records := make([]store.Record, 0, 16)
	if l.cursor > 0 {
		from = time.Time{} // nothing behind the first page is too old, and a store that need not look is quicker
	}
	q := store.Query{Types: folded(), After: l.cursor, From: from, Limit: pageSize}
	for rec, err := range l.config.Book.Find(ctx, q) {
		if err != nil {
			return false, fmt.Errorf("reading the book behind record %d: %w", l.cursor, err)
		}
		records = append(records, rec)
	}
	for _, rec := range records {
		if err := l.fold(ctx, rec); err != nil {
			return false, fmt.Errorf("folding record %d of the book: %w", rec.Number, err)
		}
		l.cursor = rec.Number
	}
	return len(records) == pageSize, nil
}
