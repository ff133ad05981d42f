package sqlite

import (
	"fmt"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

const recordColumns = "number, received, hash, event"

// scanner is what *sql.Row and *sql.Rows share.
type scanner interface{ Scan(into ...any) error }

// scanRecord reads recordColumns. A record whose event cannot be read comes
// with its number and an error.
func scanRecord(row scanner, more ...any) (store.Record, error) {
	var r store.Record
	var received int64
	var hash []byte
	if err := row.Scan(append([]any{&r.Number, &received, &hash, &r.Encoded}, more...)...); err != nil {
		return store.Record{}, err
	}
	r.Received = store.FromInstant(received)
	copy(r.Hash[:], hash)
	var err error
	if r.Event, err = event.Decode(r.Encoded); err != nil {
		return r, fmt.Errorf("reading record %d: %w", r.Number, err)
	}
	return r, nil
}
