package report

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/narrowcast-io/narrowcast/event"
)

// segment is one file of the spool: JSON lines, appended to and then removed as
// a whole.
type segment struct {
	number uint64
	size   int64 // bytes of whole lines
}

const segmentSuffix = ".events"

func segmentPath(dir string, number uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%020d%s", number, segmentSuffix))
}

// listSegments returns the segments of a directory in order. Other files are
// left alone.
func listSegments(dir string) ([]segment, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var found []segment
	for _, entry := range entries {
		digits, is := strings.CutSuffix(entry.Name(), segmentSuffix)
		number, err := strconv.ParseUint(digits, 10, 64)
		if !is || err != nil || !entry.Type().IsRegular() {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			return nil, err
		}
		found = append(found, segment{number, info.Size()})
	}
	slices.SortFunc(found, func(a, b segment) int {
		if a.number < b.number {
			return -1
		}
		return 1
	})
	return found, nil
}

// chunk is what one read of a segment yields.
type chunk struct {
	lines   [][]byte // whole lines that hold an event, without their line breaks
	events  []event.Event
	next    int64 // where the next read begins
	damaged uint64
}

// readChunk reads whole lines between two offsets, at most so many events or
// bytes. Lines that hold no event are skipped and counted. A chunk without
// progress means that there is no whole line left.
func readChunk(r io.ReaderAt, from, to int64, maxEvents, maxBytes int) (chunk, error) {
	c := chunk{next: from}
	buffer := make([]byte, min(to-from, int64(max(maxBytes, event.MaxBytes+1))))
	n, err := r.ReadAt(buffer, from)
	if err != nil && err != io.EOF {
		return c, err
	}
	buffer = buffer[:n]
	for len(c.lines) < maxEvents {
		end := bytes.IndexByte(buffer, '\n')
		if end < 0 {
			break
		}
		c.take(buffer[:end])
		c.next += int64(end) + 1
		buffer = buffer[end+1:]
	}
	if c.next == from && len(buffer) > event.MaxBytes {
		// No line is that long: the file was not written by us, or not whole.
		c.next += int64(len(buffer))
		c.damaged++
	}
	return c, nil
}

func (c *chunk) take(line []byte) {
	e, err := event.Decode(line)
	if err != nil {
		c.damaged++
		return
	}
	c.lines = append(c.lines, line)
	c.events = append(c.events, e)
}

// wholeLines returns how many bytes of a file stand before its last line break.
// What comes after it is the rest of a write that was cut short.
func wholeLines(f *os.File, size int64) (int64, error) {
	buffer := make([]byte, 4096)
	for end := size; end > 0; {
		start := max(0, end-int64(len(buffer)))
		part := buffer[:end-start]
		if _, err := f.ReadAt(part, start); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(part, '\n'); i >= 0 {
			return start + int64(i) + 1, nil
		}
		end = start
	}
	return 0, nil
}
