package event

import (
	"errors"

	"github.com/narrowcast-io/narrowcast/internal/strictjson"
)

// members are the names that an object of an event may have, with the members
// of the objects inside it. encoding/json takes "Expected" for "expected", so
// one reader would see another event than the next; names are compared here.
type members map[string]members

var vocabulary = members{
	"v": nil, "id": nil, "type": nil, "time": nil, "tenant": nil, "writer": nil, "seq": nil, "decision": nil, "mode": nil,
	"reason": nil, "also": nil, "refusal": nil, "detail": nil, "genuine": nil, "expected": nil, "received": nil, "near": nil,
	"token": {
		"sha256": nil, "jti": nil, "lineage": nil, "task": nil, "iss": nil, "sub": nil, "client_id": nil, "aud": nil,
		"scope": nil, "kid": nil, "iat": nil, "exp": nil, "bound": nil,
		"parent": nil, "act": nil, "status_uri": nil, "status_idx": nil, "single_use": nil,
	},
	"request": {"method": nil, "path": nil, "peer": nil},
	"fold":    {"count": nil, "first": nil, "last": nil},
	"verifier": {
		"audience": nil, "digest": nil, "mode": nil, "issuers": nil, "algorithms": nil, "skew_ns": nil, "max_life_ns": nil,
		"tenant": nil, "environment": nil, "binding": nil, "revocation": nil, "single_use": nil, "software": nil, "dropped": nil,
		"feed": {"position": nil, "as_of": nil, "stale_after_ns": nil, "when_stale": nil, "degraded": nil},
	},
	"key":        {"kid": nil, "alg": nil, "nbf": nil, "exp": nil},
	"registry":   {"revision": nil, "digest": nil, "author": nil},
	"revocation": {"kind": nil, "id": nil, "before": nil, "until": nil, "tokens": nil},
	"task": {
		"id": nil, "parent": nil, "client_id": nil, "label": nil, "resources": nil, "attempt": nil, "retry_of": nil,
		"deadline": nil, "lease_ns": nil, "outcome": nil,
	},
}

// check does not repeat the name: a stranger may have chosen it.
func (m members) check(name string, v strictjson.Value) error {
	inside, known := m[name]
	switch {
	case !known:
		return errors.New("a member is not in the vocabulary; letter case matters")
	case inside != nil && v.Kind() == strictjson.Struct:
		return v.Object(inside.check)
	}
	return nil
}
