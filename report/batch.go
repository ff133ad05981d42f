package report

import (
	"bytes"
	"fmt"
	"os"
)

// batch is a run of events that waits at the front of the spool.
type batch struct {
	lines   [][]byte
	segment uint64
	next    int64 // where the cursor stands once the batch is done
	damaged uint64
}

func (b *batch) body() []byte {
	return append(bytes.Join(b.lines, []byte{'\n'}), '\n')
}

// front reads the batch that is to be delivered next. A nil batch means that
// nothing waits. Segments that are done are removed on the way.
func (s *spool) front(maxEvents, maxBytes int) (*batch, error) {
	for {
		one, from, found := s.position()
		if !found {
			return nil, nil
		}
		c, err := s.read(one, from, maxEvents, maxBytes)
		if err != nil {
			return nil, fmt.Errorf("reading the spool: %w", err)
		}
		b := &batch{lines: c.lines, segment: one.number, next: c.next, damaged: c.damaged}
		if len(b.lines) > 0 {
			s.mu.Lock()
			s.oldest = c.events[0].Time
			s.mu.Unlock()
			return b, nil
		}
		if b.next == from {
			b.next = one.size // an end without a line break; there is no more to come
			b.damaged++
		}
		if err := s.done(b); err != nil {
			return nil, err
		}
	}
}

// position finds the first segment with something behind the cursor.
func (s *spool) position() (one segment, from int64, found bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.segments {
		from := int64(0)
		if one.number < s.cursor.Segment {
			continue
		}
		if one.number == s.cursor.Segment {
			from = s.cursor.Offset
		}
		if from < one.size {
			return one, from, true
		}
	}
	return segment{}, 0, false
}

func (s *spool) read(one segment, from int64, maxEvents, maxBytes int) (chunk, error) {
	f, err := os.Open(segmentPath(s.dir, one.number))
	if err != nil {
		return chunk{}, err
	}
	defer f.Close()
	return readChunk(f, from, one.size, maxEvents, maxBytes)
}

// done moves the cursor behind a batch. A crash before the cursor is on disk
// repeats the batch, with the same ids.
func (s *spool) done(b *batch) error {
	s.mu.Lock()
	s.cursor.Segment, s.cursor.Offset = b.segment, b.next
	s.waiting -= len(b.lines)
	s.damaged += b.damaged
	s.mu.Unlock()
	if err := s.save(); err != nil {
		return fmt.Errorf("writing the cursor: %w", err)
	}
	return s.sweep()
}

// sweep removes the segments that are delivered and no longer written to.
func (s *spool) sweep() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.segments) > 0 {
		first := s.segments[0]
		behind := first.number < s.cursor.Segment
		read := first.number == s.cursor.Segment && s.cursor.Offset >= first.size
		written := len(s.segments) == 1 && s.file != nil && first.size < s.perSegment
		if !behind && !read || written {
			return nil
		}
		if err := s.remove(first); err != nil {
			return err
		}
	}
	return nil
}

func (s *spool) remove(first segment) error {
	if len(s.segments) == 1 {
		if err := s.closeFile(); err != nil {
			return err
		}
	}
	if err := os.Remove(segmentPath(s.dir, first.number)); err != nil {
		return fmt.Errorf("removing a delivered segment: %w", err)
	}
	s.segments = s.segments[1:]
	s.total -= first.size
	return nil
}
