package feed

import (
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// Follower keeps what is dead of one issuer up to date and answers by it. It is made
// by [New], is a narrowcast.Liveness, and may be used by many goroutines;
// [Follower.Run] follows. The zero Follower answers Stale.
type Follower struct {
	issuer     narrowcast.Issuer
	url        string
	client     *http.Client
	now        func() time.Time
	staleAfter time.Duration
	whenStale  WhenStale
	notice     func(error)
	limits     limits

	known    atomic.Pointer[known] // never nil once made
	degraded atomic.Uint64

	staged  *Set // what follows a Reset; only Run looks at it
	begins  Reset
	told    bool      // something new since the last At
	afresh  bool      // the next connection asks for the whole state
	asked   time.Time // when this connection was asked for; zero once it was answered
	clocks  clocks
	file    stateFile
	mu      sync.Mutex // guards what follows
	changed chan struct{}
	line    line
}

// known is what is known at an instant. It never changes, but for its set, to which
// entries are added.
type known struct {
	set      *Set // nil before the first state
	at       At
	received time.Time // when that arrived, by the clock of this machine, or was written if we can tell
}

// New makes a Follower and reads the state that an earlier one left in the file. A
// file that cannot be read is told to Notice and counts as none.
func New(c Config) (*Follower, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("feed: %w", err)
	}
	f := &Follower{
		issuer: c.Issuer, url: c.URL + "?resource=" + url.QueryEscape(c.Audience.String()),
		client: c.client(), now: c.Now, staleAfter: c.StaleAfter, whenStale: c.WhenStale,
		notice: c.Notice, limits: c.limits(), changed: make(chan struct{}),
		file: stateFile{path: c.File, owner: owner{Issuer: c.Issuer.String(), Audience: c.Audience.String()}},
	}
	if f.notice == nil {
		f.notice = func(error) {}
	}
	first := &known{}
	if c.File != "" {
		set, last, err := load(c.File, f.file.owner)
		if err != nil {
			f.notice(fmt.Errorf("feed: %w", err))
		}
		if set != nil {
			first = &known{set: set, at: last.At, received: last.Received}
		}
	}
	f.known.Store(first)
	return f, nil
}

// Check answers for a token of the issuer, and the zero Reason for those of others.
func (f *Follower) Check(t *narrowcast.Token) narrowcast.Reason {
	if f == nil || f.now == nil {
		return narrowcast.Stale
	}
	if t.Issuer() != f.issuer {
		return 0
	}
	k := f.known.Load()
	if k.set != nil {
		if r := k.set.Check(t); r != 0 {
			return r
		}
	}
	switch {
	case !f.isStale(k, f.now()):
		return 0
	case f.accepts(k):
		f.degraded.Add(1)
		return 0
	}
	return narrowcast.Stale
}

// Degraded reports whether tokens like this one are accepted although what is known
// is too old.
func (f *Follower) Degraded(t *narrowcast.Token) bool {
	if f == nil || f.now == nil || t.Issuer() != f.issuer {
		return false
	}
	k := f.known.Load()
	return f.isStale(k, f.now()) && f.accepts(k)
}

// Changed returns a channel that is closed when Check answers by something new and
// the position says so. Take it before looking at the position, and anew afterwards.
// It is not closed when only the position moves on: reports of verifiers are records
// of the book too, and would call forth each other.
func (f *Follower) Changed() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changed
}

// All asks several sources, such as the followers of several issuers, and gives the
// first answer that is not zero. Without a source, and of a nil one, that is Stale.
func All(sources ...narrowcast.Liveness) narrowcast.Liveness { return all(sources) }

type all []narrowcast.Liveness

// Check asks the sources in their order.
func (a all) Check(t *narrowcast.Token) narrowcast.Reason {
	if len(a) == 0 {
		return narrowcast.Stale
	}
	for _, source := range a {
		if source == nil {
			return narrowcast.Stale
		}
		if r := source.Check(t); r != 0 {
			return r
		}
	}
	return 0
}
