package incident

import (
	"fmt"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
)

// Verdict is one of three: absence of evidence is not a no (law 7).
type Verdict string

// The verdicts about one door, over the whole time that the token has lived.
const (
	Accepts Verdict = "accept"  // at some time some enforcement point would have accepted it, or did
	Refuses Verdict = "refuse"  // every enforcement point that is known would have refused it, all the time
	Unknown Verdict = "unknown" // not established
)

// Evidence is what a statement rests on.
type Evidence string

// The classes of evidence, weakest first.
const (
	None     Evidence = "none"
	Declared Evidence = "declared" // the registry says so
	Observed Evidence = "observed" // an enforcement point reported it, or did it
)

// Standing is what the registry says of a door now.
type Standing string

// The standings of a door.
const (
	Registered   Standing = "registered"
	Disabled     Standing = "disabled"     // no tokens are minted for it; whoever guards it may still accept them
	Unregistered Standing = "unregistered" // only the book knows of it
)

// Finding is the answer for one door.
type Finding struct {
	Resource string            `json:"resource"`
	Name     string            `json:"name"`
	Owner    string            `json:"owner"`
	Standing Standing          `json:"standing"`
	Own      bool              `json:"own"` // the token is addressed to this door
	Verdict  Verdict           `json:"verdict"`
	Reason   narrowcast.Reason `json:"reason,omitzero"` // the deciding check
	Near     string            `json:"near,omitempty"`
	Evidence Evidence          `json:"evidence"`
	Basis    string            `json:"basis"` // one sentence on the evidence
	// From and To are the first and the last instant that the evidence is of;
	// zero without any.
	From   time.Time `json:"evidence_from,omitzero"`
	To     time.Time `json:"evidence_to,omitzero"`
	Points []Point   `json:"points,omitempty"`
	// Now is what it does since the token was called back; nil when it was not, or
	// when the verdict is to refuse anyway.
	Now *Present `json:"now,omitempty"`
}

// Point is one enforcement point of a door: what it said of itself while the
// token lived, and what that means for the token.
type Point struct {
	Writer  string            `json:"writer"`
	Mode    event.Mode        `json:"mode"`
	Digest  string            `json:"digest"`
	Verdict Verdict           `json:"verdict"`
	Reason  narrowcast.Reason `json:"reason,omitzero"`
	Near    string            `json:"near,omitempty"`
	Basis   string            `json:"basis"`
	From    time.Time         `json:"from"` // its first report that counts
	To      time.Time         `json:"to"`   // its last one
	Reports int               `json:"reports"`

	silent bool // longer than its word counts
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
	Token   event.Token `json:"token"`
	Genuine bool        `json:"genuine"`          // the signature was checked and is right
	Doubt   string      `json:"doubt,omitempty"`  // why genuineness is not established
	Issued  *Issue      `json:"issued,omitempty"` // the record of its minting
	AsOf    time.Time   `json:"as_of"`            // the instant at which the doors are asked
	Since   time.Time   `json:"since"`            // what verifiers said between Since and
	Until   time.Time   `json:"until"`            // Until counts as evidence
	Alive   bool        `json:"alive"`
	Life    string      `json:"life"`            // what the clock says
	Death   *Death      `json:"death,omitempty"` // how it was called back, if it was
	Doors   []Finding   `json:"doors"`
	// Others are doors that are not in the registry and that the book knows of.
	Others    []Finding `json:"other_doors,omitempty"`
	Showings  []Showing `json:"showings"`
	Confined  bool      `json:"confined"` // no door but its own would or might accept it
	Coverage  string    `json:"coverage"` // what the list of showings can and cannot say
	Exclusion []string  `json:"not_covered,omitempty"`
}

// Issue is what the book says of the minting.
type Issue struct {
	Number uint64    `json:"record"`
	Time   time.Time `json:"time"`
	Client string    `json:"client_id"`
	Scope  string    `json:"scope,omitempty"`
	// OtherBytes: a token with this id was minted, and its text was another one.
	OtherBytes bool `json:"other_bytes,omitempty"`
}

// confined reports whether the answer rules out every door but the one that the
// token is addressed to. A token with several addresses has no door of its own,
// and without any door nothing was asked.
func (a *Answer) confined() bool {
	for _, f := range append(a.Doors[:len(a.Doors):len(a.Doors)], a.Others...) {
		own := f.Own && len(a.Token.Audience) == 1
		if !own && f.Verdict != Refuses {
			return false
		}
	}
	return len(a.Doors) > 0
}

func (a *Answer) coverage() string {
	late := ""
	if a.Alive {
		late = "; what was accepted in the last two minutes may not have arrived yet"
	}
	doors, silent := len(a.Doors), len(a.Exclusion)
	switch {
	case doors == 0:
		return "no door is registered, so nobody reports"
	case silent == 0:
		return fmt.Sprintf("all %d registered doors reported while it lived%s", doors, late)
	}
	return fmt.Sprintf("%d of %d registered doors reported while it lived; nothing is known of what was shown at the others%s", doors-silent, doors, late)
}
