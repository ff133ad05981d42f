// Package event is the vocabulary of the book: what happened to which token, at
// which door, for which reason. Issuers and enforcement points write it, and
// everything that answers questions about the past reads it.
//
// An event never holds a token. It names one by its SHA-256 fingerprint, its
// jti and its lineage.
package event

import (
	"encoding/json"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// Version is written into every event. A reader refuses versions it does not know.
const Version = 1

// MaxBytes bounds one encoded event.
const MaxBytes = 16 << 10

// Type says what happened. The list is closed.
type Type string

// What can happen.
const (
	Issued          Type = "issued"           // a token was minted
	Refused         Type = "refused"          // the issuer refused to mint
	Presented       Type = "presented"        // a token was accepted; folded per token, peer and minute
	Rejected        Type = "rejected"         // a token was not accepted
	OffTarget       Type = "off_target"       // a genuine token was shown at a door it is not addressed to
	WouldReject     Type = "would_reject"     // observe mode let pass what enforcing would have rejected
	VerifierSeen    Type = "verifier_seen"    // an enforcement point reported itself
	RegistryApplied Type = "registry_applied" // a registry revision came into force
	KeyPublished    Type = "key_published"    // a key appeared in the published set
	KeyActivated    Type = "key_activated"    // a key began to sign
	KeyRetired      Type = "key_retired"      // a key left the published set
	Exchanged       Type = "exchanged"        // a token was minted from another one of ours
	Revoked         Type = "revoked"          // tokens were called back
	TaskOpened      Type = "task_opened"      // a task began
	TaskPaused      Type = "task_paused"      // its tokens count for nothing until it is resumed
	TaskResumed     Type = "task_resumed"     // they count again
	TaskEnded       Type = "task_ended"       // it is over, and so are its tokens
	VerifierLeft    Type = "verifier_left"    // an enforcement point stopped in order
	Used            Type = "used"             // a token that is good for one request was used up
	Admin           Type = "admin"            // an administrator did something else
)

// Types returns every Type.
func Types() []Type {
	return []Type{Issued, Refused, Presented, Rejected, OffTarget, WouldReject, VerifierSeen,
		RegistryApplied, KeyPublished, KeyActivated, KeyRetired,
		Exchanged, Revoked, TaskOpened, TaskPaused, TaskResumed, TaskEnded, VerifierLeft, Used, Admin}
}

// Event is one entry. Which fields are set depends on its Type.
type Event struct {
	Version  int       `json:"v"`
	ID       string    `json:"id"` // unique for its writer; a repeated one is the same event
	Type     Type      `json:"type"`
	Time     time.Time `json:"time"` // UTC, by the writer's clock
	Tenant   string    `json:"tenant,omitempty"`
	Writer   string    `json:"writer"` // who wrote it: an issuer instance or a verifier
	Sequence uint64    `json:"seq"`    // counts up by one per writer, so that gaps show
	Decision string    `json:"decision,omitempty"`
	Mode     Mode      `json:"mode,omitempty"`

	Reason   narrowcast.Reason   `json:"reason,omitzero"`    // for rejections
	Also     []narrowcast.Reason `json:"also,omitempty"`     // further checks that failed
	Refusal  string              `json:"refusal,omitempty"`  // the OAuth error code of a Refused event
	Detail   string              `json:"detail,omitempty"`   // one sentence for operators
	Genuine  bool                `json:"genuine,omitempty"`  // the signature was right
	Expected string              `json:"expected,omitempty"` // the audience of the door, or the one asked for
	Received []string            `json:"received,omitempty"` // the audience of the token
	Near     string              `json:"near,omitempty"`     // how the two differ when they almost fit

	Token    *Token    `json:"token,omitempty"`
	Request  *Request  `json:"request,omitempty"`
	Fold     *Fold     `json:"fold,omitempty"`
	Verifier *Verifier `json:"verifier,omitempty"`
	Key      *Key      `json:"key,omitempty"`
	Registry *Registry `json:"registry,omitempty"`

	Revocation *Revocation `json:"revocation,omitempty"`
	Task       *Task       `json:"task,omitempty"`
}

// Mode is what an enforcement point does with a verdict.
type Mode string

// The modes. Observe sets aside the audience checks and nothing else.
const (
	Enforce Mode = "enforce"
	Observe Mode = "observe"
)

// Token are the facts about a token. Without Event.Genuine they are hearsay.
type Token struct {
	Fingerprint narrowcast.Fingerprint `json:"sha256,omitzero"`
	ID          string                 `json:"jti,omitempty"`
	Lineage     string                 `json:"lineage,omitempty"`
	Task        string                 `json:"task,omitempty"`
	Issuer      string                 `json:"iss,omitempty"`
	Subject     string                 `json:"sub,omitempty"`
	Client      string                 `json:"client_id,omitempty"`
	Audience    []string               `json:"aud,omitempty"`
	Scope       string                 `json:"scope,omitempty"`
	KeyID       string                 `json:"kid,omitempty"`
	IssuedAt    time.Time              `json:"iat,omitzero"`
	Expires     time.Time              `json:"exp,omitzero"`
	Bound       bool                   `json:"bound,omitempty"`

	Parent     string   `json:"parent,omitempty"`     // the jti of the token that this one was exchanged for
	Actors     []string `json:"act,omitempty"`        // who acts for the subject, the current one first (RFC 8693 section 4.1)
	StatusList string   `json:"status_uri,omitempty"` // of the status list that tells of it, and its place there
	StatusAt   uint64   `json:"status_idx,omitempty"`
	SingleUse  bool     `json:"single_use,omitempty"`
}

// Request is what came to the door, without its secrets: no query, no headers.
type Request struct {
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
	Peer   string `json:"peer,omitempty"` // address of the connection's other end
}

// Fold stands for several presentations of one token by one peer that had one
// outcome.
type Fold struct {
	Count int       `json:"count"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
}

// Verifier is what an enforcement point says of itself.
type Verifier struct {
	Audience    string            `json:"audience"`
	Digest      string            `json:"digest"` // of the effective configuration
	Mode        Mode              `json:"mode"`
	Issuers     map[string]string `json:"issuers"` // issuer to token class, and after "; " each of its terms
	Algorithms  []string          `json:"algorithms"`
	Skew        time.Duration     `json:"skew_ns"`
	MaxLife     time.Duration     `json:"max_life_ns"`
	Tenant      string            `json:"tenant,omitempty"`
	Environment string            `json:"environment,omitempty"`
	Binding     bool              `json:"binding,omitempty"` // tokens must be bound to their sender
	Revocation  bool              `json:"revocation"`
	SingleUse   bool              `json:"single_use,omitempty"` // it asks which tokens for one use were used
	Software    string            `json:"software,omitempty"`
	Dropped     uint64            `json:"dropped,omitempty"` // events this writer had to drop so far
	Feed        *Feed             `json:"feed,omitempty"`    // what it knows of revocations
}

// Feed is what an enforcement point knows of revocations.
type Feed struct {
	Position   uint64        `json:"position"`           // everything up to this record of the book counts here
	AsOf       time.Time     `json:"as_of,omitzero"`     // when the issuer said so, by its clock
	StaleAfter time.Duration `json:"stale_after_ns"`     // how old that may become
	WhenStale  string        `json:"when_stale"`         // refuse or accept
	Degraded   bool          `json:"degraded,omitempty"` // it is older, and tokens are accepted all the same
}

// Revocation is what was called back. Kind is one of token, task, party,
// resource and key, as in package feed.
type Revocation struct {
	Kind   string    `json:"kind"`
	ID     string    `json:"id"`
	Before time.Time `json:"before,omitzero"`  // of the kinds party, resource and key: tokens issued until then
	Until  time.Time `json:"until,omitzero"`   // when the last of the tokens ends by itself
	Tokens int       `json:"tokens,omitempty"` // how many it concerned when it was recorded, descendants among them
}

// Task is a task and what became of it.
type Task struct {
	ID        string        `json:"id"`
	Parent    string        `json:"parent,omitempty"`
	Client    string        `json:"client_id,omitempty"`
	Label     string        `json:"label,omitempty"`
	Resources []string      `json:"resources,omitempty"`
	Attempt   int           `json:"attempt,omitempty"`  // 1 for the first
	RetryOf   string        `json:"retry_of,omitempty"` // the task that it is another attempt of
	Deadline  time.Time     `json:"deadline,omitzero"`
	Lease     time.Duration `json:"lease_ns,omitempty"`
	Outcome   string        `json:"outcome,omitempty"` // of a task that is over: see package task of the service
}

// Key is a signing key of the issuer.
type Key struct {
	ID        string    `json:"kid"`
	Algorithm string    `json:"alg"`
	NotBefore time.Time `json:"nbf,omitzero"`
	NotAfter  time.Time `json:"exp,omitzero"`
}

// Registry is a revision of the registry.
type Registry struct {
	Revision uint64 `json:"revision"`
	Digest   string `json:"digest"`
	Author   string `json:"author"`
}

// TokenOf turns what a token says of itself into the facts of an event.
func TokenOf(c narrowcast.Claimed) *Token {
	return &Token{
		Fingerprint: c.Fingerprint, ID: c.TokenID, Lineage: c.Lineage, Task: c.Task,
		Issuer: c.Issuer, Subject: c.Subject, Client: c.ClientID, Audience: c.Audience, Scope: c.Scope,
		KeyID: c.KeyID, IssuedAt: c.IssuedAt, Expires: c.Expires, Bound: c.Bound,
		Parent: c.Parent, Actors: c.Actors, StatusList: c.StatusList, StatusAt: c.StatusAt, SingleUse: c.SingleUse,
	}
}

// Sink takes events. Record must not block for long; a sink that cannot keep up
// drops and counts.
type Sink interface {
	Record(Event)
}

// Encode writes e as one line of JSON without a line break.
func Encode(e Event) ([]byte, error) {
	e.Version = Version
	e.Time = e.Time.UTC()
	return json.Marshal(e)
}
