package event

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/narrowcast-io/narrowcast/internal/strictjson"
)

// Decode reads one event. Unknown members, names in another letter case, names
// that occur twice, trailing data and anything that Check refuses are errors.
func Decode(line []byte) (Event, error) {
	if len(line) > MaxBytes {
		return Event{}, fmt.Errorf("event: longer than %d bytes", MaxBytes)
	}
	if err := strictjson.Object(string(line), vocabulary.check); err != nil {
		return Event{}, fmt.Errorf("event: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	var e Event
	if err := d.Decode(&e); err != nil {
		return Event{}, fmt.Errorf("event: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Event{}, errors.New("event: more than one JSON value")
	}
	if err := e.Check(); err != nil {
		return Event{}, fmt.Errorf("event: %w", err)
	}
	return e, nil
}

// Read calls visit for each event of a stream with one event a line. Empty
// lines are skipped. An error names the line.
func Read(r io.Reader, visit func(Event) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4096), MaxBytes+1)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		e, err := Decode(lines.Bytes())
		if err == nil {
			err = visit(e)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	return lines.Err()
}
