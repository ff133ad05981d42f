package registry

import (
	"slices"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
)

// MayReport reports whether the client is listed as a verifier of the resource,
// and is not disabled.
func (s *Snapshot) MayReport(client narrowcast.ClientID, door narrowcast.Audience) bool {
	r := s.door(door)
	return r != nil && s.welcome(client) && slices.Contains(r.Verifiers, client)
}

// MayFollow reports whether the client may learn what was revoked at the
// resource: it is a verifier or a server of it, and is not disabled. A disabled
// resource is followed on, for tokens of it may still be out.
func (s *Snapshot) MayFollow(client narrowcast.ClientID, door narrowcast.Audience) bool {
	return s.MayReport(client, door) || s.IsServer(client, door)
}

// MayIntrospect reports whether the client may ask about tokens that are
// addressed to the resource (RFC 7662 section 4): it may follow it, and the
// resource is not disabled.
func (s *Snapshot) MayIntrospect(client narrowcast.ClientID, door narrowcast.Audience) bool {
	r := s.door(door)
	return r != nil && !r.Disabled && s.MayFollow(client, door)
}

// ServersOf returns the clients that are the server of the resource, disabled
// ones as well: they may have exchanged its tokens before.
func (s *Snapshot) ServersOf(door narrowcast.Audience) []narrowcast.ClientID {
	if r := s.door(door); r != nil {
		return slices.Clone(r.Servers)
	}
	return nil
}

// Serves returns the resources of which the client is a server, in order. A
// disabled client is none.
func (s *Snapshot) Serves(client narrowcast.ClientID) (doors []narrowcast.Audience) {
	for _, r := range s.resources {
		if s.IsServer(client, r.Audience) {
			doors = append(doors, r.Audience)
		}
	}
	return doors
}

// ClientsOf returns the clients of an owner in order, disabled ones as well.
func (s *Snapshot) ClientsOf(owner string) (clients []narrowcast.ClientID) {
	for _, c := range s.clients {
		if c.Owner == owner {
			clients = append(clients, c.ID)
		}
	}
	return clients
}

// Stale returns when news of revocations is too old at the resource, and what a
// verifier does then. A resource that is not there refuses at once.
func (s *Snapshot) Stale(door narrowcast.Audience) (after time.Duration, when policy.WhenStale) {
	if r := s.door(door); r != nil {
		return r.Stale.After, r.Stale.When
	}
	return 0, policy.Refuse
}

// WantsStatus reports whether tokens for the resource have a place in a status
// list.
func (s *Snapshot) WantsStatus(door narrowcast.Audience) bool {
	r := s.door(door)
	return r != nil && r.StatusList
}

// SingleUse reports whether tokens for the resource are good for one request.
func (s *Snapshot) SingleUse(door narrowcast.Audience) bool {
	r := s.door(door)
	return r != nil && r.SingleUse
}

// KnowsDetail reports whether the resource understands authorization_details of
// this type.
func (s *Snapshot) KnowsDetail(door narrowcast.Audience, kind string) bool {
	r := s.door(door)
	return r != nil && (kind == policy.RequestDetail || slices.Contains(r.Details, kind))
}

func (s *Snapshot) door(a narrowcast.Audience) *Resource {
	i, known := s.byAudience[a.String()]
	if !known || a.IsZero() {
		return nil
	}
	return &s.resources[i]
}

func (s *Snapshot) welcome(client narrowcast.ClientID) bool {
	i, registered := s.byClient[client]
	return registered && !s.clients[i].Disabled
}

// IsServer reports whether the client is the resource server of that door, and is
// not disabled.
func (s *Snapshot) IsServer(client narrowcast.ClientID, door narrowcast.Audience) bool {
	r := s.door(door)
	return r != nil && s.welcome(client) && slices.Contains(r.Servers, client)
}
