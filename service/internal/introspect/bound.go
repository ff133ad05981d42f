package introspect

import (
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
)

// said remembers which good tokens were recorded lately. When it is full it is
// emptied, which costs records and nothing else.
type said struct {
	mu     sync.Mutex
	minute map[about]int64
}

type about struct {
	token narrowcast.Fingerprint
	by    narrowcast.ClientID
}

const maxSaid = 8192

// first reports whether this is the first time in this minute.
func (s *said) first(token narrowcast.Fingerprint, by narrowcast.ClientID, now time.Time) bool {
	this, minute := about{token, by}, now.Unix()/60
	s.mu.Lock()
	defer s.mu.Unlock()
	if before, ok := s.minute[this]; ok && before == minute {
		return false
	}
	if s.minute == nil || len(s.minute) >= maxSaid {
		s.minute = map[about]int64{}
	}
	s.minute[this] = minute
	return true
}

// limits bound how many questions about tokens that are no good to who asks are
// recorded one by one. Each client has its own bounds, and one for tokens of
// others beside that for everything else: whoever floods the book hides nobody
// but himself, and no stolen token behind rubbish.
type limits struct {
	mu   sync.Mutex
	of   map[asker]*limit
	rest limit // of those for whom there is no room
}

type asker struct {
	client narrowcast.ClientID
	what   event.Type
}

const maxAskers = 10_000

func (l *limits) take(client narrowcast.ClientID, what event.Type, now time.Time) (skipped uint64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	this := asker{client, what}
	own := l.of[this]
	switch {
	case own != nil:
	case len(l.of) >= maxAskers:
		own = &l.rest
	default:
		if l.of == nil {
			l.of = map[asker]*limit{}
		}
		own = &limit{}
		l.of[this] = own
	}
	return own.take(now)
}

// limit is a bucket that fills steadily.
type limit struct {
	full    float64
	since   time.Time
	skipped uint64
}

const perSecond, burst = 5, 200

func (l *limit) take(now time.Time) (skipped uint64, ok bool) {
	switch passed := now.Sub(l.since); {
	case l.since.IsZero():
		l.full, l.since = burst, now
	case passed > 0:
		l.full, l.since = min(burst, l.full+passed.Seconds()*perSecond), now
	}
	if l.full < 1 {
		l.skipped++
		return 0, false
	}
	l.full--
	skipped, l.skipped = l.skipped, 0
	return skipped, true
}
