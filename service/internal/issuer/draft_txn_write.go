package issuer

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"

	"github.com/narrowcast-io/narrowcast/mint"
)

// transactionClaims are the claims of the draft, and ours by which the book finds
// the token again. It has no member for the letter that it was made from.
type transactionClaims struct {
	Issuer    string          `json:"iss"`
	Audience  string          `json:"aud"`
	IssuedAt  int64           `json:"iat"`
	Expires   int64           `json:"exp"`
	ID        string          `json:"txn"`
	Subject   string          `json:"sub"`
	Scope     string          `json:"scope"`
	Requester string          `json:"req_wl"`
	Details   json.RawMessage `json:"tctx,omitempty"`
	Context   json.RawMessage `json:"rctx,omitempty"`
	JTI       string          `json:"jti"`
	Parent    string          `json:"parent"`
	Lineage   string          `json:"lineage"`
	Task      string          `json:"task,omitempty"`
	Tenant    string          `json:"tenant,omitempty"`
}

// writeTransaction is write for a transaction token.
func (d *Desk) writeTransaction(v *visit) *Refusal {
	details, errDetails := v.object(v.request.DraftRequestDetails)
	context, errContext := v.object(v.request.DraftRequestContext)
	if errDetails != nil || errContext != nil {
		return &Refusal{Ground: Malformed, Detail: "request_details and request_context are JSON objects of at most 2 KiB without a token inside"}
	}
	from := v.parent.token
	v.id = mint.TokenIDAt(v.at)
	payload, err := json.Marshal(transactionClaims{
		Issuer: d.config.Issuer.String(), Audience: v.rule.Audience.String(), IssuedAt: v.at.Unix(),
		Expires: v.at.Unix() + int64(v.rule.Lifetime/time.Second), ID: string(v.id), JTI: string(v.id), Subject: string(from.Subject()),
		Scope: v.rule.Scope.String(), Requester: string(v.actor()), Details: details, Context: context,
		Parent: string(from.ID()), Lineage: from.Describe().Lineage, Task: string(from.Task()), Tenant: d.config.Tenant,
	})
	if err == nil {
		v.token, err = d.config.DraftTransactionTokens.Seal("txntoken+jwt", payload)
	}
	if err != nil {
		return &Refusal{Ground: Broken, Detail: err.Error()}
	}
	return nil
}

// object reads request_details and request_context: what other services will read
// as the word of this one.
func (v *visit) object(text string) (json.RawMessage, error) {
	if text == "" {
		return nil, nil
	}
	var members map[string]json.RawMessage
	if len(text) > 2<<10 || !unambiguous(text) || json.Unmarshal([]byte(text), &members) != nil || members == nil {
		return nil, errors.New("no JSON object")
	}
	if holdsToken(text) || v.request.Credentials.hold(text) {
		return nil, errors.New("a token inside")
	}
	var b bytes.Buffer
	err := json.Compact(&b, []byte(text))
	return b.Bytes(), err
}
