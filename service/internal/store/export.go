package store

import (
	"context"
	"errors"
	"iter"
)

// ErrNotEmpty: the store holds something already; nothing was taken in.
var ErrNotEmpty = errors.New("the store is not empty")

// Exporter hands out what the other methods of a store do not show.
type Exporter interface {
	// Revision returns the revision with this number. It returns ErrNotFound.
	Revision(ctx context.Context, number uint64) (Revision, error)
	// Used yields every id that is used up and not free again by the store's
	// clock, in no order. An error ends it.
	Used(ctx context.Context) iter.Seq2[Once, error]
}

// Importer takes over what another store held.
type Importer interface {
	// Import runs fill inside one transaction: when fill returns without error
	// everything it handed to the intake is durable, otherwise nothing of it is
	// kept. Nobody appends or saves meanwhile. It returns ErrNotEmpty, ErrClosed.
	Import(ctx context.Context, fill func(Intake) error) error
}

// Intake keeps things as they are, byte by byte. Who hands them over has
// checked them; the intake does not look at hashes. It is for one goroutine and
// ends with fill.
type Intake interface {
	// Records takes records in order of Number, from 1 without gaps.
	Records(ctx context.Context, records []Record) error
	// Revision takes revisions in order of Number, from 1 without gaps.
	Revision(ctx context.Context, r Revision) error
	Key(ctx context.Context, k Key) error
	Used(ctx context.Context, once []Once) error
	Tasks(ctx context.Context, tasks []Task) error
}
