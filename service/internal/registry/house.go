package registry

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
)

// Scopes of the issuer's own doors.
const (
	ScopeReport = "report" // at the events door: report events
	ScopeRead   = "read"   // at the administration door: read the book and the registry
	ScopeApply  = "apply"  // at the administration door: apply a registry
)

// EventsDoor returns the audience at which the issuer takes in events.
func EventsDoor(issuer narrowcast.Issuer) (narrowcast.Audience, error) {
	return narrowcast.ParseAudience(strings.TrimSuffix(issuer.String(), "/") + "/events")
}

// AdminDoor returns the audience of the issuer's administration.
func AdminDoor(issuer narrowcast.Issuer) (narrowcast.Audience, error) {
	return narrowcast.ParseAudience(strings.TrimSuffix(issuer.String(), "/") + "/admin")
}

// WithHouse returns s with the doors of the issuer itself added. They are
// resources like all others, so that one policy, one kind of token and one book
// serve them too:
//
//   - issuer/events, scope report; its callers are all clients that some
//     resource lists as a verifier;
//   - issuer/admin, scopes read and apply; its callers are all clients of kind
//     admin.
//
// They follow from the files and cannot be written in them, so nobody can open
// them wider by hand: their audiences and names are refused there. The digest
// stays that of the files. It fails when a resource of the files has one of
// these audiences or one too like it, and when a foreign issuer has our own
// identifier or one too like it: its tokens could pass for ours.
func (s *Snapshot) WithHouse(issuer narrowcast.Issuer) (*Snapshot, error) {
	events, err := EventsDoor(issuer)
	if err != nil {
		return nil, fmt.Errorf("the issuer's own doors: %w", err)
	}
	admin, err := AdminDoor(issuer)
	if err != nil {
		return nil, fmt.Errorf("the issuer's own doors: %w", err)
	}
	if err := s.foreign(issuer); err != nil {
		return nil, err
	}
	house := &Snapshot{clients: slices.Clone(s.clients), issuers: s.issuers, digest: s.digest}
	own := []Resource{
		builtIn(events, reserved+"events", ScopeReport, s.reporters()),
		builtIn(admin, reserved+"admin", ScopeApply+" "+ScopeRead, s.admins()),
	}
	for _, door := range own {
		if err := s.keepsOff(door.Audience.String()); err != nil {
			return nil, err
		}
	}
	house.resources = append(s.Resources(), own...)
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

func builtIn(a narrowcast.Audience, name, scopes string, callers []Caller) Resource {
	scope, _ := narrowcast.ParseScope(scopes) // constants
	for i := range callers {
		callers[i].Scopes = scope
	}
	return Resource{
		Audience: a, Name: name, Owner: "narrowcast", Criticality: Medium, Scopes: scope,
		TTL: DefaultTTL, MaxTTL: DefaultMaxTTL, Binding: policy.Binding{Sender: policy.Preferred, DPoP: true}, Callers: callers, BuiltIn: true, Position: "built in",
	}
}

// reporters are the clients that report for some resource, each with the place
// that says so.
func (s *Snapshot) reporters() (callers []Caller) {
	for _, r := range s.resources {
		for _, client := range r.Verifiers {
			if !slices.ContainsFunc(callers, func(c Caller) bool { return c.Client == client }) {
				callers = append(callers, Caller{Client: client, Position: r.Position})
			}
		}
	}
	return callers
}

func (s *Snapshot) admins() (callers []Caller) {
	for _, c := range s.clients {
		if c.Kind == Admin {
			callers = append(callers, Caller{Client: c.ID, Position: c.Position})
		}
	}
	return callers
}
