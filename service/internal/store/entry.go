package store

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/narrowcast-io/narrowcast/event"
)

// Bounds on one entry and on one revision.
const (
	MaxOnce          = 8
	MaxOnceBytes     = 2 << 10
	MaxRevisionFiles = 10_000
	MaxRevisionBytes = 64 << 20
)

// Encode checks e and returns its event as the book keeps it: the fields that
// say when and which version in their one form, and the line. Drivers call it
// before they keep anything.
func (e Entry) Encode() (event.Event, []byte, error) {
	kept := e.Event
	kept.Version = event.Version
	kept.Time = kept.Time.Round(0).UTC()
	if err := kept.Check(); err != nil {
		return kept, nil, fmt.Errorf("event: %w", err)
	}
	line, err := event.Encode(kept)
	if err != nil {
		return kept, nil, fmt.Errorf("encoding an event: %w", err)
	}
	if bytes.Contains(line, []byte(`\ufffd`)) {
		// Bytes that are no UTF-8 were replaced. What is kept is what the line says,
		// in the form that reading and writing it again gives.
		kept, err = event.Decode(line)
		if err == nil {
			line, err = event.Encode(kept)
		}
		if err != nil {
			return kept, nil, err
		}
	}
	if len(line) > event.MaxBytes {
		return kept, nil, fmt.Errorf("event: has %d bytes, more than %d", len(line), event.MaxBytes)
	}
	return kept, line, e.checkConditions()
}

// Door returns the audience of the door that e speaks of: Expected, or the
// audience of the reporting verifier where that is empty.
func Door(e event.Event) string {
	if e.Expected == "" && e.Verifier != nil {
		return e.Verifier.Audience
	}
	return e.Expected
}

// TaskOf returns the id of the task that e speaks of: that of Event.Task, or of
// Event.Token where there is none.
func TaskOf(e event.Event) string {
	switch {
	case e.Task != nil && e.Task.ID != "":
		return e.Task.ID
	case e.Token != nil:
		return e.Token.Task
	}
	return ""
}

// Check returns what is wrong with a revision that shall be saved.
func (r Revision) Check() error {
	size := 0
	for name, content := range r.Files {
		if name == "" {
			return errors.New("revision: a file has no name")
		}
		size += len(name) + len(content)
	}
	switch {
	case r.Number == 0:
		return errors.New("revision: numbers begin at 1")
	case r.Applied.IsZero():
		return errors.New("revision: the time of applying is missing")
	case len(r.Files) > MaxRevisionFiles:
		return fmt.Errorf("revision: has more than %d files", MaxRevisionFiles)
	case size > MaxRevisionBytes:
		return fmt.Errorf("revision: has more than %d bytes", MaxRevisionBytes)
	}
	return nil
}

// sameKey compares two states of a key.
func sameKey(a, b Key) bool {
	return a.ID == b.ID && a.Algorithm == b.Algorithm && bytes.Equal(a.Public, b.Public) && bytes.Equal(a.Private, b.Private) &&
		a.Published.Equal(b.Published) && a.Active.Equal(b.Active) && a.Retired.Equal(b.Retired) && a.Gone.Equal(b.Gone)
}
