package postgres

import (
	"fmt"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

const recordColumns = "number, received, hash, event"

// rawRecord is a record on its way from the server.
type rawRecord struct {
	number, received int64
	hash, line       []byte
}

func (r *rawRecord) into() []any { return []any{&r.number, &r.received, &r.hash, &r.line} }

// record reads the event. One that cannot be read comes with its number and an
// error.
func (r *rawRecord) record() (store.Record, error) {
	kept := store.Record{
		Number: uint64(r.number), Received: store.FromInstant(r.received), Encoded: r.line, //nolint:gosec // G115: numbers count from 1
	}
	copy(kept.Hash[:], r.hash)
	var err error
	if kept.Event, err = event.Decode(r.line); err != nil {
		return kept, fmt.Errorf("reading record %d: %w", kept.Number, err)
	}
	return kept, nil
}
