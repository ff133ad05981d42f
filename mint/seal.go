package mint

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/narrowcast-io/narrowcast/internal/jose"
)

// sealed are the types of statements that an issuer signs besides letters. None
// of them is a token of any class.
var sealed = [...]string{
	"token-introspection+jwt", // RFC 9701 section 5
	"statuslist+jwt",          // draft-ietf-oauth-status-list section 5.1
	"txntoken+jwt",            // draft-ietf-oauth-transaction-tokens
}

// Seal signs a statement of the issuer that is no token: typ is one of a closed
// list, and payload one JSON object. Letters are written by Mint alone.
func (p *Press) Seal(typ string, payload []byte) (string, error) {
	if p == nil || p.signer == nil {
		return "", errors.New("mint: the press was never configured")
	}
	if !slices.Contains(sealed[:], typ) {
		return "", errors.New("mint: this type of statement is not sealed")
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(payload, &object); err != nil || object == nil {
		return "", errors.New("mint: a statement is one JSON object")
	}
	header := `{"alg":"` + string(p.alg) + `","typ":"` + typ + `","kid":` + quoted(string(p.kid)) + `}`
	input := jose.Join(header, string(payload))
	signature, err := jose.Sign(p.alg, p.signer, input)
	if err != nil {
		return "", fmt.Errorf("mint: signing: %w", err)
	}
	return jose.Seal(input, signature), nil
}
