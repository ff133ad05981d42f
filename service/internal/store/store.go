// Package store is the contract of what is kept: the book, the revisions of the
// registry and the signing keys. Drivers live below it, and a driver is
// supported when it passes storetest.
package store

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
)

// Errors that a caller may tell apart.
var (
	// ErrUsed: an id of Entry.Once was used before; nothing was appended.
	ErrUsed = errors.New("already used")
	// ErrNotFound: there is no such record, revision or key.
	ErrNotFound = errors.New("not found")
	// ErrConflict: somebody else saved a revision in the meantime.
	ErrConflict = errors.New("changed in the meantime")
	// ErrEnded: a task of Entry.Running is not running; nothing was appended.
	ErrEnded = errors.New("the task is not running")
	// ErrRevoked: an id of Entry.Unless is used up; nothing was appended.
	ErrRevoked = errors.New("called back in the meantime")
	// ErrNewer: the store was written by a newer program.
	ErrNewer = errors.New("the store has a newer schema than this program")
	// ErrClosed: the store was closed; nothing was kept.
	ErrClosed = errors.New("the store is closed")
)

// Entry is one thing to append to the book.
type Entry struct {
	Event event.Event
	// Once are ids that this entry uses up, in the same transaction. When one of
	// them was used before, or stands here twice, Append fails with ErrUsed,
	// appends nothing and uses up none. At most MaxOnce.
	Once []Once
	// Unless are ids none of which may be used up: when one is, Append fails with
	// ErrRevoked. Their Until is not looked at. At most MaxOnce.
	Unless []Once
	// Running are tasks that must all be kept and in state TaskRunning: otherwise
	// Append fails with ErrEnded. At most MaxOnce.
	Running []narrowcast.TaskID
	// Task, when set, is a task that is kept together with the record. Its Version
	// must be one above that of the kept state, 1 for a new one: otherwise Append
	// fails with ErrConflict. A task that has ended is kept no more: ErrEnded.
	Task *Task
}

// Once is an id that may be used one time until it is forgotten. Two ids are
// the same when Space and ID are.
type Once struct {
	Space string    // what kind of id, and whose
	ID    string    // Space and ID together have at most MaxOnceBytes
	Until time.Time // from this instant on, by the store's clock, the id is free again
}

// Record is an entry of the book as it was kept.
type Record struct {
	Number   uint64 // counts up by one without gaps
	Received time.Time
	Event    event.Event
	Encoded  []byte   // the event as it is kept: the line that Hash covers
	Hash     [32]byte // see Link
}

// Query selects records. Empty fields select everything; set fields must all
// hold.
type Query struct {
	TokenID     string
	Fingerprint narrowcast.Fingerprint
	Lineage     string
	Decision    string
	Writer      string
	Task        string // the task that the event speaks of, see TaskOf
	Audience    string // the audience of the door, see Door
	Types       []event.Type
	From, To    time.Time // by Event.Time; To is excluded
	After       uint64    // only records with a higher Number
	Newest      bool      // newest first
	Limit       int       // 0 means no limit
}

// Book is the append-only record of what happened. All methods may be called
// from many goroutines.
type Book interface {
	// Append keeps one entry. When it returns without error the record survives
	// the loss of power. An event whose Writer and ID are in the book already is
	// not kept again, whatever else it says: the old record is returned and nothing
	// but the event is looked at, so that a caller may try again after a lost answer. When
	// ctx ends while the answer is awaited, the entry may have been kept.
	// Of several refusals it returns the first of ErrRevoked, ErrEnded,
	// ErrConflict and ErrUsed; further ErrClosed. A refused entry changes nothing.
	Append(ctx context.Context, e Entry) (Record, error)
	// AppendAll does the same for many entries in as few transactions as
	// possible and returns how many of them were new. Entries must carry nothing
	// but an event. When one entry is faulty none is kept; after any other error the
	// first kept entries are durable, and all may be handed over again.
	AppendAll(ctx context.Context, entries []Entry) (kept int, err error)
	// Find yields the records that match, in order of Number, as the book was
	// when the walk began. The caller may append and find within the walk. A
	// record that cannot be read is yielded with its Number and an error, and
	// the walk goes on; any other error ends it.
	Find(ctx context.Context, q Query) iter.Seq2[Record, error]
	// CheckChain recomputes the hash chain and returns the number of records and
	// the Number of the first one that does not fit, or 0. Of a gap, that is the
	// record behind it. Records cut off at the end leave no trace in the chain:
	// compare with a hash that was kept elsewhere.
	CheckChain(ctx context.Context) (records, broken uint64, err error)
}

// Revision is one state of the registry: its files as they were applied.
type Revision struct {
	Number  uint64 // 1, 2, 3 …
	Applied time.Time
	Author  string
	Digest  string
	Files   map[string][]byte
}

// Revisions is the history of the registry; it is never rewritten.
type Revisions interface {
	// Save keeps r, byte by byte, as revision r.Number, which must follow the
	// latest one. It returns ErrConflict, ErrClosed.
	Save(ctx context.Context, r Revision) error
	// Latest returns the newest revision. It returns ErrNotFound.
	Latest(ctx context.Context) (Revision, error)
	// LatestNumber returns the number of the newest revision, 0 when there is none.
	LatestNumber(ctx context.Context) (uint64, error)
	// At returns the revision that was in force at t: the newest of those applied
	// at t or before. It returns ErrNotFound.
	At(ctx context.Context, t time.Time) (Revision, error)
}

// Key is a signing key with its history. Private is sealed by the keyring; the
// store cannot read it.
type Key struct {
	ID        narrowcast.KeyID
	Algorithm narrowcast.Algorithm
	Public    []byte    // SubjectPublicKeyInfo, DER
	Private   []byte    // sealed; empty once the private half was destroyed
	Published time.Time // in the key set from here
	Active    time.Time // signs from here
	Retired   time.Time // signs no more from here; zero while it does
	Gone      time.Time // out of the key set from here; zero while it is in
}

// Keys keeps signing keys and their history.
type Keys interface {
	// SaveKey keeps k, replacing an older state of the same key. The algorithm
	// and the public half of a key never change, and a private half that was
	// destroyed does not come back: whoever saves an outdated state, or another
	// key under the same id, gets ErrConflict.
	SaveKey(ctx context.Context, k Key) error
	// Keys returns all keys, also those that are gone, oldest first.
	Keys(ctx context.Context) ([]Key, error)
}

// Store is everything that a driver keeps.
type Store interface {
	Book
	Revisions
	Keys
	Tasks
	// Close waits for appends under way and closes the store. What comes later
	// gets ErrClosed. Closing again does nothing.
	Close() error
}
