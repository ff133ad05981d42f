package revocation

import (
	"iter"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/feed"
)

const defaultStaleAfter = time.Minute

// at says that everything up to a position was sent, and of when that is true.
func (l *Log) at(to []byte, audience narrowcast.Audience, position uint64) []byte {
	terms := Terms{defaultStaleAfter, feed.Refuse}
	if l.config.Terms != nil {
		terms = l.config.Terms(audience)
	}
	if terms.WhenStale != feed.Accept {
		terms.WhenStale = feed.Refuse
	}
	limit := min(max(terms.StaleAfter, feed.MinStaleAfter), feed.MaxStaleAfter)
	return message(to, feed.At{
		Position: position, AsOf: l.asOf.UTC(), StaleAfter: int(limit / time.Second), WhenStale: terms.WhenStale,
		Now: l.config.Now().UTC(),
	})
}

// message leaves out what no reader would take: one such message would end every
// stream again and again. The fold makes none.
func message(to []byte, m feed.Message) []byte {
	if longer, err := m.Append(to); err == nil {
		return longer
	}
	return to
}

// pieceBytes is about how much is handed over at a time.
const pieceBytes = 32 << 10

// render makes pieces of many entries. It is used outside the lock: entries do
// not change.
func render(items []*item, reset bool, position uint64, at []byte) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		var text []byte
		n := 0
		if reset {
			text = message(text, feed.Reset{Position: position})
		}
		for _, it := range items {
			text = message(text, it.Entry)
			if len(text) >= pieceBytes {
				if !yield(n, text) {
					return
				}
				text, n = nil, n+1
			}
		}
		yield(n, append(text, at...))
	}
}
