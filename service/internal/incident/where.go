// Package incident is the reading room: it answers what a leaked token could
// have opened and where it was shown. It reads the book and the registry and
// cannot write.
package incident

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Book is what the reading room needs of the book.
type Book interface {
	Find(ctx context.Context, q store.Query) iter.Seq2[store.Record, error]
}

// Room is what questions are answered from. All fields but Fresh are required.
type Room struct {
	Book   Book
	Doors  []registry.Resource
	Issuer narrowcast.Issuer    // whose keys Keys are
	Keys   narrowcast.KeySource // every key the issuer ever had
	Now    func() time.Time
	// Fresh is how old the last word of a verifier may be to count as evidence
	// of what it does; default five minutes.
	Fresh time.Duration
}

// Verdict is one of three: absence of evidence is not a no (law 7).
type Verdict string

// The verdicts about one door.
const (
	Accepts Verdict = "accept"
	Refuses Verdict = "refuse"
	Unknown Verdict = "unknown"
)

// Evidence is what a statement rests on.
type Evidence string

// The classes of evidence, weakest first.
const (
	None     Evidence = "none"
	Declared Evidence = "declared" // the registry says so
	Observed Evidence = "observed" // an enforcement point reported it, or did it
)

// Finding is the answer for one door.
type Finding struct {
	Resource string            `json:"resource"`
	Name     string            `json:"name"`
	Owner    string            `json:"owner"`
	Own      bool              `json:"own"` // the token is addressed to this door
	Verdict  Verdict           `json:"verdict"`
	Reason   narrowcast.Reason `json:"reason,omitzero"` // the deciding check
	Near     string            `json:"near,omitempty"`
	Evidence Evidence          `json:"evidence"`
	Basis    string            `json:"basis"` // one sentence on the evidence
}

// Showing is one presentation of the token that the book knows of.
type Showing struct {
	Time     time.Time         `json:"time"`
	Door     string            `json:"door"`
	Outcome  event.Type        `json:"outcome"`
	Reason   narrowcast.Reason `json:"reason,omitzero"`
	Peer     string            `json:"peer,omitempty"`
	Count    int               `json:"count"`
	Decision string            `json:"decision,omitempty"`
	Writer   string            `json:"writer"`
}

// Answer is the whole answer to "where could this token have worked?".
type Answer struct {
	Token     event.Token `json:"token"`
	Genuine   bool        `json:"genuine"`          // the signature was checked and is right
	Doubt     string      `json:"doubt,omitempty"`  // why genuineness is not established
	Issued    *Issue      `json:"issued,omitempty"` // the record of its minting
	AsOf      time.Time   `json:"as_of"`
	Alive     bool        `json:"alive"`
	Doors     []Finding   `json:"doors"`
	Showings  []Showing   `json:"showings"`
	Confined  bool        `json:"confined"` // no door but its own would or might accept it
	Coverage  string      `json:"coverage"` // what the list of showings can and cannot say
	Exclusion []string    `json:"not_covered,omitempty"`
}

// Issue is what the book says of the minting.
type Issue struct {
	Number uint64    `json:"record"`
	Time   time.Time `json:"time"`
	Client string    `json:"client_id"`
	Scope  string    `json:"scope,omitempty"`
}

// ErrNotAToken is returned for a text that is not a JWT.
var ErrNotAToken = errors.New("this is not a token: it cannot be read as a signed JWT")

// Where answers for the text of a token. The text goes nowhere.
func (r *Room) Where(ctx context.Context, text string) (Answer, error) {
	said, err := narrowcast.Inspect(text)
	if err != nil {
		return Answer{}, ErrNotAToken
	}
	now := r.Now()
	a := Answer{Token: *event.TokenOf(said), AsOf: asOf(said, now), Alive: now.Before(said.Expires)}
	a.Genuine, a.Doubt = r.genuine(ctx, text, said)
	if err := r.history(ctx, said.Fingerprint, &a); err != nil {
		return Answer{}, err
	}
	a.Confined = true
	for _, door := range r.Doors {
		f, err := r.door(ctx, door, text, said, &a)
		if err != nil {
			return Answer{}, err
		}
		if !f.Own && f.Verdict != Refuses {
			a.Confined = false
		}
		if f.Evidence != Observed {
			a.Exclusion = append(a.Exclusion, f.Resource)
		}
		a.Doors = append(a.Doors, f)
	}
	a.Coverage = coverage(len(a.Doors), len(a.Exclusion))
	return a, nil
}

// asOf is the instant that the doors are judged at: now, or the last second of
// a token that has expired, since the question is where it could have worked.
func asOf(said narrowcast.Claimed, now time.Time) time.Time {
	if last := said.Expires.Add(-time.Second); !said.Expires.IsZero() && last.Before(now) {
		return last.UTC()
	}
	return now.UTC()
}

func coverage(doors, silent int) string {
	if silent == 0 {
		return fmt.Sprintf("all %d registered doors report what they see", doors)
	}
	return fmt.Sprintf("%d of %d registered doors report what they see; nothing is known of what was shown at the others", doors-silent, doors)
}

// genuine checks the signature at a time when the token lived, with the keys of
// the issuer.
func (r *Room) genuine(ctx context.Context, text string, said narrowcast.Claimed) (ok bool, doubt string) {
	if said.Issuer != r.Issuer.String() {
		return false, "the issuer is not this one, and its keys are not at hand"
	}
	v, err := nobodysDoor(r.Issuer, r.Keys, asOf(said, r.Now()))
	if err != nil {
		return false, err.Error()
	}
	_, err = v.Verify(ctx, text, narrowcast.Presentation{})
	var rej *narrowcast.Rejection
	if !errors.As(err, &rej) {
		return false, "the signature could not be checked"
	}
	if !rej.Genuine {
		return false, rej.Reason.Sentence()
	}
	return true, ""
}

func allAlgorithms() []narrowcast.Algorithm {
	return []narrowcast.Algorithm{narrowcast.ES256, narrowcast.ES384, narrowcast.RS256, narrowcast.PS256, narrowcast.Ed25519}
}

// history fills in what the book knows of the token itself.
func (r *Room) history(ctx context.Context, f narrowcast.Fingerprint, a *Answer) error {
	for rec, err := range r.Book.Find(ctx, store.Query{Fingerprint: f}) {
		if err != nil {
			return fmt.Errorf("reading the book: %w", err)
		}
		e := rec.Event
		switch e.Type {
		case event.Issued:
			a.Issued = &Issue{Number: rec.Number, Time: e.Time, Client: e.Token.Client, Scope: e.Token.Scope}
		case event.Presented, event.Rejected, event.OffTarget, event.WouldReject:
			a.Showings = append(a.Showings, showing(e))
		}
	}
	return nil
}

func showing(e event.Event) Showing {
	s := Showing{Time: e.Time, Door: e.Expected, Outcome: e.Type, Reason: e.Reason, Count: 1, Decision: e.Decision, Writer: e.Writer}
	if e.Request != nil {
		s.Peer = e.Request.Peer
	}
	if e.Fold != nil {
		s.Count, s.Time = e.Fold.Count, e.Fold.First
	}
	return s
}
