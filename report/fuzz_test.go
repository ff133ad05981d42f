package report

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/event"
)

// FuzzReadChunk reads arbitrary bytes as a segment, without a disk.
func FuzzReadChunk(f *testing.F) {
	f.Add([]byte(`{"v":1,"id":"e","type":"rejected","time":"2027-01-15T08:00:00Z","writer":"g","seq":1}`+"\n"), 3, 100)
	f.Add([]byte("\n\n\x00{}\nrest"), 1, 1)
	f.Fuzz(func(t *testing.T, data []byte, maxEvents, maxBytes int) {
		if maxEvents < 1 || maxBytes < 1 || maxBytes > 1<<20 {
			return
		}
		size := int64(len(data))
		for from := int64(0); from < size; {
			c, err := readChunk(bytes.NewReader(data), from, size, maxEvents, maxBytes)
			if err != nil {
				t.Fatal(err)
			}
			if c.next < from || c.next > size || len(c.lines) != len(c.events) || len(c.lines) > maxEvents {
				t.Fatalf("from %d to %d of %d with %d lines", from, c.next, size, len(c.lines))
			}
			if c.next == from {
				if bytes.IndexByte(data[from:], '\n') >= 0 && len(data[from:]) > 2*event.MaxBytes {
					t.Fatalf("stuck at %d of %d", from, size)
				}
				return
			}
			from = c.next
		}
	})
}

// FuzzSpool opens a directory with one segment of arbitrary bytes and reads it
// to its end. Nothing may be invented, and what is whole must come out.
func FuzzSpool(f *testing.F) {
	line, err := event.Encode(event.Event{ID: "e-1", Type: event.Rejected, Time: time.Unix(1_800_000_000, 0), Writer: "guard-1", Sequence: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append(line, '\n'))
	f.Add(append(append(line, '\n'), line[:30]...))
	f.Add([]byte("\n\n\x00{}\n"))
	f.Add(bytes.Repeat([]byte("z"), event.MaxBytes+2))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(segmentPath(dir, 1), data, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := openSpool(dir, MinMaxBytes)
		if err != nil {
			t.Fatal(err)
		}
		defer s.close()
		waiting, seen := s.waiting, 0
		for {
			b, err := s.front(3, 1<<10)
			if err != nil {
				t.Fatal(err)
			}
			if b == nil {
				break
			}
			for _, line := range b.lines {
				if _, err := event.Decode(line); err != nil || !bytes.Contains(data, line) {
					t.Fatalf("invented %q", line)
				}
				seen++
			}
			if err := s.done(b); err != nil {
				t.Fatal(err)
			}
		}
		if seen != waiting || s.waiting != 0 {
			t.Fatalf("%d events counted, %d read, %d left", waiting, seen, s.waiting)
		}
	})
}
