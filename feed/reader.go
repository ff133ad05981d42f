package feed

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Bounds of the stream, in bytes. The longest entry has an ID of MaxID letters of
// which each becomes six.
const (
	maxLine    = 16 << 10
	maxMessage = 32 << 10
	maxBetween = 64 << 10 // of comments and events for others, from one message to the next
)

// Reader reads the messages of a stream (WHATWG HTML, section 9.2.6, interpreting an
// event stream). What it holds in memory is bounded.
type Reader struct {
	r      *bufio.Reader
	begun  bool // the byte order mark was looked for
	afterR bool // the last line ended in CR, and a LF would belong to it
	line   []byte
}

// NewReader makes a Reader of a stream.
func NewReader(r io.Reader) *Reader { return &Reader{r: bufio.NewReaderSize(r, 16<<10)} }

// Next returns the next message. It skips events of other names. A message that the
// end of the stream cuts off is none. After an error the stream cannot be read on.
func (r *Reader) Next() (Message, error) {
	var name, id string
	var data []byte
	between, size := 0, 0
	for {
		line, err := r.next()
		if err != nil {
			return nil, err
		}
		if size, between = size+len(line), between+len(line)+1; size > maxMessage || between > maxBetween {
			return nil, errors.New("feed: a message is longer than the limit")
		}
		if len(line) > 0 {
			field, value := split(line)
			switch field {
			case "event":
				name = value
			case "data":
				data = append(append(data, value...), '\n')
			case "id":
				id = value
			}
			continue
		}
		if len(data) > 0 {
			m, err := decode(name, id, bytes.TrimSuffix(data, []byte("\n")))
			if err != nil {
				return nil, fmt.Errorf("feed: the stream has %w", err)
			}
			if m != nil {
				return m, nil
			}
		}
		name, id, data, size = "", "", data[:0], 0
	}
}

// split cuts a line into the name of its field and the value, without one space in
// front. A comment has the empty name.
func split(line []byte) (field, value string) {
	name, rest, _ := bytes.Cut(line, []byte(":"))
	return string(name), string(bytes.TrimPrefix(rest, []byte(" ")))
}

// next reads one line. Lines end in LF, CR or both; the reader does not wait for a
// LF behind a CR.
func (r *Reader) next() ([]byte, error) {
	if !r.begun {
		r.begun = true
		if mark, err := r.r.Peek(1); err == nil && mark[0] == 0xEF {
			if mark, err := r.r.Peek(3); err == nil && string(mark) == "\uFEFF" {
				_, _ = r.r.Discard(3)
			}
		}
	}
	r.line = r.line[:0]
	for {
		c, err := r.r.ReadByte()
		switch {
		case err != nil:
			return nil, err
		case c == '\n' && r.afterR:
			r.afterR = false
			continue
		case c == '\n' || c == '\r':
			r.afterR = c == '\r'
			return r.line, nil
		case len(r.line) == maxLine:
			return nil, errors.New("feed: a line is longer than the limit")
		}
		r.afterR = false
		r.line = append(r.line, c)
	}
}
