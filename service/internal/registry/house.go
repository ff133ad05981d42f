package registry

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// Scopes of the issuer's own doors.
const (
	ScopeReport = "report" // at the events door: report events
	ScopeRead   = "read"   // at the administration door: read the book and the registry
	ScopeApply  = "apply"  // at the administration door: apply a registry
	ScopeRevoke = "revoke" // at the administration door: call tokens back, stop tasks of others
	ScopeFollow = "follow" // at the feed: learn what was revoked
	ScopeUse    = "use"    // at the uses door: use up a token that is good for one request
	ScopeRun    = "run"    // at the tasks door: open tasks and end them
)

// EventsDoor returns the audience at which the issuer takes in events.
func EventsDoor(issuer narrowcast.Issuer) (narrowcast.Audience, error) {
	return below(issuer, "events")
}

// AdminDoor returns the audience of the issuer's administration.
func AdminDoor(issuer narrowcast.Issuer) (narrowcast.Audience, error) { return below(issuer, "admin") }

// FeedDoor returns the audience at which the issuer tells what was revoked.
func FeedDoor(issuer narrowcast.Issuer) (narrowcast.Audience, error) { return below(issuer, "feed") }

// UsesDoor returns the audience at which tokens for one request are used up.
func UsesDoor(issuer narrowcast.Issuer) (narrowcast.Audience, error) { return below(issuer, "uses") }

// TasksDoor returns the audience at which tasks are opened and ended.
func TasksDoor(issuer narrowcast.Issuer) (narrowcast.Audience, error) { return below(issuer, "tasks") }

func below(issuer narrowcast.Issuer, name string) (narrowcast.Audience, error) {
	a, err := narrowcast.ParseAudience(strings.TrimSuffix(issuer.String(), "/") + "/" + name)
	if err != nil {
		return narrowcast.Audience{}, fmt.Errorf("the issuer's own doors: %w", err)
	}
	return a, nil
}

// WithHouse returns s with the doors of the issuer itself added. They are
// resources like all others, so that one policy, one kind of token and one book
// serve them too:
//
//   - issuer/events, scope report, and issuer/uses, scope use; their callers are
//     all clients that some resource lists as a verifier;
//   - issuer/feed, scope follow; its callers are those and all clients that some
//     resource lists as a server;
//   - issuer/tasks, scope run; its callers are all clients that some resource
//     lists as a caller. Its tokens are bound to a key, which is what tells the
//     holder of a task;
//   - issuer/admin, scopes read, apply and revoke; its callers are all clients of
//     kind admin.
//
// No token for them may have been handed on: whoever comes here comes in his own
// name. They follow from the files and cannot be written in them, so nobody can
// open them wider by hand: their audiences and names are refused there. The
// digest stays that of the files. It fails when a resource of the files has one
// of these audiences or one too like it, and when a foreign issuer has our own
// identifier or one too like it: its tokens could pass for ours.
func (s *Snapshot) WithHouse(issuer narrowcast.Issuer) (*Snapshot, error) {
	if err := s.foreign(issuer); err != nil {
		return nil, err
	}
	house := &Snapshot{clients: slices.Clone(s.clients), issuers: s.issuers, digest: s.digest}
	house.resources = s.Resources()
	for _, plan := range s.plans() {
		audience, err := below(issuer, plan.name)
		if err != nil {
			return nil, err
		}
		if err := s.keepsOff(audience.String()); err != nil {
			return nil, err
		}
		house.resources = append(house.resources, plan.build(audience))
	}
	if err := house.index(); err != nil {
		return nil, err
	}
	return house, nil
}

// keepsOff reports an entry of the files that has the audience of a door of the
// issuer, or one too like it.
func (s *Snapshot) keepsOff(door string) error {
	taken := func(what, text, position string) error {
		if fold(text) != fold(door) {
			return nil
		}
		return fmt.Errorf("%s: %s %s is a door of the issuer itself; it cannot be registered", position, what, text)
	}
	var errs []error
	for _, r := range s.resources {
		errs = append(errs, taken("resource", r.Audience.String(), r.Position))
		for _, alias := range r.Aliases {
			errs = append(errs, taken("alias", alias.Name, alias.Position))
		}
	}
	for _, c := range s.clients {
		errs = append(errs, taken("client", string(c.ID), c.Position))
	}
	return errors.Join(errs...)
}

// foreign reports a foreign issuer that is not foreign.
func (s *Snapshot) foreign(own narrowcast.Issuer) error {
	var errs []error
	for _, i := range s.issuers {
		if fold(i.Issuer.String()) == fold(own.String()) {
			errs = append(errs, fmt.Errorf("%s: issuer %s is this issuer itself, or too like it; it cannot be registered as a foreign one", i.Position, i.Issuer))
		}
	}
	return errors.Join(errs...)
}
