package report

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast/event"
)

// spool is the directory. Writers append under the lock; the one reader reads
// what was whole when it looked, without it.
type spool struct {
	dir        string
	max        int64 // bytes of all segments
	perSegment int64
	lockFile   *os.File

	saving sync.Mutex // taken before mu; one at a time writes the cursor

	mu       sync.Mutex
	segments []segment // oldest first; the last one is written to
	file     *os.File  // of the last segment, nil until the first event
	cursor   cursor
	total    int64
	waiting  int
	oldest   time.Time // of the first event that waits
	dropped  map[string]uint64
	damaged  uint64
	unsynced bool
	closed   bool
}

// add numbers and writes one event and reports whether it is in the spool. A
// dropped event has used its number, so that the gap shows.
func (s *spool) add(e event.Event) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || !s.number(&e) {
		s.dropped[""]++
		return false
	}
	if e.Verifier != nil && s.dropped[e.Writer] > 0 {
		told := *e.Verifier
		told.Dropped += s.dropped[e.Writer]
		e.Verifier = &told
	}
	line, err := event.Encode(e)
	if err != nil || len(line) > event.MaxBytes || !s.fits(e, len(line)+1) || s.append(append(line, '\n')) != nil {
		s.dropped[e.Writer]++
		s.unsynced = true // the used number must be kept
		return false
	}
	if s.waiting++; s.waiting == 1 {
		s.oldest = e.Time
	}
	return true
}

func (s *spool) number(e *event.Event) bool {
	e.Version = event.Version
	if e.Check() != nil {
		return false
	}
	if _, known := s.cursor.Sequence[e.Writer]; !known && len(s.cursor.Sequence) >= maxWriters {
		return false
	}
	s.cursor.Sequence[e.Writer]++
	e.Sequence = s.cursor.Sequence[e.Writer]
	return true
}

// fits keeps the last quarter for what a stranger cannot produce at will.
func (s *spool) fits(e event.Event, size int) bool {
	room := s.max
	if e.Type == event.Presented || e.Type == event.Rejected && !e.Genuine {
		room -= room / 4
	}
	return s.total+int64(size) <= room
}

func (s *spool) append(line []byte) error {
	if err := s.ready(); err != nil {
		return err
	}
	last := &s.segments[len(s.segments)-1]
	if n, err := s.file.Write(line); err != nil {
		if n > 0 && s.file.Truncate(last.size) != nil {
			// The rest of the line cannot be removed: nothing may follow it.
			s.closeFile()
		}
		return err
	}
	last.size += int64(len(line))
	s.total += int64(len(line))
	s.unsynced = true
	return nil
}

// ready opens the next segment when there is none or it is full.
func (s *spool) ready() error {
	number := s.cursor.Segment + 1
	if n := len(s.segments); n > 0 {
		if s.file != nil && s.segments[n-1].size < s.perSegment {
			return nil
		}
		number = s.segments[n-1].number + 1
	}
	f, err := os.OpenFile(segmentPath(s.dir, number), os.O_CREATE|os.O_EXCL|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := s.closeFile(); err != nil {
		f.Close()
		return err
	}
	s.file = f
	s.segments = append(s.segments, segment{number: number})
	return nil
}

func (s *spool) closeFile() error {
	if s.file == nil {
		return nil
	}
	f := s.file
	s.file = nil
	err := f.Sync()
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}

// sync makes durable what was written since the last time.
func (s *spool) sync() error {
	s.mu.Lock()
	unsynced, f := s.unsynced, s.file
	s.unsynced = false
	s.mu.Unlock()
	if !unsynced {
		return nil
	}
	if f != nil {
		_ = f.Sync() // a file that was closed meanwhile was synced by closing
	}
	return s.save()
}

// save writes the cursor as it is now.
func (s *spool) save() error {
	s.saving.Lock()
	defer s.saving.Unlock()
	s.mu.Lock()
	c := s.cursor.clone()
	s.mu.Unlock()
	return c.write(s.dir)
}

func (s *spool) close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	err := s.closeFile()
	s.mu.Unlock()
	return errors.Join(err, s.save(), s.lockFile.Close())
}

func (s *spool) measure() (waiting int, total int64, dropped, damaged uint64, oldest time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.dropped {
		dropped += n
	}
	return s.waiting, s.total, dropped, s.damaged, s.oldest
}

func lockPath(dir string) string { return filepath.Join(dir, "lock") }
