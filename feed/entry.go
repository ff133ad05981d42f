// Package feed is what an enforcement point knows of revocation: a snapshot, a
// stream that goes on from it, and how old both are.
//
// A [Follower] keeps a [Set] by a stream of the issuer and is the
// narrowcast.Liveness of a verifier. The messages of the stream are [Reset], [Entry]
// and [At]; an issuer writes them with their method Append, and a [Reader] reads them.
package feed

import (
	"errors"
	"time"
	"unicode/utf8"
)

// Entry tells of tokens that were called back, or count again.
type Entry struct {
	// Number is the record of the book that says so. Of two entries about one task
	// the one with the higher Number counts, but a task that ended stays ended. Of two
	// entries with another Kind and one ID both count.
	Number uint64 `json:"n"`
	Kind   Kind   `json:"kind"`
	ID     string `json:"id"`
	State  State  `json:"state"`
	// Before bounds an entry of the kinds Party, Resource and Key: it is about
	// tokens with an iat until then.
	Before time.Time `json:"before,omitzero"`
	// Until is when the last token that it is about has expired everywhere; the
	// entry may be forgotten from then on.
	Until time.Time `json:"until"`
}

// Kind is what an Entry names.
type Kind string

// The kinds.
const (
	Token    Kind = "token"    // ID is a jti
	Task     Kind = "task"     // ID is a task; see State
	Party    Kind = "party"    // ID is a client_id, a sub or an actor: all tokens with it in any of these places
	Resource Kind = "resource" // ID is an aud
	Key      Kind = "key"      // ID is a kid
)

// Kinds returns every Kind.
func Kinds() []Kind { return []Kind{Token, Task, Party, Resource, Key} }

// State is what became of the tokens.
type State string

// The states.
const (
	Revoked State = "revoked"
	Ended   State = "ended"  // of a task
	Paused  State = "paused" // of a task
	Lives   State = "lives"  // of a task that was resumed
)

// MaxID bounds the ID of an entry, in bytes.
const MaxID = 2048

// check refuses what is not understood: an entry that says more than this reader
// knows must not pass for one that says less.
func (e *Entry) check() error {
	dated := e.Kind == Party || e.Kind == Resource || e.Kind == Key
	switch {
	case e.Number == 0:
		return errors.New("an entry without its number")
	case e.ID == "" || len(e.ID) > MaxID || !utf8.ValidString(e.ID):
		return errors.New("an entry whose id is empty, too long or not UTF-8")
	case e.Until.IsZero():
		return errors.New("an entry without until")
	case e.Kind == Task:
		if e.State != Ended && e.State != Paused && e.State != Lives {
			return errors.New("an entry about a task in a state that is not known")
		}
	case e.Kind != Token && !dated:
		return errors.New("an entry of a kind that is not known")
	case e.State != Revoked:
		return errors.New("an entry in a state that is not known")
	case dated && e.Before.IsZero():
		return errors.New("an entry without before")
	}
	return nil
}
