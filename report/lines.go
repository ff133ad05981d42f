package report

import (
	"io"
	"sync"

	"github.com/narrowcast-io/narrowcast/event"
)

// Lines is an event.Sink that writes one line of JSON per event. The zero Lines
// drops everything and counts it.
type Lines struct {
	mu     sync.Mutex
	w      io.Writer
	errors uint64
}

// NewLines makes a Lines that writes to w.
func NewLines(w io.Writer) *Lines { return &Lines{w: w} }

// Record writes the event with a single call of Write.
func (l *Lines) Record(e event.Event) {
	line, err := event.Encode(e)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil || l.w == nil {
		l.errors++
		return
	}
	if _, err := l.w.Write(append(line, '\n')); err != nil {
		l.errors++
	}
}

// Errors returns how many events could not be written.
func (l *Lines) Errors() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.errors
}
