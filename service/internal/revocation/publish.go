package revocation

import (
	"slices"

	"github.com/narrowcast-io/narrowcast"
)

// Bounds on what is kept for readers that are nearly up to date.
const (
	maxRecent      = 64
	maxRecentBytes = 256 << 10
)

// publish takes in what a record means and wakes whom it concerns. The text is
// made once for each audience.
func (l *Log) publish(number uint64, effects []effect) {
	concerned := l.listening(effects)
	l.state.add(effects, l.config.Now())
	l.last = max(l.last, number)
	l.bell.ring()
	for audience, from := range concerned {
		roll := l.state.rolls[audience]
		text := l.piece(audience, number)
		roll.remember(news{from, number, text})
		roll.rouse()
	}
}

// listening are the audiences of effects that somebody follows, and where each
// of them stands.
func (l *Log) listening(effects []effect) map[string]uint64 {
	at := map[string]uint64{}
	note := func(audience string) {
		if r := l.state.rolls[audience]; r != nil && len(r.readers) > 0 {
			at[audience] = l.state.position(audience)
		}
	}
	for _, e := range effects {
		note(e.audience)
		if e.audience == everyone {
			for audience := range l.state.rolls {
				note(audience)
			}
			break
		}
	}
	return at
}

// piece is what one record means to one audience.
func (l *Log) piece(audience string, number uint64) []byte {
	var text []byte
	for _, it := range l.state.after(audience, number-1, l.config.Now()) {
		text = message(text, it.Entry)
	}
	name, _ := narrowcast.ParseAudience(audience) // readers came with one
	return l.at(text, name, number)
}

// remember keeps the newest pieces, within bounds.
func (r *roll) remember(n news) {
	r.recent = append(r.recent, n)
	size, keep := 0, len(r.recent)
	for keep > 0 && len(r.recent)-keep < maxRecent && size <= maxRecentBytes {
		keep--
		size += len(r.recent[keep].text)
	}
	r.recent = slices.Delete(r.recent, 0, keep)
}

func (r *roll) rouse() {
	for reader := range r.readers {
		select {
		case reader.wake <- struct{}{}:
		default: // it has been told
		}
	}
}

// beat tells every reader how old what it knows is.
func (l *Log) beat() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.beats++
	for audience, roll := range l.state.rolls {
		if len(roll.readers) == 0 {
			continue
		}
		name, _ := narrowcast.ParseAudience(audience)
		position := l.state.position(audience)
		roll.beat = beat{l.beats, position, l.at(nil, name, position)}
		roll.rouse()
	}
}
