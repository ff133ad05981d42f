package forge

import (
	"slices"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// World is the place that tokens are forged for: who issues, who is addressed,
// what time it is. It is read and never altered by this package.
type World struct {
	Issuer   narrowcast.Issuer
	Second   narrowcast.Issuer   // another issuer; trusted only under SecondIssuer
	Audience narrowcast.Audience // the door
	Other    narrowcast.Audience // another door
	Subject  narrowcast.Subject
	Client   narrowcast.ClientID
	Scope    narrowcast.Scope // what right tokens carry
	Required narrowcast.Scope // what a call requires under Scope: a part of Scope

	Tenant      string // expected under Tenant
	Environment string // expected under Environment
	Certificate string // thumbprint of the certificate shown under Certificate

	Now      time.Time
	Lifetime time.Duration        // of right tokens; default 5 minutes
	Ceiling  time.Duration        // the longest life that the verifier accepts; default one hour
	Base     narrowcast.Algorithm // signs wherever the algorithm is not the point; default ES256
	Keys     Keys
	// NewID makes the jti of the token for one fault or right; default the name
	// of that fault.
	NewID func(id string) narrowcast.TokenID
	// Always are needs of every token, because the verifier at hand has them.
	Always []Need
}

// The jti that is revoked and the tasks that ended, are paused or go on, in every
// world.
const (
	revokedID  = "revoked-token"
	endedTask  = "task-ended"
	pausedTask = "task-paused"
	openTask   = "task-open"
)

func (w *World) base() narrowcast.Algorithm {
	if w.Base == "" {
		return narrowcast.ES256
	}
	return w.Base
}

func (w *World) lifetime() time.Duration {
	if w.Lifetime == 0 {
		return 5 * time.Minute
	}
	return w.Lifetime
}

func (w *World) ceiling() time.Duration {
	if w.Ceiling == 0 {
		return narrowcast.DefaultMaxLifetime
	}
	return w.Ceiling
}

func (w *World) tokenID(id string) narrowcast.TokenID {
	if w.NewID == nil {
		return narrowcast.TokenID("token-" + id)
	}
	return w.NewID(id)
}

// ControlOf returns the ID of the right token that f differs from in this
// world, whose base algorithm may not be ES256.
func (w *World) ControlOf(f Fault) string {
	if f.Plain {
		return "right." + strings.ToLower(string(w.base()))
	}
	return f.Control
}

// with returns the world as it is under the given needs.
func (w *World) with(needs []Need) *World {
	u, web := cut(w.Audience.String())
	if !slices.Contains(needs, PathAudience) || web && u.path != "" {
		return w
	}
	changed := *w
	if a, err := narrowcast.ParseAudience(w.Audience.String() + "/v1"); err == nil {
		changed.Audience = a
	}
	return &changed
}
