// Package forge makes wrong letters: tokens that differ from an acceptable one
// in a single respect, each beside the right token it was made from. The
// conformance vectors, the probe and the test kit all take theirs from here, so
// that "every wrong token" means the same thing everywhere.
package forge

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// Fault is one way in which a token can be wrong.
type Fault struct {
	ID      string            // group and name, such as "audience.prefix"
	Title   string            // what is wrong, in a few words
	Reason  narrowcast.Reason // what a verifier says first
	Group   string            // the part of ID before the dot
	Source  string            // the clause or the published bug it comes from
	Needs   []Need            // what a verifier needs besides audience, issuer and keys
	Control string            // the ID of the right token that it differs from
	Plain   bool              // made from a token of the world's base algorithm; see World.ControlOf
	Strict  bool              // refused by the laws of this project, not by the letter of an RFC
}

// Need is something that a verifier must be set up with before a fault shows.
type Need string

// The needs.
const (
	Tenant          Need = "tenant"           // a tenant is expected
	NoTenant        Need = "no-tenant"        // no tenant is expected, and one that is named is refused
	Environment     Need = "environment"      // an environment is expected
	NoEnvironment   Need = "no-environment"   // no environment is expected, and one that is named is refused
	Scope           Need = "scope"            // the call requires a scope
	Certificate     Need = "certificate"      // the connection has a client certificate
	Proof           Need = "proof"            // a proof of possession came along, and a checker says what it shows
	ProofInvalid    Need = "proof-invalid"    // the proof that came along is wrong
	ProofReplayed   Need = "proof-replayed"   // the proof that came along was shown before
	Binding         Need = "binding"          // only tokens that are bound to their sender are accepted
	SecondIssuer    Need = "second-issuer"    // a second issuer is trusted
	KeyWindow       Need = "key-window"       // keys have validity windows
	Revocation      Need = "revoked"          // revocations are known
	TaskEnd         Need = "task-ended"       // ended tasks are known
	TaskPause       Need = "task-paused"      // paused tasks are known
	StaleFeed       Need = "feed-stale"       // what is known of revocations is too old
	Transaction     Need = "request"          // the request is told, and compared with what the token describes
	NoRequest       Need = "request-untold"   // the token describes a request, and nothing is told of the one that came
	SingleUse       Need = "single-use"       // it is remembered which tokens for one use were used
	UsedUp          Need = "single-use-again" // the token was used before
	UsesUnknown     Need = "uses-unknown"     // what was used cannot be found out
	NoUses          Need = "no-uses"          // nobody remembers what was used
	KeysUnreachable Need = "keys-unreachable" // the keys of the issuer cannot be had
	PathAudience    Need = "path-audience"    // the audience has a path
	OneAlgorithm    Need = "one-algorithm"    // only ES256 is allowed
	RawText         Need = "raw-text"         // an HTTP header cannot carry the text as it is
)

// Right is one kind of token that must be accepted: a positive control.
type Right struct {
	ID    string
	Title string
	Needs []Need
}

// ErrNotApplicable is wrapped by Wrong when the fault cannot be expressed in
// this world, such as a slash behind the path of an audience without a path.
var ErrNotApplicable = errors.New("the fault does not apply here")

// Errors about names that are not in the catalogue.
var (
	errNoFault = errors.New("there is no fault with this id")
	errNoRight = errors.New("there is no right token with this id")
)

// Faults returns the catalogue, group by group.
func Faults() []Fault {
	all := catalogue()
	faults := make([]Fault, len(all))
	for i, w := range all {
		faults[i] = w.Fault
	}
	return faults
}

// Find returns the fault with the given ID.
func Find(id string) (Fault, error) {
	w, err := find(id)
	return w.Fault, err
}

// Wrong makes the token that has fault f and no other.
func (w *World) Wrong(f Fault) (string, error) {
	found, err := find(f.ID)
	if err != nil {
		return "", err
	}
	text, err := found.forge(w.letter(f.ID, f.Needs))
	if err != nil {
		return "", fmt.Errorf("forging %s: %w", f.ID, err)
	}
	return text, nil
}

// wrong is a fault with the way to make it.
type wrong struct {
	Fault
	forge forging
}

// forging turns a right letter into the text of a wrong one.
type forging func(l *letter) (string, error)

func find(id string) (wrong, error) {
	for _, w := range catalogue() {
		if w.ID == id {
			return w, nil
		}
	}
	return wrong{}, fmt.Errorf("%w: %q", errNoFault, id)
}

func catalogue() []wrong {
	return slices.Concat(
		shapes(), jsonFaults(), headers(), algorithms(), types(), issuers(), keyFaults(), signatures(),
		claimFaults(), times(), audienceForms(), audienceNames(), audienceURLs(),
		tenants(), senders(), delegations(), ends(), transactions(), uses(), scopes(),
	)
}

// bad writes one line of the catalogue.
func bad(id, title string, reason narrowcast.Reason, source string, how forging, needs ...Need) wrong {
	group, _, _ := strings.Cut(id, ".")
	control := controlFor(needs)
	return wrong{Fault{ID: id, Title: title, Reason: reason, Group: group, Source: source,
		Needs: needs, Control: control, Plain: control == plainControl}, how}
}

func (w wrong) strict() wrong {
	w.Strict = true
	return w
}

func (w wrong) against(control string) wrong {
	w.Control, w.Plain = "right."+control, false
	return w
}

const plainControl = "right.es256"

// controlFor names the right token with the same needs.
func controlFor(needs []Need) string {
	for _, n := range needs {
		switch n {
		case ProofInvalid, ProofReplayed:
			return "right." + string(Proof)
		case NoRequest:
			return "right." + string(Transaction)
		case UsedUp, UsesUnknown, NoUses:
			return "right." + string(SingleUse)
		}
		if n != NoTenant && n != NoEnvironment && n != RawText && n != KeysUnreachable && n != StaleFeed {
			return "right." + string(n)
		}
	}
	return plainControl
}
