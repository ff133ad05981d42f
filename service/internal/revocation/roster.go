package revocation

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// heardWithin is how long a verifier counts that is not heard any more.
const heardWithin = time.Hour

// maxSteps bounds what is remembered of one verifier. The oldest are forgotten,
// which makes a confirmation look later than it was and never earlier.
const maxSteps = 256

type voiceOf struct{ audience, writer string }

// voice is what one verifier reported.
type voice struct {
	voiceOf
	seen  time.Time // by the clock of the book
	left  bool
	known *event.Feed // as of the last report; nil when it follows nothing
	steps []step
}

// step is a position that was reached, and when the book heard of it.
type step struct {
	position uint64
	at       time.Time
}

// roster is who guards which resource, from the reports in the book. It is read
// when somebody asks, and goes on where it stopped.
type roster struct {
	book Book
	now  func() time.Time

	mu     sync.Mutex
	cursor uint64
	begun  bool
	voices map[voiceOf]*voice
}

// catchUp reads the reports that came since.
func (r *roster) catchUp(ctx context.Context) error {
	q := store.Query{Types: []event.Type{event.VerifierSeen, event.VerifierLeft}, After: r.cursor}
	if !r.begun {
		q.From = r.now().Add(-heardWithin - time.Minute)
	}
	for rec, err := range r.book.Find(ctx, q) {
		if err != nil {
			return fmt.Errorf("reading what verifiers reported: %w", err)
		}
		r.take(rec)
		r.cursor = rec.Number
	}
	r.begun = true
	for name, v := range r.voices {
		if r.now().Sub(v.seen) > heardWithin {
			delete(r.voices, name)
		}
	}
	return nil
}

func (r *roster) take(rec store.Record) {
	name := voiceOf{store.Door(rec.Event), rec.Event.Writer}
	v := r.voices[name]
	if v == nil {
		v = &voice{voiceOf: name}
		r.voices[name] = v
	}
	v.seen, v.left = rec.Received, rec.Event.Type == event.VerifierLeft
	if rec.Event.Verifier != nil {
		v.known = rec.Event.Verifier.Feed
		v.step(rec)
	}
}

// step notes a position. Nobody can have taken in a record that comes behind his
// own report; and who knows less than before has confirmed less.
func (v *voice) step(rec store.Record) {
	if v.known == nil || v.known.Position >= rec.Number {
		v.steps = nil
		return
	}
	p := v.known.Position
	v.steps = slices.DeleteFunc(v.steps, func(s step) bool { return s.position > p })
	if n := len(v.steps); n > 0 && v.steps[n-1].position == p {
		return
	}
	if len(v.steps) == maxSteps {
		v.steps = slices.Delete(v.steps, 0, 1)
	}
	v.steps = append(v.steps, step{p, rec.Received})
}

// reached is when the book heard that a position was taken in, or the zero time.
func (v *voice) reached(position uint64) time.Time {
	for _, s := range v.steps {
		if s.position >= position {
			return s.at
		}
	}
	return time.Time{}
}

// present yields those that were heard within the hour and have not left.
func (r *roster) present() iter.Seq[*voice] {
	return func(yield func(*voice) bool) {
		for _, v := range r.voices {
			if !v.left && r.now().Sub(v.seen) <= heardWithin && !yield(v) {
				return
			}
		}
	}
}
