package revocation

import (
	"context"
	"iter"

	"github.com/narrowcast-io/narrowcast"
)

// reader is one follower. It keeps its place and nothing else: a slow one costs
// no memory here, and nobody waits for it.
type reader struct {
	audience narrowcast.Audience
	wake     chan struct{}
	cursor   uint64
	beat     uint64
	greeted  bool
	reset    bool
}

// news is a piece of the stream that many readers get as it is: everything
// behind one position up to another.
type news struct {
	from, to uint64
	text     []byte
}

// beat is the newest word about the age of what was said.
type beat struct {
	n        uint64
	position uint64
	text     []byte
}

// Follow yields the stream of one audience behind a position, in the form of
// server-sent events: whole messages in each piece. From position 0, or one that
// the book does not have, it begins with a reset. It goes on until ctx is done
// or the reader stops; the only error is ErrNotReady, before anything else.
func (l *Log) Follow(ctx context.Context, audience narrowcast.Audience, after uint64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		r, err := l.enter(ctx, audience, after)
		if err != nil {
			yield(nil, err)
			return
		}
		defer l.leave(r)
		for {
			for _, text := range l.next(r) {
				if ctx.Err() != nil || !yield(text, nil) {
					return
				}
			}
			select {
			case <-ctx.Done():
				return
			case <-r.wake:
			}
		}
	}
}

// enter finds out where a reader stands. A position that this replica has not
// reached may come from another one, so it looks into the book first.
func (l *Log) enter(ctx context.Context, audience narrowcast.Audience, after uint64) (*reader, error) {
	r := &reader{audience: audience, wake: make(chan struct{}, 1), cursor: after}
	if !l.reached(after) {
		if err := l.CatchUp(ctx); err != nil {
			return nil, ErrNotReady
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if after > l.last {
		r.cursor = 0
	}
	r.reset = r.cursor == 0
	roll := l.state.roll(audience.String())
	if roll.readers == nil {
		roll.readers = map[*reader]struct{}{}
	}
	roll.readers[r] = struct{}{}
	r.wake <- struct{}{}
	return r, nil
}

// reached reports whether the book was read, and up to a position.
func (l *Log) reached(position uint64) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return !l.asOf.IsZero() && position <= l.last
}

func (l *Log) leave(r *reader) {
	l.mu.Lock()
	defer l.mu.Unlock()
	roll := l.state.roll(r.audience.String())
	delete(roll.readers, r)
	if len(roll.readers) == 0 {
		roll.recent, roll.beat = nil, beat{}
	}
}

// next is what a reader has not got yet: pieces that all readers share where
// there are any, otherwise pieces of its own.
func (l *Log) next(r *reader) iter.Seq2[int, []byte] {
	l.mu.RLock()
	defer l.mu.RUnlock()
	position := l.state.position(r.audience.String())
	roll := l.state.rolls[r.audience.String()]
	switch {
	case roll == nil:
		return nothing
	case !r.greeted || position > r.cursor:
		return l.missed(r, roll, position)
	case roll.beat.n <= r.beat:
		return nothing
	}
	r.beat = roll.beat.n
	if roll.beat.position == r.cursor {
		return pieces([][]byte{roll.beat.text})
	}
	return pieces([][]byte{l.at(nil, r.audience, r.cursor)})
}

func (l *Log) missed(r *reader, roll *roll, position uint64) iter.Seq2[int, []byte] {
	if r.greeted {
		if shared := roll.since(r.cursor); len(shared) > 0 {
			r.cursor = position
			return pieces(shared)
		}
	}
	items := l.state.after(r.audience.String(), r.cursor, l.config.Now())
	reset := !r.greeted && r.reset
	r.greeted, r.beat, r.cursor = true, roll.beat.n, max(r.cursor, position)
	return render(items, reset, r.cursor, l.at(nil, r.audience, r.cursor))
}

// since returns the pieces from a place on, or nothing when one is missing.
func (r *roll) since(cursor uint64) [][]byte {
	var texts [][]byte
	for _, n := range r.recent {
		if n.to <= cursor {
			continue
		}
		if len(texts) == 0 && n.from > cursor {
			return nil
		}
		texts = append(texts, n.text)
	}
	return texts
}

func nothing(func(int, []byte) bool) {}

func pieces(texts [][]byte) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		for i, text := range texts {
			if !yield(i, text) {
				return
			}
		}
	}
}
