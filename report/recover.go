package report

import (
	"os"
)

// openSpool reads what an earlier process left: which events wait, and which
// numbers are used.
func openSpool(dir string, maxBytes int64) (*spool, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lockFile, err := os.OpenFile(lockPath(dir), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	s := &spool{
		dir: dir, max: maxBytes, perSegment: min(maxBytes/16, 4<<20),
		lockFile: lockFile, dropped: map[string]uint64{},
	}
	if err := s.recover(); err != nil {
		lockFile.Close()
		return nil, err
	}
	return s, nil
}

func (s *spool) recover() (err error) {
	if err := lock(s.lockFile); err != nil {
		return err
	}
	if s.cursor, err = readCursor(s.dir); err != nil {
		return err
	}
	found, err := listSegments(s.dir)
	if err != nil {
		return err
	}
	for _, one := range found {
		if one.number < s.cursor.Segment {
			if err := os.Remove(segmentPath(s.dir, one.number)); err != nil {
				return err
			}
			continue
		}
		if err := s.adopt(one); err != nil {
			return err
		}
	}
	return nil
}

// adopt takes over one segment. New events go into a new segment, so an adopted
// one is never written to again.
func (s *spool) adopt(one segment) error {
	path := segmentPath(s.dir, one.number)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	whole, err := wholeLines(f, one.size)
	if err != nil {
		return err
	}
	if whole < one.size {
		s.damaged++
		if err := f.Truncate(whole); err != nil {
			return err
		}
	}
	one.size = whole
	s.segments = append(s.segments, one)
	s.total += whole
	return s.count(f, one)
}

// count reads one segment for what waits and for the numbers in use.
func (s *spool) count(f *os.File, one segment) error {
	from := int64(0)
	if one.number == s.cursor.Segment {
		from = min(s.cursor.Offset, one.size)
	}
	for from < one.size {
		c, err := readChunk(f, from, one.size, 1024, 1<<20)
		if err != nil {
			return err
		}
		if c.next == from {
			return nil
		}
		for _, e := range c.events {
			if s.waiting++; s.waiting == 1 {
				s.oldest = e.Time
			}
			if used, known := s.cursor.Sequence[e.Writer]; known || len(s.cursor.Sequence) < maxWriters {
				s.cursor.Sequence[e.Writer] = max(used, e.Sequence)
			}
		}
		from = c.next
	}
	return nil
}
