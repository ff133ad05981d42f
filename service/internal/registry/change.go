package registry

import (
	"encoding/json"
	"strings"
)

// Change is one difference between two registries, told as what somebody gains
// or loses.
type Change struct {
	Kind     string `json:"kind"`             // one of the constants below
	Door     string `json:"door,omitempty"`   // audience of the resource concerned
	Client   string `json:"client,omitempty"` // id of the client concerned
	Before   string `json:"before,omitempty"`
	After    string `json:"after,omitempty"`
	Text     string `json:"text"`     // one sentence
	Position string `json:"position"` // of the entry as it is now, or as it was when it is gone
	Widens   bool   `json:"widens"`   // somebody or something gains
}

// Kinds of changes.
const (
	DoorAdded        = "door_added"
	DoorRemoved      = "door_removed"
	DoorDisabled     = "door_disabled"
	DoorEnabled      = "door_enabled"
	DoorChanged      = "door_changed" // a field that is not about reach: name, owner, data, known scopes and details
	WallChanged      = "wall_changed" // tenant or environment
	CriticalityMoved = "criticality_changed"
	LifetimeChanged  = "lifetime_changed" // ttl or max_ttl
	BindingChanged   = "binding_changed"
	ReachGained      = "reach_gained"
	ReachLost        = "reach_lost"
	VerifierAdded    = "verifier_added"
	VerifierRemoved  = "verifier_removed"
	ServerAdded      = "server_added" // a client may exchange and introspect the tokens of a resource
	ServerRemoved    = "server_removed"
	MayActChanged    = "may_act_changed"     // who alone may exchange the tokens of a caller
	DelegationMoved  = "delegation_changed"  // how often tokens may have been handed on
	StaleChanged     = "stale_changed"       // when news of revocations is too old, and what then
	SingleUseChanged = "single_use_changed"  // whether a token is good for one request
	StatusChanged    = "status_list_changed" // whether a status list tells of tokens
	AliasAdded       = "alias_added"
	AliasRemoved     = "alias_removed"
	ClientAdded      = "client_added"
	ClientRemoved    = "client_removed"
	ClientDisabled   = "client_disabled"
	ClientEnabled    = "client_enabled"
	ClientChanged    = "client_changed" // owner or kind
	ProofAdded       = "proof_added"    // another key, secret, certificate or token to authenticate with
	ProofRemoved     = "proof_removed"
	IssuerAdded      = "issuer_added"
	IssuerRemoved    = "issuer_removed"
	IssuerChanged    = "issuer_changed" // profile, keys, or how long and how often its tokens are taken
	IssuerDisabled   = "issuer_disabled"
	IssuerEnabled    = "issuer_enabled"
)

// String returns one line: + before what widens, a blank before all else.
func (c Change) String() string {
	sign := "  "
	if c.Widens {
		sign = "+ "
	}
	if c.Position == "" {
		return sign + c.Text
	}
	return sign + c.Text + " (" + c.Position + ")"
}

// Lines renders changes for people, one a line.
func Lines(changes []Change) string {
	if len(changes) == 0 {
		return "no change\n"
	}
	var b strings.Builder
	for _, c := range changes {
		b.WriteString(c.String() + "\n")
	}
	return b.String()
}

// JSON renders changes for machines, as an array.
func JSON(changes []Change) ([]byte, error) {
	if changes == nil {
		changes = []Change{}
	}
	return json.MarshalIndent(changes, "", "  ")
}
